"""Prices that lie far from what their category usually costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from shelfwise.schemas.ids import Doubles

MIN_PRICED = 12
"""Prices of a category before it is told what is usual."""

FAR = 5.0
"""Standard deviations, estimated robustly, from the median of the logarithms."""

MIN_FACTOR = 4.0
"""Times dearer or cheaper than the median at least: in a category of one price everything would be far."""

MAD_TO_DEVIATION = 1.4826
"""From the median absolute deviation to the standard deviation of a normal distribution."""


class Usual(NamedTuple):
    """What is usual in an item's category.

    Attributes:
        median: Price.
        low: Prices below are far.
        high: Prices above are.
    """

    median: float
    low: float
    high: float


def usual_prices(prices: Doubles, categories: Sequence[str | None]) -> dict[str, Usual]:
    """What each category usually costs; categories with fewer than `MIN_PRICED` prices are left out.

    Args:
        prices: NaN where unknown, or 0; shape `(n,)`.
        categories: Whole paths; length `n`.

    Source:
        Iglewicz & Hoaglin (1993), How to Detect and Handle Outliers; on logarithms, as prices spread by factors.
    """
    known = np.flatnonzero(prices > 0)
    by_category: dict[str, list[int]] = {}
    for place in known.tolist():
        category = categories[place]
        if category:
            by_category.setdefault(category, []).append(place)
    found: dict[str, Usual] = {}
    for category, places in by_category.items():
        if len(places) >= MIN_PRICED:
            logs = np.log(prices[places])
            middle = float(np.median(logs))
            deviation = MAD_TO_DEVIATION * float(np.median(np.abs(logs - middle)))
            far = max(FAR * deviation, float(np.log(MIN_FACTOR)))
            found[category] = Usual(*(float(np.exp(one)) for one in (middle, middle - far, middle + far)))
    return found
