"""Many rows at once: SQLAlchemy writes the statement, the driver takes the tuples as they are.

Per-row parameter processing is what SQLAlchemy spends most of its time on; the store's columns need none.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Dialect, Table, insert, select

from shelfwise.store.copying import copy_rows

LOOKUP_CHUNK = 20_000
"""Values in one `IN (…)`: below SQLite's limit of 32,766 variables."""


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert tuples whose values stand in the order of `columns`; inside a write transaction."""
    if not rows:
        return
    if is_postgresql(connection):
        copy_rows(connection, table, columns, rows)
        return
    statement, order = _insertion(connection.dialect, table, tuple(columns))
    if list(order) != list(columns):
        places = [columns.index(name) for name in order]
        rows = [tuple(row[place] for place in places) for row in rows]
    connection.exec_driver_sql(statement, list(rows))


def rows_where_in(
    connection: Connection, column: Column[Any], values: Sequence[Any], wanted: Sequence[Column[Any]]
) -> Iterator[tuple[Any, ...]]:
    """The `wanted` columns of the rows whose `column` is one of `values`, in no order."""
    start_of_query = f"{_selection(connection.dialect, tuple(wanted))} WHERE {column}"
    for start in range(0, len(values), LOOKUP_CHUNK):
        chunk = values[start : start + LOOKUP_CHUNK]
        if is_postgresql(connection):  # one list, however long: there it need not be parsed value by value
            found = connection.exec_driver_sql(f"{start_of_query} = ANY(%s)", (list(chunk),))
        else:
            found = connection.exec_driver_sql(f"{start_of_query} IN ({','.join('?' * len(chunk))})", tuple(chunk))
        yield from (tuple(row) for row in found)


@functools.lru_cache(maxsize=256)
def _insertion(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """A statement and the order of its values: put into words once, which takes longer than one row's insertion."""
    compiled = insert(table).compile(dialect=dialect, column_keys=list(columns))
    order: Any = compiled.positiontup  # pyright: ignore[reportAttributeAccessIssue]
    return str(compiled), tuple(order)


@functools.lru_cache(maxsize=256)
def _selection(dialect: Dialect, wanted: tuple[Column[Any], ...]) -> str:
    return str(select(*wanted).compile(dialect=dialect))


def is_postgresql(connection: Connection) -> bool:
    """Whether PostgreSQL is at the other end; else SQLite is."""
    return connection.dialect.name == "postgresql"
