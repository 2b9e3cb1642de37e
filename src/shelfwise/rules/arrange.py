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


def pin_places(n: int, pins: Sequence[tuple[int, int]], k: int) -> dict[int, int]:
    """Where pinned items stand in a list of at most `k`.

    A pin whose position is taken by an earlier one stands in the nearest free one, after it before before it. One whose
    position lies beyond `k` is not asked for. A list that is too short for a position has the pin at its end.

    Args:
        n: Length of the list that the places are of.
        pins: Position from 1, and place in the list; those further up are placed first. Of a place that is named twice
            the first counts.
        k: Items wanted.

    Returns:
        Place by 0-based position.
    """
    length = min(n, k)
    found: dict[int, int] = {}
    for position, place in pins:
        if position > k or place in found.values():
            continue
        at = min(position, length) - 1
        free = [slot for slot in range(length) if slot not in found]
        if free:
            found[min(free, key=lambda slot: (abs(slot - at), slot < at))] = place
    return found
