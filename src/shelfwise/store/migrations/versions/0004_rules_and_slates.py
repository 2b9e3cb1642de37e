"""Versions of the merchandiser's rules, and the slates that were answered."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rule_versions",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "slates",
        sa.Column("slate_id", sa.Text, primary_key=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.Text),
        sa.Column("scenario", sa.Text, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("rules_version", sa.Integer, nullable=False),
        sa.Column("item_rows", sa.LargeBinary, nullable=False),
        sa.Column("propensities", sa.LargeBinary, nullable=False),
        sa.Column("best_rows", sa.LargeBinary, nullable=False),
    )
    op.create_index("slates_by_time", "slates", ["at_ms"])
    op.create_index("slates_by_user", "slates", ["user_id"])


def downgrade() -> None:
    op.drop_table("slates")
    op.drop_table("rule_versions")
