"""The catalogue as answers need it: titles, paths, what may be shown; kept up to date while serving."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from shelfwise.datasets.catalogue import SELLER, is_allowed
from shelfwise.pipeline.named_groups import NamedGroups
from shelfwise.pipeline.row_view import RowView
from shelfwise.rules.columns import ItemColumns
from shelfwise.schemas.ids import Bools, ItemId, Row
from shelfwise.schemas.items import category_path
from shelfwise.store.catalogue import StoredItem

ROOM = 1_024
"""Rows added at a time when new items outgrow the arrays."""


class LiveCatalogue:
    """Every item by row, deleted ones included.

    Attributes:
        kinds: Items by their whole category path.
        brands: Items by brand.
        sellers: Items by who sells them, the attribute `seller`.
        columns: Items by every field.
        item_ids: Empty at a row that no item has.
        paths: Empty for an item without a category.
    """

    def __init__(self, items: Iterable[StoredItem]) -> None:
        self.columns = columns = ItemColumns()
        self.kinds = kinds = NamedGroups[tuple[str, ...]]()
        # Of the parts and not of `self`, which then would not be freed before somebody looks for rings.
        self.item_ids: Sequence[ItemId] = RowView(columns.__len__, lambda row: ItemId(columns.item_ids[row] or ""))
        self.paths: Sequence[tuple[str, ...]] = RowView(columns.__len__, lambda row: kinds.name_of(row) or ())
        self.titles: Sequence[str | None] = columns.titles
        self.brands, self.sellers = NamedGroups[str](), NamedGroups[str]()
        self._allowed = np.zeros(ROOM, bool)
        self._kinds_under: dict[tuple[str, ...], list[int]] = {}
        self._under: dict[tuple[str, ...], Bools] = {}
        for entry in items:
            self.put(entry)

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def allowed(self) -> Bools:
        """Whether each item may be shown: available and not deleted; shape `(n,)`; a view, not to be changed."""
        return self._allowed[: len(self)]

    def put(self, entry: StoredItem) -> None:
        """Add an item, or replace what is known of it."""
        if entry.row >= len(self._allowed):
            grown = np.zeros(max(entry.row + ROOM, 2 * len(self._allowed)), bool)
            grown[: len(self._allowed)] = self._allowed
            self._allowed = grown
        self._put_kind(entry.row, entry.item.path)
        self.brands.put(entry.row, entry.item.brand)
        self.sellers.put(entry.row, entry.item.attributes.get(SELLER))
        self._allowed[entry.row] = is_allowed(entry)
        self._under.clear()
        self.columns.put(entry)  # last: with it the item is among those that are known

    def _put_kind(self, row: int, path: tuple[str, ...]) -> None:
        n_known = len(self.kinds.names)
        self.kinds.put(row, path)
        if len(self.kinds.names) > n_known:  # a path that no item had before
            for length in range(1, len(path) + 1):
                self._kinds_under.setdefault(path[:length], []).append(n_known)

    def withdraw(self, rows: Iterable[int]) -> None:
        """Show these no more, whatever else is still to be taken up of them; rows that are not known are left out."""
        gone = np.fromiter(rows, np.intp)
        self._allowed[gone[gone < len(self)]] = False

    def row(self, item_id: str) -> Row | None:
        """The row of an item, deleted or not; None where the shop never had it."""
        row = self.columns.row(item_id)
        return None if row < 0 else Row(row)

    def name(self, row: int) -> str:
        """What to call an item in a sentence: its title, or its id where it has none."""
        return self.titles[row] or self.item_ids[row]

    def under(self, category: str) -> Bools:
        """Which items stand at or below a category path; shape `(n,)`; remembered until an item changes.

        Cost:
            One look at a table of paths; where items stand under it and changed since, one pass over their numbers.
        """
        path = category_path(category)
        if not path:
            return np.ones(len(self), bool)
        kinds = self._kinds_under.get(path)
        if kinds is None:  # not remembered: strangers' inventions must not fill memory
            return np.zeros(len(self), bool)
        if path not in self._under:
            is_under = np.zeros(len(self.kinds.names) + 1, bool)  # the last place is that of UNNAMED
            is_under[kinds] = True
            self._under[path] = is_under[self.kinds.codes]
        return self._under[path]
