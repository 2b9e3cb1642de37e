"""Coverage: every interest of the user, and every side of the candidates, somewhere in the slate."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from shelfwise.rerank.aspects import By, aspects_of, own_mix
from shelfwise.rerank.listed import Listed
from shelfwise.rerank.trading import Trading, TradingOptions
from shelfwise.schemas.ids import Floats, Rows


class Coverage(Trading):
    """Picks what covers aspects that the slate lacks: names of categories and brands, the user's own before others.

    Each pick maximises `(1 - share) * relevance + share * gain`, the gain the sum over an item's aspects of
    how likely they are wanted, times the item's share of them, times what is still open: the product over those picked
    of `1 - share`; in units of the largest gain of all at the start.

    Cost:
        O(k n M) for M aspects per item.

    Source:
        Santos, Macdonald & Ounis (2010), xQuAD; Vargas, Baltrunas, Karatzoglou & Castells (2014) for items' genres.
    """

    even = 0.7

    class Config(TradingOptions):
        """Options of a `[rerank.…]` table with `use = "coverage"`."""

        by: By = Field(default="auto", description="What is to be covered; 'auto': names, else themes of texts.")
        own: float = Field(
            default=0.5,
            ge=0,
            le=1,
            description="How far the user's own mix says what is wanted; the rest is the candidates', all alike.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config

    def choose(self, listed: Listed, worth: Floats, k: int, share: float) -> Rows:
        """Greedy, with what is open kept up to date."""
        n, own_share = len(worth), self.options.own
        aspects = aspects_of(listed.rows[:n], listed.facts, self.options.by)
        own = own_mix(listed.situation.history, listed.facts, self.options.by)
        there = np.zeros(aspects.n_codes + 1, np.float32)
        there[aspects.codes[aspects.shares > 0]] = 1
        there /= max(float(there.sum()), 1.0)
        # A stranger has no mix of his own: the candidates' counts alone.
        wanted = own_share * own + (1 - own_share) * there if own.any() else there
        codes, shares = np.ascontiguousarray(aspects.codes.T, np.intp), np.ascontiguousarray(aspects.shares.T)
        weights = wanted[codes].astype(np.float32) * shares
        largest = float(weights.sum(axis=0).max(initial=0))
        if largest <= 0:
            return np.arange(k, dtype=np.int32)
        weights *= np.float32(share / largest)
        value = worth * np.float32(1 - share)
        still_open = np.ones(aspects.n_codes + 1, np.float32)
        scratch, gains = np.empty_like(weights), np.empty(n, np.float32)
        chosen = np.empty(k, np.int32)
        for picked in range(k):
            still_open.take(codes, out=scratch, mode="clip")
            scratch *= weights
            np.add.reduce(scratch, axis=0, out=gains)
            gains += value
            place = int(gains.argmax())
            chosen[picked] = place
            value[place] = -np.inf
            still_open[codes[:, place]] *= 1 - shares[:, place]
        return chosen

    def told(self, listed: Listed, place: int) -> str:
        """The category's name, where it has one."""
        name = listed.name_of("category", place)
        return f"brings {name}" if name else "brings what the list lacked"
