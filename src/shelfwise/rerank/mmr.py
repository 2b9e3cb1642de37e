"""MMR: relevant, and unlike what was chosen already."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from shelfwise.rerank.brakes import rarity, standing
from shelfwise.rerank.likeness import LikenessOptions, mixed_vectors
from shelfwise.rerank.listed import Listed
from shelfwise.rerank.trading import Trading, TradingOptions
from shelfwise.rerank.unlike import pick_unlike
from shelfwise.schemas.ids import Floats, Rows

EVEN = {"mean": 1.7, "nearest": 0.7}
"""See `Trading.even`: the likeness to the nearest is far larger than the mean."""


class MMR(Trading):
    """Picks what is relevant and unlike what was picked before.

    Each pick maximises `(1 - share) * relevance + share * (tail * rarity + seldom * novelty - likeness)`, likeness to
    the nearest of those picked, or the mean over them: the mean is what the distance within a list is made of, the
    nearest keeps twins apart. Rarity is an item's standing among the candidates by how few turn to it. Novelty is
    `1 / (1 + shown / half)`, by how often the item was shown in answers so far: without it, what is unlike everything
    is picked for everybody, and with it most of the catalogue is shown to somebody.

    Cost:
        One product of `(n, D)` with itself, then O(k n).

    Source:
        Carbonell & Goldstein (1998), The Use of MMR; with the mean it is the greedy of max-sum diversification,
        Gollapudi & Sharma (2009), An Axiomatic Approach for Result Diversification.
    """

    class Config(TradingOptions, LikenessOptions):
        """Options of a `[rerank.…]` table with `use = "mmr"`."""

        against: Literal["nearest", "mean"] = Field(
            default="mean", description="What is to be unlike: the most alike of those picked, or all of them."
        )
        tail: float = Field(
            default=0.0, ge=0, le=10, description="Weight of being little known, beside being unlike the others."
        )
        seldom: float = Field(
            default=0.0,
            ge=0,
            le=10,
            description=(
                "Weight of having been shown seldom, by the log of answers: of the candidates that are nearly as good, "
                "those that nobody saw yet."
            ),
        )
        seldom_half: float = Field(
            default=1.0, gt=0, le=1_000_000, description="Times shown after which an item is half as novel."
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config
        self.even = EVEN[config.against]
        self.reads_shown = config.seldom > 0

    def choose(self, listed: Listed, worth: Floats, k: int, share: float) -> Rows:
        """Greedy, with the likeness to what was picked kept up to date."""
        n, by_mean = len(worth), self.options.against == "mean"
        vectors = mixed_vectors(listed.rows[:n], listed.facts, self.options)
        alike = (vectors @ vectors.T) * np.float32(share)
        value = worth * np.float32(1 - share)
        if self.options.tail:
            value += standing(rarity(listed, listed.rows[:n])) * np.float32(share * self.options.tail)
        if self.options.seldom and listed.shown is not None:
            half = np.float32(self.options.seldom_half)
            value += (half / (half + listed.shown[:n])).astype(np.float32) * np.float32(share * self.options.seldom)
        return pick_unlike(value, alike, k, first=0, by_mean=by_mean)

    def told(self, listed: Listed, place: int) -> str:
        """Nothing more can be said of a distance."""
        return "unlike the others"
