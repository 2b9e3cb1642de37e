"""Single fields of all items, by row: what groups items without reading them whole."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection, func, select

from shelfwise.store.tables import items


def named_by(connection: Connection, field: Literal["category", "brand"]) -> list[str | None]:
    """The category path, or the brand, of every item in the order of rows; None of those without one."""
    return list(connection.execute(select(items.c[field]).order_by(items.c.row)).scalars())


def n_rows(connection: Connection) -> int:
    """Items ever stored, deleted ones included: one more than the highest row."""
    highest = connection.execute(select(func.max(items.c.row))).scalar()
    return 0 if highest is None else int(highest) + 1


def created_ms(connection: Connection) -> dict[int, int | None]:
    """When the shop says that each item was made, by row; None where it does not say. Deleted items are left out."""
    query = select(items.c.row, items.c.created_ms).where(items.c.deleted.is_(False))
    return {int(row): made for row, made in connection.execute(query)}
