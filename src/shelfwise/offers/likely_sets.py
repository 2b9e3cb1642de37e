"""Sets of items such as shops make offers of, drawn from a shop's own categories, brands and names."""

from __future__ import annotations

import re
from collections.abc import Hashable

import numpy as np

from shelfwise.datasets.catalogue import Catalogue
from shelfwise.schemas.ids import Bools, Doubles, Rows

SMALLEST_WORD = 3
LARGEST_SHARE = 0.5
"""A set that holds more of the catalogue is no choice of anything."""

_WORD = re.compile(r"[^\W\d_]{3,}")


def named_sets(catalogue: Catalogue) -> dict[str, list[Rows]]:
    """Every set that has a name, by the sort of name: category at any depth, brand, brand within category, word, item.

    Returns:
        Sets in the order in which the catalogue first names them; those of more than half of the items are left out.
    """
    by_sort: dict[str, dict[Hashable, list[int]]] = {
        sort: {} for sort in ("category", "brand", "brand_in_category", "word", "item")
    }
    for row in range(len(catalogue)):
        path, brand = catalogue.paths[row], catalogue.brands[row]
        for depth in range(1, len(path) + 1):
            by_sort["category"].setdefault(path[:depth], []).append(row)
            if brand is not None:
                by_sort["brand_in_category"].setdefault((path[:depth], brand), []).append(row)
        if brand is not None:
            by_sort["brand"].setdefault(brand, []).append(row)
        for word in sorted(set(_WORD.findall(catalogue.titles[row].casefold()))):
            by_sort["word"].setdefault(word, []).append(row)
        by_sort["item"][row] = [row]
    largest = LARGEST_SHARE * len(catalogue)
    return {
        sort: [np.array(rows, np.int32) for rows in found.values() if len(rows) <= largest and _says_more(sort, rows)]
        for sort, found in by_sort.items()
    }


def _says_more(sort: str, rows: list[int]) -> bool:
    return sort == "item" or len(rows) > 1


def drawn_sets(by_sort: dict[str, list[Rows]], share: Doubles, n_sets: int, seed: int) -> list[Bools]:
    """Draw sets without repeats, as many of each sort as there are; what sells is drawn oftener.

    A sort's sets are drawn with chances that follow the square root of what they sell.

    Args:
        by_sort: From `named_sets`.
        share: Of each item in what is sold; shape `(n_items,)`.
        n_sets: In all; fewer where there are not so many that sell at all.
        seed: Of what is drawn.

    Returns:
        Which items are members; shape `(n_items,)` each.
    """
    random = np.random.default_rng(seed)
    sold = {sort: np.array([share[rows].sum() for rows in sets]) for sort, sets in by_sort.items()}
    left = {sort: int((weights > 0).sum()) for sort, weights in sold.items() if (weights > 0).any()}
    found: list[Bools] = []
    for place, sort in enumerate(sorted(left, key=lambda sort: left[sort])):
        n = min(left[sort], (n_sets - len(found)) // (len(left) - place))
        chances = np.sqrt(sold[sort])
        for chosen in random.choice(len(chances), n, replace=False, p=chances / chances.sum()).tolist():
            member = np.zeros(len(share), bool)
            member[by_sort[sort][chosen]] = True
            found.append(member)
    return found
