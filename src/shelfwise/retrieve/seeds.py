"""Seeds: the items that speak for what a user may want next, and how loudly each speaks."""

from __future__ import annotations

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
    history, context = situation.history, situation.context
    rows = np.concatenate([context[::-1], history.rows[::-1]]) if len(context) else history.rows[::-1]
    if not len(rows):
        return np.empty(0, np.int32), np.empty(0, np.float32)
    times = history.times_ms[::-1]
    moments = np.zeros(len(times), np.int64)
    np.cumsum(times[1:] != times[:-1], out=moments[1:])
    if len(context):
        moments = np.concatenate([np.zeros(len(context), np.int64), moments + 1])
    _, first = np.unique(rows, return_index=True)
    first.sort()
    first = first[rows[first] < n_items][:n_seeds]
    return rows[first].astype(np.int32), (decay ** moments[first]).astype(np.float32)
