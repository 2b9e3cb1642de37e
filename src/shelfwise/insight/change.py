"""Whether something became more or less frequent than the shop as a whole, beyond what chance explains."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincinv

from shelfwise.schemas.ids import Bools

FALSE_SHARE = 0.05
"""Of what is told to have changed, the share that chance alone is expected to have moved."""

CONFIDENCE = 0.95
FEWEST = 5
"""Happenings, of both stretches together, below which nothing is tested: no change of so few could be told."""

Float64s = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


class Change(NamedTuple):
    """Of each thing; shape `(G,)` each.

    Attributes:
        low: Its rate now by its rate before, less what the shop as a whole changed by, is at least this.
        high: And at most this, each with a confidence of `CONFIDENCE` on both sides.
        is_rising: Whether it rose beyond what chance explains.
        is_falling: Whether it fell.
        n_tested: How many things were tested.
    """

    low: Float64s
    high: Float64s
    is_rising: Bools
    is_falling: Bools
    n_tested: int


def changes(now: Counts, before: Counts) -> Change:
    """Compare counts of two stretches of time of the same length.

    Where nothing changed but the shop as a whole, each of a thing's happenings falls into the later stretch with the
    same chance as all of the shop's do: the count is binomial, which is the test of two Poisson rates against each
    other. The chances of so much by luck are then held against how many things were tested, so that of a list of forty
    two are expected to be wrong, and not one in twenty of the catalogue.

    Args:
        now: Happenings of each thing in the later stretch, independent of each other: people, not events; shape `(G,)`.
        before: In the earlier one; shape `(G,)`.

    Returns:
        Bounds of the ratio of rates, and what changed.

    Source:
        Przyborowski and Wilenski (1940), the conditional test; the interval is Jeffreys', which draws few happenings
        towards no change. Benjamini and Hochberg (1995) for many tests.
    """
    n_now, n_before = int(now.sum()), int(before.sum())
    if not n_now or not n_before:
        nothing = np.zeros(len(now), bool)
        return Change(np.zeros(len(now)), np.full(len(now), np.inf), nothing, nothing, 0)
    share = n_now / (n_now + n_before)
    tail = (1 - CONFIDENCE) / 2
    odds = n_before / n_now
    low, high = (betaincinv(now + 0.5, before + 0.5, side) for side in (tail, 1 - tail))
    # P(X ≥ now) and P(X ≤ now) of the binomial, by the incomplete beta function.
    up = np.where(now > 0, betainc(np.maximum(now, 1), before + 1, share), 1.0)
    down = np.where(before > 0, betainc(np.maximum(before, 1), now + 1, 1 - share), 1.0)
    is_tested = now + before >= FEWEST
    found = is_tested.copy()
    found[is_tested] = discoveries(np.minimum(1.0, 2 * np.minimum(up, down)[is_tested]), FALSE_SHARE)
    return Change(
        low / (1 - low) * odds,
        high / (1 - high) * odds,
        found & (up < down),
        found & (down < up),
        int(is_tested.sum()),
    )


def discoveries(p_values: Float64s, false_share: float) -> Bools:
    """Which of many tests found something, so that at most a share of these is expected to be false.

    Args:
        p_values: In [0, 1]; shape `(G,)`.
        false_share: That share.

    Examples:
        >>> discoveries(np.array([0.04, 0.001, 0.02, 0.9]), 0.05).tolist()
        [False, True, True, False]
    """
    order = np.argsort(p_values, kind="stable")
    is_within = p_values[order] <= false_share * np.arange(1, len(p_values) + 1) / max(len(p_values), 1)
    found = np.zeros(len(p_values), bool)
    if is_within.any():
        found[order[: int(np.flatnonzero(is_within)[-1]) + 1]] = True
    return found
