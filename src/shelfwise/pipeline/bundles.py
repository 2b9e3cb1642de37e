"""Bundles: sets of items that go together, and with what is in the basket."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shelfwise.retrieve.complements import Complements
from shelfwise.schemas.ids import Floats, Rows

POOL = 40
"""Complements of the basket that sets are made of."""

SIZE = 3
"""Items of a set at most, beside those in the basket."""


class Bundle(NamedTuple):
    """A set.

    Attributes:
        rows: Two to `SIZE` items, the one that goes best with the basket first.
        score: The mean log lift of all pairs within the set and between it and the basket.
    """

    rows: list[int]
    score: float


def bundles(
    basket: Rows, complements: Rows, kinds: npt.NDArray[np.int32], model: Complements, n_bundles: int
) -> list[Bundle]:
    """Grow sets from the complements of a basket, each item in one set at most.

    The best complement that is left begins a set. Then, `SIZE - 1` times, whichever adds the largest sum of log lifts
    with basket and set joins, as long as that sum is above 0 and nothing of its kind is there. What stays alone is no
    set.

    Args:
        basket: Rows that the model knows.
        complements: Best first, of a known kind, and of none that the basket holds.
        kinds: A number per kind, -1 where unknown; shape `(n,)`.
        model: Fitted.
        n_bundles: Sets at most.

    Returns:
        The best joint score first.
    """
    pool = complements[:POOL]
    if not len(pool) or not len(basket):
        return []
    with_basket = np.stack([model.log_lifts(int(row), pool) for row in basket]).sum(axis=0)  # (P,)
    with_pool: Floats = np.stack([model.log_lifts(int(row), pool) for row in pool])  # (P, P)
    free = np.ones(len(pool), bool)
    found: list[Bundle] = []
    for lead in range(len(pool)):
        if not free[lead]:
            continue
        chosen = [lead]
        while len(chosen) < SIZE:
            gain = with_basket + with_pool[chosen].sum(axis=0)
            fits = free & ~np.isin(kinds[pool], kinds[pool[chosen]]) & (gain > 0)
            if not fits.any():
                break
            chosen.append(int(np.argmax(np.where(fits, gain, -np.inf))))
        if len(chosen) < 2:
            continue
        free[chosen] = False
        within = with_pool[np.ix_(chosen, chosen)][np.triu_indices(len(chosen), 1)]
        n_pairs = len(within) + len(chosen) * len(basket)
        score = (float(within.sum()) + float(with_basket[chosen].sum())) / n_pairs
        found.append(Bundle(pool[chosen].tolist(), score))
    return sorted(found, key=lambda one: -one.score)[:n_bundles]
