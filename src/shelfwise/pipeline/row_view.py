"""A list whose entries are made as they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, overload

Shown = TypeVar("Shown")


class RowView(Sequence[Shown]):
    """What a function says of each row.

    Args:
        n: How many rows there are now.
        at: What stands at a row.
    """

    def __init__(self, n: Callable[[], int], at: Callable[[int], Shown]) -> None:
        self._n, self._at = n, at

    def __len__(self) -> int:
        return self._n()

    @overload
    def __getitem__(self, row: int) -> Shown: ...
    @overload
    def __getitem__(self, row: slice) -> list[Shown]: ...
    def __getitem__(self, row: int | slice) -> Shown | list[Shown]:
        if isinstance(row, slice):
            return [self._at(one) for one in range(*row.indices(self._n()))]
        return self._at(row)

    def __iter__(self) -> Iterator[Shown]:
        return map(self._at, range(self._n()))
