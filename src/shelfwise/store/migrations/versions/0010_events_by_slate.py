"""What came of an answer is found by the answer's id; events that answer none cost nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    answers_one = sa.text("slate_id IS NOT NULL")
    op.create_index("events_by_slate", "events", ["slate_id"], sqlite_where=answers_one, postgresql_where=answers_one)


def downgrade() -> None:
    op.drop_index("events_by_slate", "events")
