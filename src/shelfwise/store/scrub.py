"""After an erasure: see to it that no file of the store still holds the bytes that were deleted.

SQLite overwrites what is deleted (`secure_delete`, see `engine`), but copies that it made earlier, when pages were
split, lie on in the gaps of other pages: of 1,500 people deleted from a store of 25 MB, 20 could still be found. Only
rebuilding the file leaves none.

PostgreSQL marks what is deleted and lets its bytes lie, and so does `VACUUM`, which only frees their place: tables are
written anew (`VACUUM FULL`), and what the planner noted of frequent values with them. What was deleted remains, until
the server throws it away, in its write-ahead log (as long as checkpoints, `wal_keep_size`, replication slots and
archives keep it), in base backups and dumps, and on standbys that lag behind; and in its own log, where that holds
statements with their values. Of these nothing is known here.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine, String, Table

from shelfwise.errors import ServiceError
from shelfwise.store.tables import events, quarantine, slates, users, vectors

PATIENCE_S = 30.0
"""How long readers of an earlier state are waited for."""

LOCK_TIMEOUT_MS = 100
"""Who asks PostgreSQL for a table of its own holds up all who come to read it afterwards: no longer than this."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
"""Between two tries to get a table: each pause is twice the one before."""

LOCK_NOT_AVAILABLE = "55P03"

MAX_LOCKED_BYTES = 64_000_000
"""While PostgreSQL writes tables anew, nobody reads them: so much takes about a second; a server goes no further."""


class Purpose(NamedTuple):
    """What a rebuild is for, for messages.

    Attributes:
        done: What has been done already, whatever comes of the rebuild.
        again: How to ask for it again.
    """

    done: str
    again: str


ERASURE = Purpose("the person is erased", "ask for the erasure again")


def scrub(engine: Engine, *, up_to_bytes: int | None = None, purpose: Purpose = ERASURE) -> bool:
    """Rebuild the database file and empty its write-ahead log; in PostgreSQL, the tables that tell of people.

    Args:
        engine: Of the records store.
        up_to_bytes: A larger file is not rebuilt, its log is emptied all the same; tables of PostgreSQL are then only
            vacuumed, and that above `MAX_LOCKED_BYTES` too. None: whatever it takes.
        purpose: What it is for.

    Returns:
        Whether it was rebuilt.

    Raises:
        ServiceError: other processes read or wrote for too long.

    Cost:
        Writes the file twice; writers wait for that long, readers do not. In PostgreSQL readers wait too, for one
        table after the other, while it is written; until it can be had nobody waits longer than `LOCK_TIMEOUT_MS`.
    """
    if engine.dialect.name == "postgresql":
        return _vacuumed(engine, up_to_bytes, purpose)
    if engine.dialect.name != "sqlite" or engine.url.database is None:
        return False
    with _raw(engine, purpose) as cursor:
        _empty_log(cursor, purpose)
        if up_to_bytes is not None and Path(engine.url.database).stat().st_size > up_to_bytes:
            return False
        cursor.execute("PRAGMA temp_store = FILE")  # the copy would be held in memory
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA temp_store = MEMORY")
        _empty_log(cursor, purpose)
    return True


def _vacuumed(engine: Engine, up_to_bytes: int | None, purpose: Purpose) -> bool:
    tables = (users, events, slates, quarantine, vectors)
    names = [table.name for table in tables]
    with _raw(engine, purpose, autocommit=True) as cursor:
        cursor.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
        _wait_for_readers(cursor, purpose)
        cursor.execute("SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%s::text[]) AS name", (names,))
        n_bytes = int(cursor.fetchone()[0])
        is_rebuilt = up_to_bytes is None or n_bytes <= min(up_to_bytes, MAX_LOCKED_BYTES)
        how = "FULL, ANALYZE" if is_rebuilt else "ANALYZE"
        for table in tables:
            _when_free(cursor, f"VACUUM ({how}) {table.name}", purpose)
            cursor.execute(f"SELECT EXISTS (SELECT FROM {table.name})")  # noqa: S608
            if not cursor.fetchone()[0]:
                _forget_frequent_values(cursor, table, engine, purpose)
        # ANALYZE has just replaced the notes on frequent values; who may not do this is told so by a notice only.
        _when_free(cursor, f"VACUUM ({'FULL' if is_rebuilt else 'SKIP_LOCKED'}) pg_catalog.pg_statistic", purpose)
    return is_rebuilt


def _wait_for_readers(cursor: Any, purpose: Purpose) -> None:
    """Whoever still reads an earlier state keeps in the new tables what was deleted since."""
    cursor.execute("SELECT pg_current_xact_id()::xid::text")
    now = cursor.fetchone()[0]
    ends_at = time.monotonic() + PATIENCE_S
    while True:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND greatest(age(backend_xmin), age(backend_xid)) > age(%s::xid)",
            (now,),
        )
        if not cursor.fetchone()[0]:
            return
        if time.monotonic() > ends_at:
            raise ServiceError(
                f"{purpose.done}, but the tables still hold what was deleted: others are reading an earlier state",
                hint=purpose.again,
                code="still_read",
            )
        time.sleep(0.05)


def _when_free(cursor: Any, statement: str, purpose: Purpose) -> None:
    """Run a statement that wants a table for itself, in a moment when nobody holds it: readers go first."""
    ends_at, pause_s = time.monotonic() + PATIENCE_S, FIRST_PAUSE_S
    while True:
        try:
            cursor.execute(statement)
            return
        except Exception as cause:
            if getattr(cause, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            if time.monotonic() + pause_s > ends_at:
                raise ServiceError(
                    f"{purpose.done}, but a table still holds what was deleted: others hold the table",
                    hint=purpose.again,
                    code="table_held",
                ) from cause
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def _forget_frequent_values(cursor: Any, table: Table, engine: Engine, purpose: Purpose) -> None:
    """Drop what the planner noted of a table that is empty now: ANALYZE lets it stand, a column's type does not."""
    for column in table.columns:
        if isinstance(column.type, String):
            _when_free(
                cursor,
                f'ALTER TABLE {table.name} ALTER COLUMN "{column.name}" TYPE {column.type.compile(engine.dialect)}',
                purpose,
            )


def _empty_log(cursor: Any, purpose: Purpose) -> None:
    ends_at = time.monotonic() + PATIENCE_S
    while True:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        is_busy, *_ = cursor.fetchone()
        if not is_busy:
            return
        if time.monotonic() > ends_at:
            raise ServiceError(
                f"{purpose.done}, but the store's log still holds what was deleted: others are reading",
                hint=purpose.again,
                code="log_not_emptied",
            )
        time.sleep(0.05)


@contextmanager
def _raw(engine: Engine, purpose: Purpose, *, autocommit: bool = False) -> Generator[Any]:
    # Neither statement may stand in a transaction, which the engine begins for every connection of its own.
    connection: Any = engine.raw_connection()
    try:
        if autocommit:
            connection.driver_connection.autocommit = True
        cursor = connection.cursor()
        try:
            yield cursor
        finally:
            cursor.close()
    except Exception as cause:
        if isinstance(cause, ServiceError):
            raise
        raise ServiceError(
            f"{purpose.done}, but the store cannot be rebuilt ({cause})",
            hint=f"{purpose.again} when no other process writes and the disk has room",
            code="not_rebuilt",
        ) from cause
    finally:
        if autocommit:
            connection.invalidate()  # the pool's connections are not of that kind
        connection.close()
