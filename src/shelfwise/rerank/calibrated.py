"""Calibrated: a slate whose mix of categories follows the user's own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import Field

from shelfwise.kernels import compiled
from shelfwise.rerank.aspects import By, aspects_of, own_mix
from shelfwise.rerank.listed import Listed
from shelfwise.rerank.trading import Trading, TradingOptions
from shelfwise.schemas.ids import Floats, Rows

SMOOTHING = 0.01
"""Share of the user's own mix in the slate's, so that the divergence is finite; as in the paper."""


class Calibrated(Trading):
    """Brings each of a user's interests in the share that it has in what he turned to.

    Each pick maximises `(1 - share) * sum(relevance) - share * KL(own mix || mix of those picked)`, the sum
    and the mix over those picked and the item. Somebody of whom nothing is known is shown the ranker's order.

    Cost:
        O(k n M) for M aspects per item.

    Source:
        Steck (2018), Calibrated Recommendations.
    """

    even = 1.25

    class Config(TradingOptions):
        """Options of a `[rerank.…]` table with `use = "calibrated"`."""

        by: By = Field(default="auto", description="What the mix is made of; 'auto': names, else themes of texts.")
        candidates: int = Field(
            default=200,
            ge=2,
            le=1_000,
            description="The ranker's best that it chooses among; the best 100 often lack an interest altogether.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config

    def choose(self, listed: Listed, worth: Floats, k: int, share: float) -> Rows:
        """Greedy; of the divergence only what an item changes is computed."""
        n = len(worth)
        own = own_mix(listed.situation.history, listed.facts, self.options.by)
        if not own.any():
            return np.arange(k, dtype=np.int32)
        aspects = aspects_of(listed.rows[:n], listed.facts, self.options.by)
        if compiled is not None:
            codes, shares = np.ascontiguousarray(aspects.codes), np.ascontiguousarray(aspects.shares)
            return compiled.calibrated(worth, codes, shares, own, share, SMOOTHING, k)
        codes, shares, wanted = _of_interest(aspects.codes, aspects.shares, own)
        own = np.append(own[wanted], np.float32(0))
        weights = own[codes] * np.float32(share)
        # With every item's shares summing to 1, the mix of t items is their sum over t: the logarithm of that t is the
        # same for every candidate, and so is all that a candidate does not touch.
        floor = own * np.float32(SMOOTHING / (1 - SMOOTHING))
        floor[-1] = 1.0  # stands for what the user has no interest in, and weighs nothing
        summed = floor.copy()
        inverse, gains = np.empty_like(summed), np.empty(n, np.float32)
        terms = np.empty((len(codes) + 1, n), np.float32)  # one line per aspect of an item, the last for relevance
        of_aspects, value = terms[:-1], terms[-1]
        np.multiply(worth, np.float32(1 - share), out=value)
        own_codes, own_shares = np.ascontiguousarray(codes.T), np.ascontiguousarray(shares.T)
        chosen = np.empty(k, np.int32)
        for picked in range(k):
            np.reciprocal(summed, out=inverse)
            inverse.take(codes, out=of_aspects, mode="clip")
            of_aspects *= shares
            of_aspects += 1
            np.log(of_aspects, out=of_aspects)
            of_aspects *= weights
            np.add.reduce(terms, axis=0, out=gains)
            place = int(gains.argmax())
            chosen[picked] = place
            value[place] = -np.inf
            summed[own_codes[place]] += own_shares[place]  # an item's aspects are distinct; what is not used adds 0
            summed += floor
        return chosen

    def told(self, listed: Listed, place: int) -> str:
        """The name is what the user knows."""
        name = listed.name_of("category", place)
        return f"the user's own mix asks for more of {name}" if name else "the user's own mix asks for more of its kind"


def _of_interest(codes: Rows, shares: Floats, own: Floats) -> tuple[npt.NDArray[np.intp], Floats, Rows]:
    """Only aspects that the user has, numbered anew, the used ones of each item first.

    Returns:
        Codes and shares, shape `(m, n)` with m the most that an item has; what is not used has the last code and no
        share. Then the old codes by the new; shape `(A,)`.
    """
    wanted = np.flatnonzero(own).astype(np.int32)
    number = np.full(len(own), len(wanted), np.intp)
    number[wanted] = np.arange(len(wanted))
    found = number[codes.T]
    shares = np.where(found < len(wanted), shares.T, np.float32(0))
    most = max(1, int(np.count_nonzero(shares, axis=0).max(initial=0)))
    if most < len(found):
        first = np.argsort(-shares, axis=0, kind="stable")[:most]
        found, shares = np.take_along_axis(found, first, 0), np.take_along_axis(shares, first, 0)
    return np.ascontiguousarray(found), np.ascontiguousarray(shares), wanted
