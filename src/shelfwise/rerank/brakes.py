"""Brakes on the rich who get richer: less of what everybody sees, more of what is new."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from pydantic import Field

from shelfwise.rerank.likeness import LikenessOptions, mixed_vectors
from shelfwise.rerank.listed import Listed
from shelfwise.rerank.trading import Trading, TradingOptions
from shelfwise.rerank.unlike import pick_unlike
from shelfwise.schemas.ids import Doubles, Floats, Rows

DAY_MS = 86_400_000


class Brake(Trading):
    """Picks by `(1 - share) * relevance + share * standing`.

    An item's standing among the candidates goes by one of its qualities, from 0 (the least) to 1 (the most), equal ones
    alike; it is 0 where the quality is not known.
    """

    even = 0.4

    @abstractmethod
    def quality(self, listed: Listed, rows: Rows) -> Doubles:
        """What is wanted more of; NaN where it is not known; shape `(n,)`."""

    def choose(self, listed: Listed, worth: Floats, k: int, share: float) -> Rows:
        """The k of the largest sum."""
        n = len(worth)
        value = worth * np.float32(1 - share)
        value += standing(self.quality(listed, listed.rows[:n])) * np.float32(share)
        return np.argsort(-value, kind="stable")[:k].astype(np.int32)


class Tail(Brake):
    """Prefers what few turn to over what everybody sees, and of that what is unlike the others.

    See `Brake`; an item's quality is how few events it had, of all times. What few turn to is often all of a kind, so
    that each pick's standing is less by its mean likeness to those picked before, times `apart`.
    """

    even = 0.25

    class Config(TradingOptions, LikenessOptions):
        """Options of a `[rerank.…]` table with `use = "tail"`."""

        apart: float = Field(
            default=1.25,
            ge=0,
            le=10,
            description="Weight of being unlike the others, beside being little known; 0: being little known alone.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config

    def choose(self, listed: Listed, worth: Floats, k: int, share: float) -> Rows:
        """Greedy, from the largest sum of relevance and standing on."""
        n = len(worth)
        value = worth * np.float32(1 - share)
        value += standing(self.quality(listed, listed.rows[:n])) * np.float32(share)
        if not self.options.apart:
            return np.argsort(-value, kind="stable")[:k].astype(np.int32)
        vectors = mixed_vectors(listed.rows[:n], listed.facts, self.options)
        alike = (vectors @ vectors.T) * np.float32(share * self.options.apart)
        return pick_unlike(value, alike, k, first=int(value.argmax()), by_mean=True)

    def quality(self, listed: Listed, rows: Rows) -> Doubles:
        """Minus the number of events, on the scale of `ItemState.popularity`."""
        return rarity(listed, rows)

    def told(self, listed: Listed, place: int) -> str:
        """The list around it is the reason."""
        return "few have seen it"


class Fresh(Brake):
    """Prefers what is new over what has long been there.

    See `Brake`; an item's quality is that its first event or creation lies less than `half_life_d` back, half of it
    after that time, a quarter after twice. Without a clock nothing is known of age, and nothing is changed.
    """

    class Config(TradingOptions):
        """Options of a `[rerank.…]` table with `use = "fresh"`."""

        half_life_d: float = Field(default=30.0, gt=0, le=3_650, description="Days after which an item is half new.")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config

    def choose(self, listed: Listed, worth: Floats, k: int, share: float) -> Rows:
        """As new as it is, rather than by standing: where all are old, none is moved."""
        n = len(worth)
        newness = np.exp2(-self._age_d(listed, listed.rows[:n]) / self.options.half_life_d)
        value = worth * np.float32(1 - share) + np.nan_to_num(newness).astype(np.float32) * np.float32(share)
        return np.argsort(-value, kind="stable")[:k].astype(np.int32)

    def quality(self, listed: Listed, rows: Rows) -> Doubles:
        """Minus the age in days."""
        return -self._age_d(listed, rows)

    def told(self, listed: Listed, place: int) -> str:
        """How new, in days."""
        return f"new: here for {self._age_d(listed, listed.rows[place : place + 1])[0]:.0f} days"

    @staticmethod
    def _age_d(listed: Listed, rows: Rows) -> Doubles:
        first_ms = listed.facts.state.first_ms[rows]
        age_d = np.maximum(listed.situation.now_ms - first_ms, 0) / DAY_MS
        return np.where(first_ms >= 0, age_d, np.nan)


def rarity(listed: Listed, rows: Rows) -> Doubles:
    """The fewer events an item had, of all times, the larger; shape `(n,)`."""
    return -listed.facts.state.popularity[rows, -1].astype(np.float64)


def standing(values: Doubles) -> Floats:
    """The share of the other values that each is larger than, equal ones counting half; NaN: 0; shape `(n,)`.

    Examples:
        >>> standing(np.array([3.0, 9.0, 3.0])).tolist()
        [0.25, 1.0, 0.25]
    """
    known = np.sort(values[~np.isnan(values)])
    if len(known) < 2:
        return np.zeros(len(values), np.float32)
    below, up_to = np.searchsorted(known, values, "left"), np.searchsorted(known, values, "right")
    share = (below + up_to - 1) / (2 * (len(known) - 1))
    return np.where(np.isnan(values), 0, share).astype(np.float32)
