"""Picking one after the other what is worth something and unlike what was picked before."""

from __future__ import annotations

import numpy as np

from shelfwise.schemas.ids import Floats, Rows


def pick_unlike(value: Floats, alike: Floats, k: int, *, first: int, by_mean: bool) -> Rows:
    """Each pick has the largest value less its likeness to those picked before: the nearest of them, or their mean.

    Args:
        value: What each candidate is worth by itself; shape `(n,)`; changed.
        alike: Likeness, already weighed against the values; shape `(n, n)`.
        k: Candidates to pick, at least 1 and at most n.
        first: Place of the first pick.
        by_mean: The mean rather than the nearest.

    Returns:
        Places in the order of picking, of equal ones the first; shape `(k,)`.

    Cost:
        O(k n).
    """
    chosen = np.empty(k, np.int32)
    chosen[0] = place = first
    value[place] = -np.inf
    summed = alike[place].copy()
    scratch = np.empty(len(value), np.float32)
    for picked in range(1, k):
        if by_mean:
            np.multiply(summed, np.float32(1 / picked), out=scratch)
            np.subtract(value, scratch, out=scratch)
        else:
            np.subtract(value, summed, out=scratch)
        place = int(scratch.argmax())
        chosen[picked] = place
        value[place] = -np.inf
        if by_mean:
            summed += alike[place]
        else:
            np.maximum(summed, alike[place], out=summed)
    return chosen
