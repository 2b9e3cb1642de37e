"""How much diversity somebody wants who says nothing: as varied as what the user turned to."""

from __future__ import annotations

import numpy as np

from shelfwise.rerank.aspects import aspects_of
from shelfwise.rerank.listed import Listed
from shelfwise.schemas.ids import Floats

STRETCH = 2.0
"""Times the usual diversity for a history that is as varied as it can be; one half as varied gets the usual."""


def automatic(usual: float, listed: Listed) -> float:
    """Diversity by the entropy of the user's own mix of aspects, from 0 (all alike) to twice the usual, at most 1.

    The entropy of the mix, less that of a single item (which has several names by itself), held against the most that
    so many events can have. Who did nothing yet, or whose items have no aspects, gets the usual.

    Source:
        Lin (1991), Divergence Measures Based on the Shannon Entropy: the divergence of the user's items.
    """
    aspects = aspects_of(listed.situation.history.rows, listed.facts, "auto")
    is_known = aspects.shares.any(axis=1)
    n = int(is_known.sum())
    if n < 2:
        return usual
    between = _entropy(aspects.mix()) - _entropy(aspects.shares[is_known].ravel()) / n
    return float(min(1.0, usual * STRETCH * max(0.0, between / float(np.log(n)))))


def _entropy(shares: Floats) -> float:
    kept = shares[shares > 1e-7]
    return -float(kept @ np.log(kept))
