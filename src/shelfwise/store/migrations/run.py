"""Bring a database to the newest schema, in one transaction."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine

from shelfwise.errors import StateError, UnknownError, did_you_mean


def config() -> Config:
    """Alembic's configuration; there is no `alembic.ini`."""
    alembic = Config()
    alembic.set_main_option("script_location", str(Path(__file__).parent))
    return alembic


def upgrade(engine: Engine) -> None:
    """Migrate to the newest revision; two processes at once wait for each other.

    Raises:
        StateError: a newer release made this database.
    """
    with _alembic(engine) as alembic:
        try:
            command.upgrade(alembic, "head")
        except CommandError as cause:
            raise StateError(
                f"this release does not know the schema of the records store ({cause})",
                where="store.records",
                hint="a newer release made it: install that one, or restore a backup",
                code="newer_store",
            ) from cause


def downgrade(engine: Engine, revision: str) -> None:
    """Go back to an earlier revision, for an earlier release; what only later schemas hold is dropped.

    Args:
        revision: As `migrations/versions` names it; `base` is no table at all.

    Raises:
        UnknownError: there is none of that name.
    """
    known = [one.revision for one in ScriptDirectory.from_config(config()).walk_revisions()][::-1]
    if revision not in ("base", *known):
        raise UnknownError(
            f"there is no schema {revision!r}; known: {', '.join(known)}",
            where="store.records",
            hint=did_you_mean(revision, known),
            code="unknown_revision",
        )
    with _alembic(engine) as alembic:
        command.downgrade(alembic, revision)


@contextmanager
def _alembic(engine: Engine) -> Generator[Config]:
    with engine.connect().execution_options(shelfwise_write=True) as connection, connection.begin():
        alembic = config()
        alembic.attributes["connection"] = connection
        yield alembic
