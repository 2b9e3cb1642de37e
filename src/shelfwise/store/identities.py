"""The one place where the shop's ids become rows and rows become ids.

Rows are given in the order in which ids are first seen, count up from 0 without gaps, and never change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Column, Connection, Table, func, select

from shelfwise.store.bulk import LOOKUP_CHUNK as LOOKUP_CHUNK
from shelfwise.store.bulk import insert_rows, rows_where_in


def find_rows(connection: Connection, table: Table, column: Column[str], ids: Iterable[str]) -> dict[str, int]:
    """Rows of the ids that exist; the others are absent from the answer."""
    wanted = list(dict.fromkeys(ids))
    return dict(rows_where_in(connection, column, wanted, (column, table.c.row)))


def next_row(connection: Connection, table: Table) -> int:
    """The row that the next new id gets; call inside a write transaction only."""
    highest = connection.execute(select(func.max(table.c.row))).scalar()
    return 0 if highest is None else int(highest) + 1


def find_or_add_users(connection: Connection, users: Table, ids: Sequence[str]) -> dict[str, int]:
    """Rows of all these users, those of new ones given now; inside a write transaction."""
    return add_missing_users(connection, users, find_rows(connection, users, users.c.user_id, ids), ids)


def add_missing_users(
    connection: Connection, users: Table, found: Mapping[str, int], ids: Sequence[str]
) -> dict[str, int]:
    """Rows of those who were found, and of these users, those who were not given theirs now."""
    new = [identity for identity in dict.fromkeys(ids) if identity not in found]
    if not new:
        return dict(found)
    first = next_row(connection, users)
    added = {identity: first + offset for offset, identity in enumerate(new)}
    insert_rows(connection, users, ("row", "user_id"), [(row, identity) for identity, row in added.items()])
    return {**found, **added}
