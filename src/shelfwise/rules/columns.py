"""The catalogue by fields, and which items a condition is true of; kept up to date while serving."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np

from shelfwise.rules.column import NOTHING, Column
from shelfwise.rules.conditions import Both, Condition, Not, Test, holds, passes, tests
from shelfwise.rules.fields import ITEM_FIELDS, Fields
from shelfwise.schemas.ids import Bools
from shelfwise.store.catalogue import StoredItem
from shelfwise.store.row_by_id import RowById
from shelfwise.store.text_table import TextTable

MAX_MASKS = 256
"""Conditions whose items are remembered; the one that was not asked for the longest is forgotten."""

MAX_CATCH_UP = 500
"""Changed items up to which a remembered answer is mended; after more, it is made anew."""

DAY_MS = 86_400_000.0
AGE_STEP_MS = 900_000
"""Ages are told by quarters of an hour, so that an answer lasts that long."""


class ItemColumns:
    """Every item's fields, and the items of every condition that is asked for often.

    Attributes:
        item_ids: By row.
        titles: By row.
        n_changes: Raised by every item that is put: what was made of an earlier state is out of date.
    """

    def __init__(self, items: Iterable[StoredItem] = ()) -> None:
        """Read the catalogue.

        Cost:
            Some 10 µs an item, and some 100 bytes beside its texts.
        """
        self.item_ids, self.titles = TextTable(), TextTable()
        self._row_by_id = RowById(self.item_ids)
        self._told = {"item_id": Column.of_table(self.item_ids), "title": Column.of_table(self.titles)}
        self._own = {name: Column() for name in ITEM_FIELDS if name not in self._told and name != "age_d"}
        self._attributes: dict[str, Column] = {}
        self._n = 0
        self.n_changes = 0
        self._changed: deque[int] = deque(maxlen=MAX_CATCH_UP)
        self._masks: OrderedDict[tuple[Condition, int], tuple[Bools, int]] = OrderedDict()
        for entry in items:
            self.put(entry)
        self._row_by_id.make_room(self._n + self._n // 4)  # here, rather than when a new item comes while others ask

    def __len__(self) -> int:
        return self._n

    def put(self, entry: StoredItem) -> None:
        """Add an item, or replace what is known of it."""
        row, item = entry.row, entry.item
        created = None if item.created_at is None else item.created_at.timestamp() * 1_000
        self.item_ids.put(row, item.item_id)
        self.titles.put(row, item.title)
        for name, column in self._own.items():
            if name == "created_at":
                column.put(row, created)
            elif name == "category":
                column.put(row, item.path or None)
            else:
                column.put(row, getattr(item, name))
        for name in item.attributes.keys() - self._attributes.keys():
            self._attributes[name] = Column(row)
        for name, column in self._attributes.items():
            column.put(row, item.attributes.get(name))
        self._row_by_id.put(row)
        self._n = max(self._n, row + 1)
        self.n_changes += 1
        self._changed.append(row)

    def fields(self) -> Fields:
        """What conditions over these items may name."""
        return Fields.of_items(
            self._attributes, (name for name, column in self._attributes.items() if column.has_numbers)
        )

    def values(self, name: str) -> list[Any]:
        """The distinct values that a field has or had."""
        column = self._column(name)
        return [] if column is None else column.values

    def counts(self, name: str, among: Bools) -> list[tuple[Any, int]]:
        """The values that a field has, and how many items have each, most frequent first; equal ones as first seen.

        Args:
            name: Of a field; an unknown one has no values.
            among: The items that are counted; shape `(n,)`, which may be without the last ones.
        """
        column = self._column(name)
        if column is None:
            return []
        return column.counts(among)

    def row(self, item_id: str) -> int:
        """The row of an item; -1 where the shop never had it."""
        found = self._row_by_id.get(item_id)
        return NOTHING if found is None else found

    def get(self, row: int, name: str, now_ms: int) -> Any:
        """One field of one item; None where it has none."""
        if name == "age_d":
            return _age_d(self._own["created_at"].get(row), now_ms)
        column = self._column(name)
        return None if column is None else column.get(row)

    def matching(self, condition: Condition, now_ms: int) -> Bools:
        """Which items a condition is true of; shape `(n,)`; not to be changed.

        Args:
            condition: Typed, see `fields.typed`.
            now_ms: What `age_d` counts from.

        Cost:
            A look-up where nothing changed; one test per distinct value of the fields named where it is new.
        """
        ages = any(test.field == "age_d" for test in tests(condition))
        key = (condition, now_ms // AGE_STEP_MS if ages else 0)
        now_ms = now_ms // AGE_STEP_MS * AGE_STEP_MS
        found = self._masks.get(key)
        if found is None or self.n_changes - found[1] > min(MAX_CATCH_UP, len(self._changed)):
            mask = self._made(condition, now_ms)
        elif found[1] == self.n_changes:
            self._masks.move_to_end(key)
            return found[0]
        else:
            mask = self._mended(condition, found[0], self.n_changes - found[1], now_ms)
        mask.setflags(write=False)
        self._masks[key] = (mask, self.n_changes)
        self._masks.move_to_end(key)
        if len(self._masks) > MAX_MASKS:
            self._masks.popitem(last=False)
        return mask

    def _mended(self, condition: Condition, before: Bools, n_behind: int, now_ms: int) -> Bools:
        mask = np.zeros(self._n, bool)
        mask[: len(before)] = before
        if self._n > len(before):  # rows between two that were put hold nothing, and `is missing` is true of nothing
            return self._made(condition, now_ms)
        for row in set(islice(reversed(self._changed), n_behind)):
            mask[row] = bool(holds(condition, lambda name, row=row: self.get(row, name, now_ms)))
        return mask

    def _made(self, condition: Condition, now_ms: int) -> Bools:
        if isinstance(condition, Test):
            return self._tested(condition, now_ms)
        if isinstance(condition, Not):
            return ~self._made(condition.part, now_ms)
        join = np.logical_and if isinstance(condition, Both) else np.logical_or
        return join.reduce([self._made(part, now_ms) for part in condition.parts])

    def _tested(self, test: Test, now_ms: int) -> Bools:
        column = self._column("created_at" if test.field == "age_d" else test.field)
        if column is None:
            return np.full(self._n, passes(test, None))
        if test.field == "age_d":
            return column.passing(self._n, lambda created: passes(test, _age_d(created, now_ms)))
        return column.passing(self._n, lambda value: passes(test, value))

    def _column(self, name: str) -> Column | None:
        return self._told.get(name) or self._own.get(name) or self._attributes.get(name)


def _age_d(created_ms: float | None, now_ms: int) -> float | None:
    return None if created_ms is None else (now_ms - created_ms) / DAY_MS
