"""Versions of what the shop's places are set to, above `shop.toml`."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "scenario_versions",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("scenario", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("restores", sa.Integer),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("scenario_versions_by_scenario", "scenario_versions", ["scenario", "version"])


def downgrade() -> None:
    op.drop_table("scenario_versions")
