"""What was made of an array, kept as long as the array lives: several retrievers and fits ask for the same."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np


class MadeOnce:
    """Answers about arrays, each array with a few of them. The arrays must not be changed, nor the answers."""

    def __init__(self) -> None:
        self._by_array: dict[int, tuple[weakref.ref[np.ndarray], dict[Hashable, Any]]] = {}

    def of(self, array: np.ndarray, how: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` makes of this very array, told from other answers by `how`."""
        number = id(array)
        kept = self._by_array.get(number)
        if kept is None or kept[0]() is not array:
            # Of the dictionary and not of `self`: the array may outlive this.
            forget = self._by_array.pop
            kept = (weakref.ref(array, lambda _: forget(number, None)), dict[Hashable, Any]())
            self._by_array[number] = kept
        if how not in kept[1]:
            kept[1][how] = make()
        return kept[1][how]

    def __len__(self) -> int:
        """Arrays of which something is kept."""
        return len(self._by_array)
