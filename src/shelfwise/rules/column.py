"""One field of all items, held in as little memory as its values allow."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from shelfwise.rules.conditions import as_number
from shelfwise.schemas.ids import Bools
from shelfwise.store.text_table import TextTable

NOTHING = -1
"""The code of an item that lacks a field."""

ROOM = 1_024
"""Rows added at a time when new items outgrow the arrays."""

MANY_VALUES = 32_768
"""Distinct values from which it is asked whether most items have one of their own."""

Codes = npt.NDArray[np.int32]


class Column:
    """What every item holds in one field.

    Few distinct values are held once each, with a number per item. Where most items have a value of their own, as ids
    and titles are, those are held side by side, and nothing is kept that would find equal ones.
    """

    def __init__(self, n: int = 0) -> None:
        self._held: _Coded | TextTable | _Numbers = _Coded(n)  # replaced as a whole: others may be reading
        self._n_rows = n
        self.has_numbers = False

    @classmethod
    def of_table(cls, table: TextTable) -> Column:
        """A column over texts that somebody else keeps: `put` is not for it."""
        made = cls()
        made._held = table
        return made

    def put(self, row: int, value: Any) -> None:
        """Say what an item holds."""
        self._n_rows = max(self._n_rows, row + 1)
        if not isinstance(self._held, _Coded) and not _fits(self._held, value):
            self._held = _Coded.of(self._held)
        held = self._held
        if not isinstance(held, _Coded):
            held.put(row, value)
            self.has_numbers = self.has_numbers or (value is not None and as_number(value) is not None)
        elif held.put(row, value):
            self.has_numbers = self.has_numbers or as_number(value) is not None
            if len(held.values) % MANY_VALUES == 0 and 2 * len(held.values) >= self._n_rows:
                self._spread(held)

    def get(self, row: int) -> Any:
        """What an item holds; None for nothing."""
        held = self._held
        if isinstance(held, _Coded):
            return held.get(row)
        return held[row] if row < len(held) else None

    @property
    def is_plain(self) -> bool:
        """Whether each item's own value is held."""
        return not isinstance(self._held, _Coded)

    @property
    def values(self) -> list[Any]:
        """The distinct values that items have, or had, as first seen."""
        held = self._held
        if isinstance(held, _Coded):
            return held.values
        return [value for value in dict.fromkeys(held[:]) if value is not None]

    def counts(self, among: Bools) -> list[tuple[Any, int]]:
        """How many items have each value, most frequent first; equal ones as first seen.

        Args:
            among: The items that are counted; shape `(n,)`, which may be without the last ones.
        """
        held = self._held
        if isinstance(held, _Coded):
            return held.counts(among)
        each = zip(_first(held, len(among)), among.tolist(), strict=True)
        found = Counter(value for value, counts in each if counts)
        del found[None]
        return found.most_common()

    def passing(self, n: int, passes: Callable[[Any], bool]) -> Bools:
        """Which of the first `n` items hold what passes; shape `(n,)`.

        Args:
            passes: Asked once for each distinct value, or for each item where most have their own; None is nothing.
        """
        held = self._held
        if isinstance(held, _Coded):
            return held.passing(n, passes)
        return np.fromiter((passes(value) for value in _first(held, n)), bool, n)

    def _spread(self, coded: _Coded) -> None:
        """Hold each item's own value, where that is possible."""
        kinds = {type(value) for value in coded.values}
        if kinds not in ({str}, {float}):
            return
        plain: TextTable | _Numbers = TextTable() if kinds == {str} else _Numbers()
        for row in np.flatnonzero(coded.codes != NOTHING).tolist():
            plain.put(row, coded.get(row))
        self._held = plain


def _first(plain: TextTable | _Numbers, n: int) -> Iterator[Any]:
    """What the first items hold; nothing behind the last one."""
    held = plain[:n]
    yield from held
    for _ in range(n - len(held)):
        yield None


class _Coded:
    """Each distinct value once, and each item's place among them."""

    def __init__(self, n: int) -> None:
        self.values: list[Any] = []
        self.codes: Codes = np.full(n + ROOM, NOTHING, np.int32)
        self._code_by_value: dict[Hashable, int] = {}

    @classmethod
    def of(cls, plain: TextTable | _Numbers) -> _Coded:
        made = cls(len(plain))
        for row, value in enumerate(plain[:]):
            made.put(row, value)
        return made

    def put(self, row: int, value: Any) -> bool:
        """Say what an item holds; whether nothing held it before."""
        if row >= len(self.codes):
            self.codes = self._grown(row + 1 + len(self.codes) // 4)
        if value is None:
            self.codes[row] = NOTHING
            return False
        code = self._code_by_value.get(value)
        is_new = code is None
        if code is None:
            code = self._code_by_value[value] = len(self.values)
            self.values.append(value)
        self.codes[row] = code
        return is_new

    def get(self, row: int) -> Any:
        code = int(self.codes[row]) if row < len(self.codes) else NOTHING
        return None if code == NOTHING else self.values[code]

    def counts(self, among: Bools) -> list[tuple[Any, int]]:
        codes = self._codes(len(among))[among]
        n_by_code = np.bincount(codes[codes != NOTHING], minlength=len(self.values))
        order = np.argsort(-n_by_code, kind="stable")
        return [(self.values[code], int(n_by_code[code])) for code in order.tolist() if n_by_code[code]]

    def passing(self, n: int, passes: Callable[[Any], bool]) -> Bools:
        # The last place is that of NOTHING, which counts from the end.
        return np.array([*map(passes, self.values), passes(None)], bool)[self._codes(n)]

    def _codes(self, n: int) -> Codes:
        return self.codes[:n] if n <= len(self.codes) else self._grown(n)[:n]

    def _grown(self, n: int) -> Codes:
        grown = np.full(n + ROOM, NOTHING, np.int32)
        grown[: len(self.codes)] = self.codes
        return grown


class _Numbers:
    """A number per item."""

    def __init__(self) -> None:
        self._numbers = array("d")

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, rows: Any) -> Any:
        found = self._numbers[rows]
        return [_or_none(one) for one in found] if isinstance(rows, slice) else _or_none(found)

    def put(self, row: int, value: float | None) -> None:
        missing = row + 1 - len(self._numbers)
        if missing > 0:
            self._numbers.extend(array("d", [np.nan]) * missing)
        self._numbers[row] = np.nan if value is None else value


def _or_none(number: float) -> float | None:
    return number if number == number else None


def _fits(plain: TextTable | _Numbers, value: Any) -> bool:
    kind = str if isinstance(plain, TextTable) else float
    return value is None or (type(value) is kind and value == value)
