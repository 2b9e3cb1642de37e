"""Many rows at once: SQLAlchemy writes the statement, the driver takes the tuples as they are.

Per-row parameter processing is what SQLAlchemy spends most of its time on; the store's columns need none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Table, bindparam, insert, select

LOOKUP_CHUNK = 20_000
"""Values in one `IN (…)`: below SQLite's limit of 32,766 variables."""


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert tuples whose values stand in the order of `columns`; inside a write transaction."""
    if not rows:
        return
    compiled = insert(table).compile(dialect=connection.dialect, column_keys=list(columns))
    order: Sequence[str] | None = compiled.positiontup  # pyright: ignore[reportAttributeAccessIssue,reportUnknownMemberType,reportUnknownVariableType]
    if order is None:
        connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in rows])
        return
    if list(order) != list(columns):
        places = [columns.index(name) for name in order]
        rows = [tuple(row[place] for place in places) for row in rows]
    connection.exec_driver_sql(str(compiled), list(rows))


def rows_where_in(
    connection: Connection, column: Column[Any], values: Sequence[Any], wanted: Sequence[Column[Any]]
) -> Iterator[tuple[Any, ...]]:
    """The `wanted` columns of the rows whose `column` is one of `values`, in no order."""
    plain = connection.dialect.paramstyle == "qmark"
    for start in range(0, len(values), LOOKUP_CHUNK):
        chunk = values[start : start + LOOKUP_CHUNK]
        if not plain:
            yield from (tuple(row) for row in connection.execute(select(*wanted).where(column.in_(chunk))))
            continue
        one = str(select(*wanted).where(column == bindparam("value")).compile(dialect=connection.dialect))
        statement = one.replace("= ?", f"IN ({','.join('?' * len(chunk))})")
        yield from (tuple(row) for row in connection.exec_driver_sql(statement, tuple(chunk)))
