"""Seeds: the items that speak for what a user may want next, and how loudly each speaks."""

from __future__ import annotations

import functools

import numpy as np

from shelfwise.schemas.candidates import Situation
from shelfwise.schemas.ids import Floats, Rows


def weighted_seeds(situation: Situation, n_items: int, *, decay: float, n_seeds: int) -> tuple[Rows, Floats]:
    """Distinct items, latest first, with weights falling by age in moments.

    A moment is a distinct timestamp: the lines of one invoice are equally recent, and so count alike. Items that the
    request itself names are more recent than all history.

    Args:
        situation: The request.
        n_items: Rows from here on are unknown to the model and left out.
        decay: Weight of a moment relative to the next one, in (0, 1].
        n_seeds: At most so many items.

    Returns:
        Rows and weights in (0, 1], latest first; shape `(S,)` each. A repeated item counts where it is latest.
    """
    rows, moments = situation.latest_items
    known = rows < n_items
    if not known.all():
        rows, moments = rows[known], moments[known]
    powers, last = _powers(decay), int(moments[min(n_seeds, len(moments)) - 1]) if len(moments) else 0
    weights = powers[moments[:n_seeds]] if last < len(powers) else (decay ** moments[:n_seeds]).astype(np.float32)
    return rows[:n_seeds].astype(np.int32, copy=False), weights


@functools.cache
def _powers(decay: float) -> Floats:
    """Of all moments that most histories have; few different decays are ever set."""
    return (decay ** np.arange(1_024)).astype(np.float32)
