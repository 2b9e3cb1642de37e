"""Every import with its counts, and how the files were laid out whose lines are in quarantine."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("import_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("source", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("started_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.Column("finished_ms", sa.BigInteger),
        sa.Column("progress", sa.Float, nullable=False),
        sa.Column("lines", sa.BigInteger, nullable=False),
        sa.Column("stored", sa.BigInteger, nullable=False),
        sa.Column("already_stored", sa.BigInteger, nullable=False),
        sa.Column("quarantined", sa.BigInteger, nullable=False),
        sa.Column("failure", sa.Text),
    )
    op.add_column("sources", sa.Column("layout", sa.Text))
    # Files of before are one import each; when they ended was not written down.
    op.execute(
        "INSERT INTO imports (import_id, source, kind, actor, started_ms, updated_ms, finished_ms, progress, lines, "
        "stored, already_stored, quarantined) SELECT source, source, 'file', '', started_ms, started_ms, "
        "CASE WHEN finished THEN started_ms END, CASE WHEN finished THEN 1.0 ELSE 0.0 END, lines_done, stored, "
        "already_stored, quarantined FROM sources"
    )


def downgrade() -> None:
    op.drop_column("sources", "layout")
    op.drop_table("imports")
