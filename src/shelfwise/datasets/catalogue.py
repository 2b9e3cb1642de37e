"""The catalogue as arrays, indexed by row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from shelfwise.schemas.ids import Bools, Floats, Times
from shelfwise.store.catalogue import StoredItem

SELLER = "seller"
"""The attribute that says who sells an item, in a shop of several sellers."""

NO_TIME_MS = -1
"""An item whose creation time the shop did not tell."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What models need of the items; row `i` of every array is the item of row `i`.

    Attributes:
        item_ids: The shop's ids.
        titles: Title, or the id where the shop gave none.
        paths: Category path, general first; empty where unknown.
        brands: None where unknown.
        prices: NaN where unknown; shape `(n,)`.
        created_ms: `NO_TIME_MS` where unknown; shape `(n,)`.
        allowed: Available and not deleted; shape `(n,)`.
        sellers: Who sells it, the attribute `seller`; None where unknown; empty where nobody asked.
    """

    item_ids: list[str]
    titles: list[str]
    paths: list[tuple[str, ...]]
    brands: list[str | None]
    prices: Floats
    created_ms: Times
    allowed: Bools
    sellers: list[str | None] = field(default_factory=list[str | None])

    def __len__(self) -> int:
        return len(self.item_ids)

    @classmethod
    def of(cls, items: Iterable[StoredItem]) -> Catalogue:
        """From the store's items in the order of rows."""
        stored = list(items)
        return cls(
            [entry.item.item_id for entry in stored],
            [entry.item.title or entry.item.item_id for entry in stored],
            [entry.item.path for entry in stored],
            [entry.item.brand for entry in stored],
            np.array([np.nan if entry.item.price is None else entry.item.price for entry in stored], np.float32),
            np.array([created_ms(entry) for entry in stored], np.int64),
            np.array([is_allowed(entry) for entry in stored], np.bool_),
            [entry.item.attributes.get(SELLER) for entry in stored],
        )

    def category_codes(self) -> npt.NDArray[np.int32]:
        """A number per whole category path, -1 without one; shape `(n,)`."""
        return _codes([path or None for path in self.paths])

    def brand_codes(self) -> npt.NDArray[np.int32]:
        """A number per brand, -1 without one; shape `(n,)`."""
        return _codes(self.brands)


def created_ms(entry: StoredItem) -> int:
    """When the shop created an item, or `NO_TIME_MS`."""
    created = entry.item.created_at
    return NO_TIME_MS if created is None else int(created.timestamp() * 1_000)


def is_allowed(entry: StoredItem) -> bool:
    """Whether an item may be recommended."""
    return entry.item.available and not entry.deleted


def _codes(names: list[str | None] | list[tuple[str, ...] | None]) -> npt.NDArray[np.int32]:
    numbers: dict[object, int] = {}
    return np.array([-1 if name is None else numbers.setdefault(name, len(numbers)) for name in names], np.int32)
