"""How an item did among the users who were active lately: who came to it anew, and who came back to it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shelfwise.schemas.ids import Floats, Rows, Times

DAY_MS = 86_400_000
LATELY_D = 28.0
DOUBT = 10.0
"""Users' worth of the shop's own rate that an item's rate of return starts from."""


def recent_demand(
    user_rows: npt.NDArray[np.int32], item_rows: Rows, times_ms: Times, *, now_ms: int, n_items: int
) -> tuple[Floats, Floats]:
    """Count users, not events: a wholesaler's hundred lines are one user.

    Args:
        user_rows: User of each event; shape `(E,)`.
        item_rows: Item of each event; shape `(E,)`.
        times_ms: Time of each event, all before `now_ms`; shape `(E,)`.
        now_ms: The moment; lately are the `LATELY_D` days before it.
        n_items: Items in the catalogue.

    Returns:
        Per item, shape `(n,)` each: the share of the users active lately who turned to it for the first time; and of
        those active lately who had turned to it earlier, the share who came back, shrunk to the shop's own.
    """
    lately = times_ms >= now_ms - LATELY_D * DAY_MS
    pairs = user_rows.astype(np.int64) * max(n_items, 1) + item_rows
    now, earlier = np.unique(pairs[lately]), np.unique(pairs[~lately])
    active = np.unique(user_rows[lately])
    earlier = earlier[np.isin(earlier // max(n_items, 1), active)]
    came_back = np.isin(earlier, now)
    n_had = np.bincount(earlier % max(n_items, 1), minlength=n_items)
    n_back = np.bincount(earlier[came_back] % max(n_items, 1), minlength=n_items)
    anew = now[~np.isin(now, earlier)]
    n_anew = np.bincount(anew % max(n_items, 1), minlength=n_items)
    overall = n_back.sum() / max(n_had.sum(), 1)
    reach = n_anew / max(len(active), 1)
    return reach.astype(np.float32), ((n_back + DOUBT * overall) / (n_had + DOUBT)).astype(np.float32)
