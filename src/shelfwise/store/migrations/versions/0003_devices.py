"""Events say on which device they happened."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("events", sa.Column("device", sa.Text))


def downgrade() -> None:
    op.drop_column("events", "device")
