"""A share of so many, and how far it may be trusted."""

from __future__ import annotations

import math
from typing import NamedTuple

Z = 1.959964
"""Standard deviations on either side of the middle that hold 95 % of a normal distribution."""


class Proportion(NamedTuple):
    """How many of how many.

    Attributes:
        n_hits: How many.
        n: Of how many.
        share: The one over the other; None of none.
        low: Start of the 95 % interval, 0 of none.
        high: Its end, 1 of none.
    """

    n_hits: int
    n: int
    share: float | None
    low: float
    high: float


def proportion(n_hits: int, n: int) -> Proportion:
    """A share with its 95 % interval, which stays within [0, 1] and is right for rare events too.

    Source:
        Wilson (1927), Probable Inference, the Law of Succession, and Statistical Inference.

    Raises:
        ValueError: more hits than there are, or fewer than none.

    Examples:
        >>> [round(one, 3) for one in proportion(3, 100)[2:]]
        [0.03, 0.01, 0.085]
    """
    if not 0 <= n_hits <= n:
        raise ValueError(f"{n_hits} of {n} is no share")
    if not n:
        return Proportion(0, 0, None, 0.0, 1.0)
    share = n_hits / n
    spread = 1 + Z**2 / n
    middle = (share + Z**2 / (2 * n)) / spread
    half = Z / spread * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    # At 0 and 1 the formula meets the share itself, but for rounding.
    return Proportion(n_hits, n, share, min(max(middle - half, 0.0), share), max(min(middle + half, 1.0), share))
