"""Which keys values were sealed under."""

import sqlalchemy as sa
from alembic import op

from shelfwise.errors import StateError

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "data_keys",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key_id", sa.Text, nullable=False, unique=True),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
        sa.Column("retired_ms", sa.BigInteger),
    )


def downgrade() -> None:
    # An earlier release would take sealed values for broken ones.
    if op.get_bind().execute(sa.text("SELECT count(*) FROM data_keys WHERE retired_ms IS NULL")).scalar():
        raise StateError(
            "values of this store are sealed, and earlier releases cannot open them",
            where="store.records",
            hint="stop all servers, run `shelfwise encryption unseal`, then take the schema back",
            code="sealed_store",
        )
    op.drop_table("data_keys")
