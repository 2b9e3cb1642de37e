"""What items are about: names of categories and brands, or themes of their texts, in shares that sum to 1."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from shelfwise.rerank.listed import Codes, ItemFacts
from shelfwise.schemas.candidates import History
from shelfwise.schemas.ids import Floats, Rows

By = Literal["auto", "names", "category", "brand", "seller", "theme"]
"""`names`: brand and every name of the category path that another item has too, the rarer the more; `category`: the
whole path; `theme`: groups of like texts; `auto`: names where any two items share one, else themes."""


class Aspects(NamedTuple):
    """Aspects of some items.

    Attributes:
        codes: Shape `(N, M)`; `n_codes` in places to spare.
        shares: Summing to 1 per item, to 0 for one without aspects; 0 in places to spare and where a code is no aspect;
            shape `(N, M)`.
        n_codes: Aspects that the shop knows.
    """

    codes: Codes
    shares: Floats
    n_codes: int

    def mix(self) -> Floats:
        """The items' common mix, summing to 1, to 0 where none has aspects; shape `(n_codes + 1,)`, the last 0."""
        sums = np.bincount(self.codes.ravel(), self.shares.ravel(), minlength=self.n_codes + 1)
        total = sums.sum()
        return (sums / total if total > 0 else sums).astype(np.float32)


def resolved(by: By, facts: ItemFacts) -> By:
    """What `auto` stands for in this shop."""
    if by != "auto":
        return by
    return "names" if "theme" not in facts.groups or facts.state.shared_rarity.any() else "theme"


def aspects_of(rows: Rows, facts: ItemFacts, by: By) -> Aspects:
    """The aspects of items; those without any where the shop does not know what is asked for."""
    by = resolved(by, facts)
    if by == "names":
        # What a single item is called is no interest: nothing else could answer to it.
        codes, rarity = facts.state.names[rows], facts.state.shared_rarity
        n_codes = len(rarity) - 1
        # Names stand first, padding after them: columns that nobody fills are not carried along.
        used = int(np.count_nonzero((codes != n_codes).any(axis=0)))
        codes = codes[:, : max(used, 1)]
        weights = rarity[codes]
        totals = weights.sum(axis=1, keepdims=True)
        return Aspects(codes, (weights / np.where(totals > 0, totals, 1)).astype(np.float32), n_codes)
    groups = facts.groups.get(by) if by != "auto" else None
    if groups is None:
        return Aspects(np.zeros((len(rows), 1), np.int32), np.zeros((len(rows), 1), np.float32), 0)
    n_codes = len(groups.names)
    codes = groups.codes[rows]
    is_known = codes >= 0
    return Aspects(np.where(is_known, codes, n_codes)[:, None], is_known.astype(np.float32)[:, None], n_codes)


def own_mix(history: History, facts: ItemFacts, by: By) -> Floats:
    """The mix of what a user turned to, summing to 1; all 0 for a stranger; shape `(n_codes + 1,)`."""
    return aspects_of(history.rows, facts, by).mix()
