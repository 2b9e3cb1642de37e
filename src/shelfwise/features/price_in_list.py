"""How a candidate's price stands among those of the others in the same list."""

from __future__ import annotations

import numpy as np

from shelfwise.schemas.ids import Floats


def price_in_list(log_prices: Floats) -> tuple[Floats, Floats]:
    """Where each price stands.

    Args:
        log_prices: Of all candidates of one request; NaN where unknown; shape `(N,)`.

    Returns:
        How far each lies above the median price, as a difference of logarithms; and the share of the others that are
        cheaper, equal ones counting half, in [0, 1]; both NaN where the price is unknown, or no other is known.
    """
    above, share = np.full(len(log_prices), np.nan, np.float32), np.full(len(log_prices), np.nan, np.float32)
    known = np.flatnonzero(~np.isnan(log_prices))
    if len(known) < 2:
        return above, share
    prices = log_prices[known]
    ordered = np.sort(prices)
    below, up_to = np.searchsorted(ordered, prices, "left"), np.searchsorted(ordered, prices, "right")
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    above[known] = prices - median
    share[known] = (below + (up_to - below - 1) / 2) / (len(known) - 1)
    return above, share
