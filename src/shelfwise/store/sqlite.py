"""SQLite's engine: one file in the shop's folder.

WAL mode with `synchronous = FULL`: a commit that returned survives `kill -9` and a power cut, and readers never wait
for the writer.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from shelfwise.errors import ConfigError
from shelfwise.store.urls import WHERE

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another process's transaction."""

CACHE_KIB = 8_192
"""Of each connection, and a server process has several. What it does not hold the system's own cache does, once for all
processes: eight times as much makes neither reads nor bulk writes quicker (docs/experiments.md)."""


def sqlite_engine(url: URL, base: Path) -> Engine:
    """An engine of a file, which the first connection makes.

    Args:
        url: `sqlite:///relative.db` (relative to `base`) or `sqlite:////absolute.db`.
        base: The shop's folder.

    Raises:
        ConfigError: the URL names no file.
    """
    if not url.database or url.database == ":memory:":
        raise ConfigError("a database in memory loses everything", expected="a file", where=WHERE)
    path = base / url.database
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1_000},
        poolclass=QueuePool,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _configure(dbapi_connection: Any, _record: Any) -> None:
    # SQLAlchemy begins transactions itself (see _begin); the driver's own implicit BEGIN would come too late for
    # reads and cannot be IMMEDIATE.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    _write_ahead(cursor)
    for pragma in (
        "synchronous = FULL",
        "temp_store = MEMORY",
        f"cache_size = -{CACHE_KIB}",
        "foreign_keys = ON",
        "secure_delete = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _write_ahead(cursor: Any) -> None:
    # Of two processes that turn a new file to it at the same time SQLite refuses one at once, without the patience that
    # it has elsewhere.
    ends_at = time.monotonic() + BUSY_TIMEOUT_MS / 1_000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > ends_at:
                raise
            time.sleep(0.02)


def _begin(connection: Connection) -> None:
    # A writer that upgrades from a read transaction can fail with "database is locked"; IMMEDIATE waits instead.
    write = connection.get_execution_options().get("shelfwise_write", False)
    driver: Any = connection.connection.dbapi_connection
    if write:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # may be refused
    elif not driver.in_transaction:  # a frequent read may have begun it
        driver.execute("BEGIN")  # only says that reads belong together: nothing is touched yet
