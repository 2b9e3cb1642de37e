"""Open the database behind a URL, migrated to the current schema."""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from shelfwise.errors import ConfigError, ServiceError
from shelfwise.store import postgresql
from shelfwise.store.postgresql import make_schema, postgresql_engine, without_schema
from shelfwise.store.refusals import refusal
from shelfwise.store.sqlite import sqlite_engine
from shelfwise.store.urls import SQLITE, WHERE, read_url

HEAD = "0012"
"""The newest revision in `migrations/versions`; a test holds it against Alembic's own answer."""

log = logging.getLogger("shelfwise.store")


def open_engine(url: str, base: Path) -> Engine:
    """Connect to the records store and migrate it where needed.

    Args:
        url: What `urls.read_url` reads.
        base: The shop's folder, where paths of SQLite begin.

    Raises:
        ConfigError: the URL is malformed, or names a database that records cannot be kept in.
        MissingExtraError: the database's driver is not installed.
        ServiceError: the file cannot be opened as a database, or the server does not answer or let us in.
        StateError: a newer release made this database.
    """
    parsed = read_url(url)
    if parsed.drivername == SQLITE:
        engine = sqlite_engine(parsed, base)
        try:
            _migrate(engine)
        except DatabaseError as cause:
            engine.dispose()
            raise ServiceError(
                f"{engine.url.database} cannot be opened as a database ({cause.orig})",
                where=WHERE,
                hint="restore the file from a backup, or name another one",
            ) from cause
        return engine
    engine = postgresql_engine(parsed)
    try:
        _check_server(engine)
        schema = without_schema(parsed)[1]
        if schema is not None:
            make_schema(engine, schema)
        _migrate(engine)
    except SQLAlchemyError as cause:
        engine.dispose()
        refused = refusal(cause)
        if refused is None:
            raise
        raise refused from cause
    except Exception:
        engine.dispose()
        raise
    return engine


def engine_for_glances(url: str) -> Engine | None:
    """An engine of its own for short questions that others wait for; None where readers never wait.

    Raises:
        ConfigError: the URL is malformed.
    """
    parsed = read_url(url)
    return None if parsed.drivername == SQLITE else postgresql_engine(parsed, statement_ms=postgresql.GLANCE_MS)


def _check_server(engine: Engine) -> None:
    with engine.connect() as connection:
        encoding, flushes = connection.execute(
            text("SELECT current_setting('server_encoding'), current_setting('fsync')")
        ).one()
    if encoding != "UTF8":
        raise ConfigError(
            f"the database's texts are {encoding}",
            expected="UTF8",
            where=WHERE,
            hint="make one with `createdb --encoding=UTF8 --template=template0 NAME`",
        )
    if flushes != "on":
        log.warning("%s: the server runs with fsync = off: a power cut may lose or break everything", WHERE)


def _migrate(engine: Engine) -> None:
    with engine.connect() as connection:
        if inspect(connection).has_table("alembic_version"):
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            if found == HEAD:
                return
    from shelfwise.store.migrations.run import (
        upgrade,
    )  # Alembic takes 0.3 s to import: only when there is work

    upgrade(engine)
