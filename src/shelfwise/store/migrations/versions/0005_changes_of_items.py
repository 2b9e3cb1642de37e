"""Items say when they changed, so that every process can follow the catalogue."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("changed_seq", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("items", sa.Column("content_seq", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("items_by_change", "items", ["changed_seq"])


def downgrade() -> None:
    op.drop_index("items_by_change", "items")
    with op.batch_alter_table("items") as table:
        table.drop_column("content_seq")
        table.drop_column("changed_seq")
