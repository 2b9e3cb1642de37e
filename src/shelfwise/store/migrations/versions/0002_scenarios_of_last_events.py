"""The index of a user's last events covers their scenarios too."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BEFORE = ["user_row", "timestamp_ms", "seq", "item_row", "kind"]


def upgrade() -> None:
    op.drop_index("events_by_user", "events")
    op.create_index("events_by_user", "events", [*BEFORE, "scenario"])


def downgrade() -> None:
    op.drop_index("events_by_user", "events")
    op.create_index("events_by_user", "events", BEFORE)
