"""A whole records store copied into an empty one, whichever databases they are in."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, Table, func, select

from shelfwise.errors import StateError
from shelfwise.store.bulk import insert_rows, is_postgresql
from shelfwise.store.records import Records
from shelfwise.store.tables import metadata
from shelfwise.store.urls import WHERE

CHUNK = 10_000


def copy_records(source: Records, target: Records) -> dict[str, int]:
    """Copy everything; rows, numbers and the order of events stay, so that model versions go on being right.

    What is written to the source while it is copied is not in the copy.

    Returns:
        Rows copied by table.

    Raises:
        StateError: the target holds something.
    """
    copied: dict[str, int] = {}
    with source.read() as reading, target.write() as writing:
        for table in metadata.sorted_tables:
            if writing.execute(select(func.count()).select_from(table)).scalar_one():
                raise StateError(
                    f"the table {table.name!r} of the target holds something",
                    expected="an empty database, or one that does not exist yet",
                    where=WHERE,
                    hint="name another file, or another schema: '?schema=…'",
                    code="target_not_empty",
                )
        for table in metadata.sorted_tables:
            copied[table.name] = 0
            names = table.columns.keys()
            found = reading.execute(_in_order(table), execution_options={"yield_per": CHUNK})
            for chunk in found.partitions():
                rows = [tuple(row) for row in chunk]
                insert_rows(writing, table, names, rows)
                copied[table.name] += len(rows)
        if is_postgresql(writing):
            for table in metadata.sorted_tables:
                _count_on(writing, table)
    return copied


def _in_order(table: Table) -> Select[Any]:
    return select(table).order_by(*table.primary_key.columns.values())


def _count_on(connection: Connection, table: Table) -> None:
    """Let the sequence that numbers a table's rows go on after those that were given by hand."""
    column = table.autoincrement_column
    highest = None if column is None else connection.execute(select(func.max(column))).scalar()
    if column is not None and highest:
        connection.exec_driver_sql(
            "SELECT setval(pg_get_serial_sequence(%s, %s), %s)", (table.name, column.name, highest)
        )
