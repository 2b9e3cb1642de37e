"""Open the database behind a URL, migrated to the current schema.

SQLite runs in WAL mode with `synchronous = FULL`: a commit that returned survives `kill -9` and a power cut, and
readers never wait for the writer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import QueuePool

from shelfwise.errors import ConfigError, ServiceError

HEAD = "0005"
"""The newest revision in `migrations/versions`; a test holds it against Alembic's own answer."""

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another process's transaction."""


def open_engine(url: str, base: Path) -> Engine:
    """Connect to the records store and migrate it where needed.

    Args:
        url: `sqlite:///relative.db` (relative to `base`) or `sqlite:////absolute.db`.
        base: The shop's folder.

    Raises:
        ConfigError: the URL is malformed or names another database than SQLite.
        ServiceError: the file cannot be opened as a database.
    """
    try:
        parsed = make_url(url)
    except Exception as cause:
        raise ConfigError(
            "this is no database URL", expected="'sqlite:///shelfwise.db'", where="store.records"
        ) from cause
    if parsed.get_backend_name() != "sqlite":
        raise ConfigError(
            f"the records store is {parsed.get_backend_name()!r}",
            expected="a URL that starts with 'sqlite:///'",
            where="store.records",
            hint="this release keeps its records in SQLite",
        )
    if not parsed.database or parsed.database == ":memory:":
        raise ConfigError("a database in memory loses everything", expected="a file", where="store.records")
    path = base / parsed.database
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1_000},
        poolclass=QueuePool,
    )
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    try:
        _migrate(engine)
    except (OperationalError, DatabaseError) as cause:
        engine.dispose()
        raise ServiceError(
            f"{path} cannot be opened as a database ({cause.orig})",
            where="store.records",
            hint="restore the file from a backup, or name another one",
        ) from cause
    return engine


def _configure(dbapi_connection: Any, _record: Any) -> None:
    # SQLAlchemy begins transactions itself (see _begin); the driver's own implicit BEGIN would come too late for
    # reads and cannot be IMMEDIATE.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "temp_store = MEMORY",
        "cache_size = -65536",
        "foreign_keys = ON",
        "secure_delete = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A writer that upgrades from a read transaction can fail with "database is locked"; IMMEDIATE waits instead.
    write = connection.get_execution_options().get("shelfwise_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


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
