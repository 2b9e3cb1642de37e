"""Bring a database to the newest schema, in one transaction."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine


def config() -> Config:
    """Alembic's configuration; there is no `alembic.ini`."""
    alembic = Config()
    alembic.set_main_option("script_location", str(Path(__file__).parent))
    return alembic


def upgrade(engine: Engine) -> None:
    """Migrate to the newest revision; two processes at once wait for each other."""
    with engine.connect().execution_options(shelfwise_write=True) as connection, connection.begin():
        alembic = config()
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, "head")
