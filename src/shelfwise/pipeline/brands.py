"""Which brands to show to somebody."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class BrandShare(NamedTuple):
    """One brand's part in an order of items.

    Attributes:
        number: Of the brand.
        share: Of the attention that the order gives, in (0, 1].
        places: Where its items stand, 0-based, best first.
    """

    number: int
    share: float
    places: list[int]


def brand_shares(numbers: npt.NDArray[np.int32]) -> list[BrandShare]:
    """Add up the attention that each brand's items get in the user's own order.

    An item at position p gets `1 / log2(1 + p)`, as in discounted cumulative gain; shares are over all items, those
    without a brand left out.

    Args:
        numbers: Brand of each item in the user's order, -1 without one; shape `(N,)`.

    Returns:
        The largest share first, equal ones in the order of their first items.

    Examples:
        >>> [(one.number, one.places) for one in brand_shares(np.array([7, -1, 3, 7], np.int32))]
        [(7, [0, 3]), (3, [2])]
    """
    attention = np.where(numbers >= 0, 1 / np.log2(np.arange(len(numbers)) + 2), 0.0)
    total = attention.sum()
    found = [
        BrandShare(number, float(attention[of_brand].sum() / total), np.flatnonzero(of_brand).tolist())
        for number in dict.fromkeys(numbers[numbers >= 0].tolist())
        for of_brand in (numbers == number,)
    ]
    return sorted(found, key=lambda one: -one.share)
