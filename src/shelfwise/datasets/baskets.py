"""Baskets: what somebody bought at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sparse

from shelfwise.datasets.interactions import Interactions
from shelfwise.schemas.events import CODE_BY_KIND, EventKind

LARGEST_BASKET = 200
"""A basket of more distinct items, as a wholesaler's, tells little of any two, and its pairs would fill memory."""


def baskets(interactions: Interactions) -> Any:
    """Purchases grouped by session; where the log names none, by user and moment.

    Two events of one user at the very same time are lines of one invoice.

    Returns:
        Which basket holds which item: 1 or nothing; a `scipy.sparse.csr_matrix` of float32 and shape `(G, n_items)`.
        Only baskets of two to `LARGEST_BASKET` distinct items: no other holds a pair worth counting. G is 0 where
        nobody bought two things at once.
    """
    bought = interactions.where(interactions.kinds == CODE_BY_KIND[EventKind.PURCHASE])
    n = interactions.n_items
    starts = np.ones(len(bought), bool)  # of a moment: events are sorted by user, then time
    starts[1:] = (bought.user_rows[1:] != bought.user_rows[:-1]) | (bought.times_ms[1:] != bought.times_ms[:-1])
    groups = np.where(bought.sessions >= 0, bought.sessions, -np.cumsum(starts))
    _, groups = np.unique(groups, return_inverse=True)
    pairs = np.unique(groups * np.int64(max(n, 1)) + bought.item_rows)
    rows, items = pairs // max(n, 1), pairs % max(n, 1)
    sizes = np.bincount(rows)
    kept = (sizes[rows] >= 2) & (sizes[rows] <= LARGEST_BASKET) if len(rows) else np.zeros(0, bool)
    numbers, rows = np.unique(rows[kept], return_inverse=True)
    return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, items[kept])), shape=(len(numbers), n))
