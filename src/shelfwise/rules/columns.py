"""The catalogue by fields, and which items a condition is true of; kept up to date while serving."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from shelfwise.rules.conditions import Both, Condition, Not, Test, as_number, holds, passes, tests
from shelfwise.rules.fields import ITEM_FIELDS, Fields
from shelfwise.schemas.ids import Bools
from shelfwise.store.catalogue import StoredItem

NOTHING = -1
"""The code of an item that lacks a field."""

ROOM = 1_024
"""Rows added at a time when new items outgrow the arrays."""

MAX_MASKS = 256
"""Conditions whose items are remembered; the one that was not asked for the longest is forgotten."""

MAX_CATCH_UP = 500
"""Changed items up to which a remembered answer is mended; after more, it is made anew."""

DAY_MS = 86_400_000.0
AGE_STEP_MS = 900_000
"""Ages are told by quarters of an hour, so that an answer lasts that long."""

Codes = npt.NDArray[np.int32]


class Column:
    """One field of all items: each distinct value once, and each item's place among them."""

    def __init__(self, n: int = 0) -> None:
        self.values: list[Any] = []
        self._code_by_value: dict[Hashable, int] = {}
        self._codes: Codes = np.full(n + ROOM, NOTHING, np.int32)
        self.has_numbers = False

    def codes(self, n: int) -> Codes:
        """Each item's code; shape `(n,)`; a view, not to be changed."""
        if n > len(self._codes):
            self._grow(n)
        return self._codes[:n]

    def put(self, row: int, value: Any) -> None:
        """Say what an item holds."""
        if row >= len(self._codes):
            self._grow(row + 1)
        if value is None:
            self._codes[row] = NOTHING
            return
        code = self._code_by_value.get(value)
        if code is None:
            code = self._code_by_value[value] = len(self.values)
            self.values.append(value)
            self.has_numbers = self.has_numbers or as_number(value) is not None
        self._codes[row] = code

    def get(self, row: int) -> Any:
        """What an item holds; None for nothing."""
        code = int(self._codes[row]) if row < len(self._codes) else NOTHING
        return None if code == NOTHING else self.values[code]

    def _grow(self, n: int) -> None:
        grown = np.full(n + ROOM, NOTHING, np.int32)
        grown[: len(self._codes)] = self._codes
        self._codes = grown


class ItemColumns:
    """Every item's fields, and the items of every condition that is asked for often.

    Attributes:
        n_changes: Raised by every item that is put: what was made of an earlier state is out of date.
    """

    def __init__(self, items: Iterable[StoredItem] = ()) -> None:
        """Read the catalogue.

        Cost:
            Some 10 µs an item.
        """
        self._own = {name: Column() for name in ITEM_FIELDS if name != "age_d"}
        self._attributes: dict[str, Column] = {}
        self._row_by_id: dict[str, int] = {}
        self._n = 0
        self.n_changes = 0
        self._changed: deque[int] = deque(maxlen=MAX_CATCH_UP)
        self._masks: OrderedDict[tuple[Condition, int], tuple[Bools, int]] = OrderedDict()
        for entry in items:
            self.put(entry)

    def __len__(self) -> int:
        return self._n

    def put(self, entry: StoredItem) -> None:
        """Add an item, or replace what is known of it."""
        row, item = entry.row, entry.item
        created = None if item.created_at is None else item.created_at.timestamp() * 1_000
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
        self._row_by_id[item.item_id] = row
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
        codes = column.codes(len(among))[among]
        n_by_code = np.bincount(codes[codes != NOTHING], minlength=len(column.values))
        order = np.argsort(-n_by_code, kind="stable")
        return [(column.values[code], int(n_by_code[code])) for code in order.tolist() if n_by_code[code]]

    def row(self, item_id: str) -> int:
        """The row of an item; -1 where the shop never had it."""
        return self._row_by_id.get(item_id, NOTHING)

    def get(self, row: int, name: str, now_ms: int) -> Any:
        """One field of one item; None where it has none."""
        if name == "age_d":
            created = self._own["created_at"].get(row)
            return None if created is None else (now_ms - created) / DAY_MS
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
            hits = [passes(test, (now_ms - created) / DAY_MS) for created in column.values]
        else:
            hits = [passes(test, value) for value in column.values]
        # The last place is that of NOTHING, which counts from the end.
        return np.array([*hits, passes(test, None)], bool)[column.codes(self._n)]

    def _column(self, name: str) -> Column | None:
        return self._own.get(name) or self._attributes.get(name)
