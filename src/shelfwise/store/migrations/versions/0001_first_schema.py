"""The first schema: users, items, events, sources, quarantine, vectors."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("user_id", sa.Text, nullable=False, unique=True),
        sa.Column("attributes", sa.Text, nullable=False, server_default="{}"),
    )
    op.create_table(
        "items",
        sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("item_id", sa.Text, nullable=False, unique=True),
        sa.Column("title", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("category", sa.Text),
        sa.Column("brand", sa.Text),
        sa.Column("price", sa.Float),
        sa.Column("currency", sa.Text),
        sa.Column("image", sa.Text),
        sa.Column("available", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger),
        sa.Column("group_id", sa.Text),
        sa.Column("attributes", sa.Text, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False, server_default="0"),
    )
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("event_key", sa.LargeBinary(16), nullable=False, unique=True),
        sa.Column("user_row", sa.Integer, nullable=False),
        sa.Column("item_row", sa.Integer),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("timestamp_ms", sa.BigInteger, nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("quantity", sa.Float),
        sa.Column("price", sa.Float),
        sa.Column("currency", sa.Text),
        sa.Column("session_id", sa.Text),
        sa.Column("scenario", sa.Text),
        sa.Column("position", sa.Integer),
        sa.Column("slate_id", sa.Text),
        sa.Column("query", sa.Text),
        sa.Column("source", sa.Integer),
        sa.Column("line", sa.BigInteger),
    )
    op.create_index("events_by_user", "events", ["user_row", "timestamp_ms", "seq", "item_row", "kind"])
    op.create_table(
        "sources",
        sa.Column("source", sa.Integer, primary_key=True),
        sa.Column("fingerprint", sa.Text, nullable=False, unique=True),
        sa.Column("table", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("started_ms", sa.BigInteger, nullable=False),
        sa.Column("lines_done", sa.BigInteger, nullable=False),
        sa.Column("finished", sa.Boolean, nullable=False),
        sa.Column("stored", sa.BigInteger, nullable=False),
        sa.Column("already_stored", sa.BigInteger, nullable=False),
        sa.Column("quarantined", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "quarantine",
        sa.Column("source", sa.Integer, primary_key=True),
        sa.Column("line", sa.BigInteger, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("raw", sa.Text, nullable=False),
    )
    op.create_index("quarantine_by_reason", "quarantine", ["source", "reason"])
    op.create_table(
        "vectors",
        sa.Column("encoder", sa.Text, nullable=False),
        sa.Column("content_hash", sa.LargeBinary(16), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.UniqueConstraint("encoder", "content_hash", name="vectors_by_content"),
    )


def downgrade() -> None:
    for name in ("vectors", "quarantine", "sources", "events", "items", "users"):
        op.drop_table(name)
