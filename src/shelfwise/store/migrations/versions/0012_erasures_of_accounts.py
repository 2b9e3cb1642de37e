"""An erasure says whether it was of an account: while browsers are erased, servers keep what accounts say."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of those of before nobody knows any more: as accounts nothing is kept that may have been one's.
    op.add_column("erasures", sa.Column("of_account", sa.Boolean, nullable=False, server_default="1"))


def downgrade() -> None:
    op.drop_column("erasures", "of_account")
