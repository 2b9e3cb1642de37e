"""How far a distribution has moved from another one, and how far chance alone would move it."""

from __future__ import annotations

import math

import numpy as np

from shelfwise.metrics.arrays import Float64s, Floats, Ints

PSI_A_BIT = 8 * math.log(2)
"""The index of a small move, for each bit of its divergence: near each other the one is the sum of the squared
differences over the shares, and the other, in nats, an eighth of that."""


MOVED_FROM, CHANGED_FROM = 0.1, 0.25
"""Of the population stability index, as scorecards are read; of a divergence in bits the `PSI_A_BIT`th part."""


def smoothed(counts: Floats | Ints) -> Float64s:
    """Shares of what was counted, none of them 0: half a case is added to each (Jeffreys).

    Args:
        counts: Never negative; shape `(B,)`.

    Returns:
        Shape `(B,)`, summing to 1.
    """
    more = counts.astype(np.float64) + 0.5
    return more / more.sum()


def population_stability_index(now: Floats, before: Floats) -> float:
    """The index `sum((now - before) * ln(now / before))`: 0 for the same, the same both ways, without an upper end.

    Args:
        now: Shares, all above 0, summing to 1; shape `(B,)`.
        before: The same.

    Raises:
        ValueError: shapes disagree, or a share is not above 0.

    Source:
        Kullback & Leibler (1951), the divergence J(1, 2); as an index of scorecards Siddiqi (2006), Credit Risk
        Scorecards, who reads less than 0.1 as no change, up to 0.25 as a small one.
    """
    _check(now, before)
    if min(now.min(initial=1.0), before.min(initial=1.0)) <= 0:
        raise ValueError("the index needs shares above 0; smooth them first")
    return float(((now - before) * np.log(now / before)).sum())


def jensen_shannon(now: Floats, before: Floats) -> float:
    """The Jensen-Shannon divergence in bits: 0 for the same, 1 for what shares nothing, the same both ways.

    Args:
        now: Shares summing to 1, some of which may be 0; shape `(B,)`.
        before: The same.

    Raises:
        ValueError: shapes disagree.

    Source:
        Lin (1991), Divergence Measures Based on the Shannon Entropy.
    """
    _check(now, before)
    between = (now + before) / 2
    return max(0.0, (_bits(now, between) + _bits(before, between)) / 2)


def quantile_edges(values: Floats, n_bins: int) -> Float64s:
    """Ends of bins that hold about equally many values; none of them is a value itself.

    An end lies halfway between two values: the same score, computed again, does not fall to another side by its last
    digit.

    Args:
        values: Shape `(N,)`, finite.
        n_bins: Bins wanted; fewer come where many values are equal.

    Returns:
        Rising, shape `(n,)` with `n < n_bins`; bin `i` holds what lies above `i` of them.
    """
    known = np.unique(values.astype(np.float64))
    if len(known) < 2:
        return np.empty(0)
    at = np.quantile(values.astype(np.float64), np.arange(1, n_bins) / n_bins, method="lower")
    place = np.unique(np.searchsorted(known, at))
    place = place[place < len(known) - 1]
    return (known[place] + known[place + 1]) / 2


def chance(shares: Floats, weights: Floats, kinds: Ints | None = None) -> tuple[float, float]:
    """How far chance moves the mean of so many cases, told by how the cases differ among themselves.

    The items of a list are no independent draws: who asks in a shoe shop sees ten shoes. So what one case tells is
    not taken from the number of its items but from how far lists lie apart.

    Args:
        shares: Each case's own distribution, rows summing to 1; shape `(R, B)`.
        weights: How much each counts, above 0; shape `(R,)`.
        kinds: Of each case, where kinds of cases are held against their like: how kinds differ is then no chance;
            shape `(R,)`; None: all are of one.

    Returns:
        Of the population stability index, for small moves: what is expected of one case, to be divided by how many
        there are; and what is expected of exactly these cases beside another draw of them.
    """
    part = weights / weights.sum()
    mean = part @ shares
    has = mean > 0
    middle = np.empty_like(shares, dtype=np.float64)
    kinds = np.zeros(len(shares), np.int64) if kinds is None else kinds
    for kind in np.unique(kinds):
        alike = kinds == kind
        middle[alike] = weights[alike] @ shares[alike] / weights[alike].sum()
    off = (shares[:, has] - middle[:, has]) ** 2 / mean[has]
    by_case = off.sum(axis=1)
    return float(part @ by_case), float(part**2 @ by_case)


def _bits(shares: Floats, of: Floats) -> float:
    has = shares > 0
    return float((shares[has] * np.log2(shares[has] / of[has])).sum())


def _check(now: Floats, before: Floats) -> None:
    if now.ndim != 1 or now.shape != before.shape:
        raise ValueError(f"shapes {now.shape} and {before.shape} disagree; both need one share for each bin")
