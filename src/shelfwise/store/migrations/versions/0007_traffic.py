"""What servers counted by minute and hour; events by time, and by the answer that they name."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "traffic",
        sa.Column("step_s", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at_s", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("measure", sa.Text, primary_key=True),
        sa.Column("label", sa.Text, primary_key=True),
        sa.Column("bucket", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("n", sa.BigInteger, nullable=False),
    )
    op.create_index("events_by_time", "events", ["timestamp_ms", "kind", "item_row", "user_row"])
    answers_one = sa.text("slate_id IS NOT NULL")
    op.create_index(
        "events_by_slate", "events", ["slate_id", "kind"], sqlite_where=answers_one, postgresql_where=answers_one
    )


def downgrade() -> None:
    op.drop_index("events_by_slate", "events")
    op.drop_index("events_by_time", "events")
    op.drop_table("traffic")
