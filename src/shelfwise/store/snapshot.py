"""A copy of the records as they are at one moment, in one SQLite file, while others read and write."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from shelfwise.errors import DataError, ServiceError
from shelfwise.store.copies import copy_records
from shelfwise.store.records import Records


def take_snapshot(records: Records, path: Path) -> None:
    """Copy the records into a file that does not exist yet. Writers do not wait for it.

    Raises:
        ServiceError: the store cannot be read, or the file not be written.
    """
    if records.engine.dialect.name == "sqlite":
        _backed_up(records, path)
    else:
        target = Records.open(f"sqlite:///{path.name}", path.parent)
        try:
            copy_records(records, target)
        finally:
            target.close()
    # One file without a log beside it.
    with closing(sqlite3.connect(path)) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")
    require_sound(path)


def require_sound(path: Path) -> None:
    """Look through a records file.

    Raises:
        DataError: it is damaged.
    """
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as cause:
        raise DataError(f"the records are damaged ({cause})", code="broken_records") from cause
    if found != "ok":
        raise DataError(f"the records are damaged ({found})", code="broken_records")


def _backed_up(records: Records, path: Path) -> None:
    source: Any = records.engine.raw_connection()
    try:
        with closing(sqlite3.connect(path)) as target:
            # All pages in one step: one state of the file, and no beginning anew whenever somebody writes.
            source.driver_connection.backup(target, pages=-1)
    except sqlite3.Error as cause:
        raise ServiceError(
            f"the records cannot be copied ({cause})", hint="see to room on the disk", code="not_copied"
        ) from cause
    finally:
        source.close()
