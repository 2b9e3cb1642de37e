"""Exploring: some positions are drawn, so that the shop learns of items that its order would never show.

Whatever is drawn is drawn from the slate's id, and the chance of every item to stand where it stands is told.
"""

from __future__ import annotations

from abc import abstractmethod
from hashlib import blake2b
from typing import ClassVar, Protocol

import numpy as np
from pydantic import Field

from shelfwise.config.component import Options
from shelfwise.rerank.listed import Listed
from shelfwise.rerank.reranker import Reranked, Reranker, unchanged, with_the_rest
from shelfwise.schemas.ids import Bools


class Trial(Protocol):
    """How a position is drawn when it is drawn, from the candidates that are left."""

    def draw(self, left: Bools, random: np.random.Generator) -> int:
        """A place."""
        ...

    def chance(self, place: int, left: Bools) -> float:
        """The chance of a place to be drawn."""
        ...

    def take(self, place: int) -> None:
        """Tell that a place is not left any more."""
        ...


class Exploring(Reranker):
    """Position by position: as a rule the first item that is left; with the chance `share` one that is drawn.

    Of the positions that are drawn, `new_share` go to new items, any of them alike, as long as there are some; the
    others as the component draws them. So on the average at most `share` of the positions differ from what the order
    before says, and what exploring can cost is at most `share` of what those positions bring.
    """

    draws: ClassVar[bool] = True

    class Config(Options):
        """Options of a `[rerank.…]` table that explores."""

        share: float = Field(
            default=0.1, ge=0, le=1, description="Share of the positions that are tried out: the most it can cost."
        )
        pool: int = Field(default=60, ge=2, le=1_000, description="Candidates that may be tried, from the top.")
        new_share: float = Field(
            default=0.5, ge=0, le=1, description="Share of the tried-out positions that go to new items."
        )
        new_until: int = Field(default=50, ge=0, description="Answers that show an item, up to which it is new.")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config

    @abstractmethod
    def trial(self, listed: Listed, n: int) -> Trial:
        """How the first `n` candidates are drawn."""

    def rerank(self, listed: Listed) -> Reranked:
        """Draw from the slate's id."""
        options, n_all = self.options, len(listed)
        k = min(listed.k, n_all)
        share = options.share if listed.exploration is None else listed.exploration
        if not k or not share:
            return unchanged(listed)
        random = np.random.default_rng(seed_of(listed.slate_id))
        n = min(max(options.pool, k), n_all)
        shown = np.zeros(n_all, np.int32) if listed.shown is None else listed.shown
        left = np.ones(n, bool)
        # New items may be tried from below the pool too: nobody knows better of them.
        new = {int(place) for place in np.flatnonzero(shown < options.new_until)} if listed.shown is not None else set()
        trial = self.trial(listed, n)
        first, n_left, taken = 0, n, set[int]()
        order: list[int] = []
        best: list[int] = []
        propensities: list[float] = []
        for _ in range(k):
            while first in taken:
                first += 1
            of_new = options.new_share if new else 0.0
            if not n_left:  # all of the pool is shown
                of_new = 1.0 if new else 0.0
            place = first
            if random.random() < share:
                if random.random() < of_new:
                    place = sorted(new)[int(random.integers(len(new)))]
                elif n_left:
                    place = trial.draw(left, random)
            drawn = of_new * (place in new) / max(len(new), 1)
            if place < n and of_new < 1:
                drawn += (1 - of_new) * trial.chance(place, left)
            propensities.append((1 - share) * (place == first) + share * drawn)
            order.append(place)
            best.append(first)
            taken.add(place)
            new.discard(place)
            if place < n:
                left[place] = False
                n_left -= 1
                trial.take(place)
        why = {place: "tried out" for place, usual in zip(order, best, strict=True) if place != usual}
        chosen = with_the_rest(np.array(order, np.int32), n_all)
        told = np.ones(n_all)
        told[:k] = propensities
        return Reranked(chosen, why, propensities=told.astype(np.float64), best=np.array(best, np.int32))


def seed_of(slate_id: str) -> int:
    """What everything that is drawn for a slate is drawn from."""
    return int.from_bytes(blake2b(slate_id.encode(), digest_size=8).digest(), "little")
