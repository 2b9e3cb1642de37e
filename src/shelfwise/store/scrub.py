"""After an erasure: see to it that no file of the store still holds the bytes that were deleted.

SQLite overwrites what is deleted (`secure_delete`, see `engine`), but copies that it made earlier, when pages were
split, lie on in the gaps of other pages: of 1,500 people deleted from a store of 25 MB, 20 could still be found. Only
rebuilding the file leaves none.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from shelfwise.errors import ServiceError

PATIENCE_S = 30.0
"""How long readers of an earlier state are waited for."""


def scrub(engine: Engine, *, up_to_bytes: int | None = None) -> bool:
    """Rebuild the database file and empty its write-ahead log.

    Args:
        engine: Of the records store.
        up_to_bytes: A larger file is not rebuilt, its log is emptied all the same; None: whatever it takes.

    Returns:
        Whether it was rebuilt. Other stores than SQLite are left to their own vacuum.

    Raises:
        ServiceError: other processes read or wrote for too long.

    Cost:
        Writes the file twice; writers wait for that long, readers do not.
    """
    if engine.dialect.name != "sqlite" or engine.url.database is None:
        return False
    with _raw(engine) as cursor:
        _empty_log(cursor)
        if up_to_bytes is not None and Path(engine.url.database).stat().st_size > up_to_bytes:
            return False
        cursor.execute("PRAGMA temp_store = FILE")  # the copy would be held in memory
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA temp_store = MEMORY")
        _empty_log(cursor)
    return True


def _empty_log(cursor: Any) -> None:
    ends_at = time.monotonic() + PATIENCE_S
    while True:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        is_busy, *_ = cursor.fetchone()
        if not is_busy:
            return
        if time.monotonic() > ends_at:
            raise ServiceError(
                "the person is erased, but the store's log still holds what was deleted: others are reading",
                hint="ask for the erasure again",
                code="log_not_emptied",
            )
        time.sleep(0.05)


@contextmanager
def _raw(engine: Engine) -> Generator[Any]:
    # Neither statement may stand in a transaction, which the engine begins for every connection of its own.
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        try:
            yield cursor
        finally:
            cursor.close()
    except Exception as cause:
        if isinstance(cause, ServiceError):
            raise
        raise ServiceError(
            f"the person is erased, but the store cannot be rebuilt ({cause})",
            hint="ask for the erasure again when no other process writes and the disk has room",
            code="not_rebuilt",
        ) from cause
    finally:
        connection.close()
