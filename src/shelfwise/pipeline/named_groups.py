"""Which items share a name, such as a brand or a whole category path; kept up to date while serving."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from shelfwise.schemas.ids import Bools, Rows

Name = TypeVar("Name", bound=Hashable)

UNNAMED = -1
ROOM = 1_024
"""Rows added at a time when new items outgrow the array."""


class NamedGroups(Generic[Name]):
    """A number per name, and each item's; `UNNAMED` for an item without one."""

    def __init__(self) -> None:
        self.names: list[Name] = []
        self._number_by_name: dict[Name, int] = {}
        self._codes = np.full(ROOM, UNNAMED, np.int32)
        self._n = 0

    @property
    def codes(self) -> npt.NDArray[np.int32]:
        """Each item's number; shape `(n,)`; a view, not to be changed."""
        return self._codes[: self._n]

    def put(self, row: int, name: Name | None) -> None:
        """Say what an item is called; None or an empty name: not at all."""
        if row >= len(self._codes):
            grown = np.full(max(row + ROOM, 2 * len(self._codes)), UNNAMED, np.int32)
            grown[: len(self._codes)] = self._codes
            self._codes = grown
        self._n = max(self._n, row + 1)
        if not name:
            self._codes[row] = UNNAMED
            return
        if name not in self._number_by_name:
            self._number_by_name[name] = len(self.names)
            self.names.append(name)
        self._codes[row] = self._number_by_name[name]

    def number(self, name: Name) -> int:
        """A name's number; `UNNAMED` where no item ever had it."""
        return self._number_by_name.get(name, UNNAMED)

    def name_of(self, row: int) -> Name | None:
        """What an item is called; None where it has no name."""
        code = int(self._codes[row])
        return None if code == UNNAMED else self.names[code]

    def sharing(self, rows: Rows) -> Bools:
        """Which items share a name with any of these; shape `(n,)`; items without a name share none."""
        numbers = self.codes[rows]
        return np.isin(self.codes, numbers[numbers != UNNAMED])

    def named(self, name: Name) -> Bools:
        """Which items have a name; shape `(n,)`."""
        number = self.number(name)
        return self.codes == number if number != UNNAMED else np.zeros(self._n, bool)
