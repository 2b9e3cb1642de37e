"""What to call items, and the groups that they are in."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from shelfwise.schemas.ids import Rows
from shelfwise.store import catalogue, item_columns


class Grouping(StrEnum):
    """What is compared with what it was."""

    ITEM = "item"
    CATEGORY = "category"
    BRAND = "brand"


class Named(BaseModel):
    """An item, or a group of items, as people call it."""

    name: str
    item_id: str | None = Field(default=None, description="Null of a group.")
    category: str | None = None
    price: float | None = None
    currency: str | None = None


class Groups(NamedTuple):
    """Which group each item is in.

    Attributes:
        of_item: By item row; -1 of none; shape `(n,)`.
        names: Of the groups; None where each item is its own.
    """

    of_item: Rows
    names: list[str] | None

    @property
    def n(self) -> int:
        """How many groups."""
        return len(self.of_item) if self.names is None else len(self.names)


def groups(connection: Connection, by: Grouping) -> Groups:
    """The groups of all items."""
    if by is Grouping.ITEM:
        return Groups(np.arange(item_columns.n_rows(connection), dtype=np.int32), None)
    names = item_columns.named_by(connection, "category" if by is Grouping.CATEGORY else "brand")
    number_by_name = {name: number for number, name in enumerate(dict.fromkeys(name for name in names if name))}
    codes = [number_by_name[name] if name else -1 for name in names]
    return Groups(np.array(codes, np.int32), list(number_by_name))


def named_items(connection: Connection, rows: Iterable[int]) -> dict[int, Named]:
    """These items by row."""
    return {
        entry.row: Named(
            name=entry.item.title or entry.item.item_id,
            item_id=entry.item.item_id,
            category=entry.item.category,
            price=entry.item.price,
            currency=entry.item.currency,
        )
        for entry in catalogue.read_rows(connection, rows)
    }
