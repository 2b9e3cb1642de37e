"""Exposure: every seller, brand or category is shown at least in proportion to what it merits."""

from __future__ import annotations

import hashlib

import numpy as np
from pydantic import Field

from shelfwise.config.component import Options
from shelfwise.rerank.listed import UNGROUPED, Grouping, Listed
from shelfwise.rerank.relevance import relevance
from shelfwise.rerank.reranker import Reranked, Reranker, unchanged, with_the_rest
from shelfwise.schemas.ids import Doubles, Rows


class Exposure(Reranker):
    """Gives each group at least `least` times the places that it merits, in every prefix as far as that goes.

    A group's merit is its share of the relevance of the candidates. A slate has whole places: what a group is due is
    rounded up or down by chance, drawn from the slate's id, so that over many slates each gets its due on the average,
    and never more than there are places. The best item is taken wherever no group is short.

    Cost:
        O(k (N + G)).

    Source:
        Geyik, Ambler & Kenthapadi (2019), Fairness-Aware Ranking in Search & Recommendation Systems (the least counts
        by prefix); systematic rounding as in Madow (1949), On the Theory of Systematic Sampling.
    """

    class Config(Options):
        """Options of a `[rerank.…]` table with `use = "exposure"`."""

        by: Grouping = Field(default="seller", description="Who is to be treated fairly.")
        least: float = Field(
            default=0.8, ge=0, le=1, description="Share of the merited places that a group gets at least, on average."
        )
        candidates: int = Field(default=100, ge=2, le=1_000, description="The ranker's best that it chooses among.")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config

    def rerank(self, listed: Listed) -> Reranked:
        """Serve who is short, else take the best."""
        options, n = self.options, min(self.options.candidates, len(listed))
        codes = listed.codes(options.by)[:n]
        k = min(listed.k, n)
        if not options.least or k < 1 or (codes == UNGROUPED).all():
            return unchanged(listed)
        groups, own = np.unique(codes, return_inverse=True)
        start = fraction_of(f"{listed.slate_id}/{options.by}")
        merits = np.bincount(own, relevance(n), minlength=len(groups)).astype(np.float64)
        merits[groups == UNGROUPED] = 0.0
        shares = options.least * merits / float(relevance(n).sum())
        n_there = np.bincount(own, minlength=len(groups))
        at_the_end = np.minimum(least_counts(shares, k, start), n_there)
        got = np.zeros(len(groups), np.int64)
        is_free = np.ones(n, bool)
        chosen = np.empty(k, np.int32)
        why: dict[int, str] = {}
        for position in range(k):
            short = at_the_end - got > 0
            if np.maximum(at_the_end - got, 0).sum() < k - position:
                now = np.minimum(least_counts(shares, position + 1, start), n_there)
                short = now - got > 0
            wanted = is_free & short[own] if short.any() else is_free
            place = int(wanted.argmax())
            best = int(is_free.argmax())
            if place != best:
                why[place] = f"moved up: {listed.name_of(options.by, place)} is due a place by its merit"
            chosen[position] = place
            is_free[place] = False
            got[own[place]] += 1
        return Reranked(with_the_rest(chosen, len(listed)), why)


def least_counts(shares: Doubles, n_places: int, start: float) -> Rows:
    """Whole places for shares of them: each share times the places, rounded up or down.

    Args:
        shares: Of each group, summing to 1 at most; shape `(G,)`.
        n_places: Places to be shared out.
        start: Drawn uniformly from [0, 1): then each group's expected count is exact.

    Returns:
        Counts, together `n_places` at most; shape `(G,)`.
    """
    ends = np.floor(np.cumsum(shares) * n_places + start + 1e-9)
    return np.diff(ends, prepend=np.floor(start + 1e-9)).astype(np.int32)


def fraction_of(name: str) -> float:
    """A number in [0, 1) that follows from a name as if it were drawn."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=6).digest(), "big") / 2**48
