"""What files still hold of people whose records are erased."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unfinished_erasures",
        sa.Column("receipt", sa.Text, primary_key=True),
        sa.Column("user_row", sa.Integer),
        sa.Column("profile_hashes", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("unfinished_erasures")
