"""What rules do to an ordered list: move items, and put pinned ones in their places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.intp]


def moved(shift: npt.NDArray[np.int32]) -> Ints:
    """The order of a list whose items move up or down by so many places.

    An item goes to where its place less its shift says; of those that meet there, the one that moved up farther comes
    first, then the one that was first.

    Args:
        shift: Places up, below 0 down, in the present order; shape `(N,)`.

    Returns:
        Places of the present order, in the new one; shape `(N,)`.
    """
    wanted = np.arange(len(shift)) - shift
    return np.lexsort((-shift, wanted))


def pinned(n: int, pins: Sequence[tuple[int, int]], k: int) -> list[int]:
    """A list of at most `k` with pinned items in their places, and the others around them in their order.

    A pin whose place is taken by an earlier one stands in the nearest free place, after it before before it; one whose
    position lies beyond `k` is not asked for. A list that is too short for a position ends with the pin.

    Args:
        n: Length of the present list.
        pins: Position from 1, and place in the present list; distinct places; those further up are placed first.
        k: Items wanted.

    Returns:
        Places of the present list.
    """
    length = min(n, k)
    slots: list[int | None] = [None] * length
    for position, place in pins:
        if position > k:
            continue
        at = min(position, length) - 1
        free = [slot for slot in range(length) if slots[slot] is None]
        if not free:
            break
        slots[min(free, key=lambda slot: (abs(slot - at), slot < at))] = place
    taken = {place for place in slots if place is not None}
    others = iter(place for place in range(n) if place not in taken)
    return [next(others) if place is None else place for place in slots]
