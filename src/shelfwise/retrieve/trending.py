"""Trending: what is turned to faster than it was, however little that is in all."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from shelfwise.datasets.interactions import DAY_MS
from shelfwise.datasets.training_data import TrainingData
from shelfwise.retrieve.retriever import Retriever, RetrieverOptions, best
from shelfwise.schemas.candidates import Candidates, Situation
from shelfwise.schemas.ids import Bools, Doubles, Floats, Rows, Times


class Trending(Retriever):
    """Items by how much their rate of events rose against the shop's own, as far as that is sure.

    An event of age t counts `2 ** (-t / recent_d)` as recent and `2 ** (-t / earlier_d) - 2 ** (-t / recent_d)` as
    earlier. With r and e an item's sums of these, o the odds of the recent in the whole shop's sums, and a the `doubt`:
    `log((r + a) / (e + a / o)) - log(o)` is how much the item's rate rose beyond the shop's, in log odds, and
    `1 / (r + a) + 1 / (e + a / o)` its variance. The score is the rise less `certainty` standard deviations; what is
    above 0 is named. So one sale is no trend, nor is Christmas, which lifts everything.

    It is the same for everybody; a place asks for a category by what it allows. Without a clock nothing is named. The
    ranker is not told of it.

    Source:
        Monroe, Colaresi, Quinn (2008), Fightin' Words: the log-odds ratio with an informative Dirichlet prior, here of
        two. Where they divide by the standard deviation it is subtracted, which keeps the size of the rise.
    """

    class Config(RetrieverOptions):
        """Options of a `[retrieve.…]` table that uses trends."""

        k: int = Field(default=100, ge=1, le=1_000, description="Candidates proposed at most.")
        recent_d: float = Field(default=3.0, gt=0, description="Days after which an event counts half as recent.")
        earlier_d: float = Field(
            default=28.0, gt=0, description="Days after which an event counts half in all; longer than recent_d."
        )
        doubt: float = Field(
            default=4.0,
            gt=0,
            le=10_000,
            description="Recent events that every item starts with, and earlier ones to match at the shop's own rates.",
        )
        certainty: float = Field(
            default=1.0, ge=0, le=10, description="Standard deviations that are taken off an item's rise."
        )

        @model_validator(mode="after")
        def _lately_is_part_of_all(self) -> Self:
            if self.earlier_d <= self.recent_d:
                raise ValueError(f"earlier_d is {self.earlier_d:g}; it must be longer than recent_d, {self.recent_d:g}")
            return self

    is_ranked: ClassVar[bool] = False

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config
        self._recent: Doubles = np.empty(0)
        self._all: Doubles = np.empty(0)
        self._origin_ms = 0

    def fit(self, data: TrainingData, start: Retriever | None = None) -> None:
        """Count, both ways."""
        interactions, n = data.interactions, len(data.catalogue)
        self._origin_ms = data.now_ms if interactions.has_clock else 0
        self._recent, self._all = np.zeros(n), np.zeros(n)
        if interactions.has_clock:
            rows, times = interactions.item_rows, interactions.times_ms
            self._recent += np.bincount(rows, self._weight(times, self.options.recent_d), minlength=n)
            self._all += np.bincount(rows, self._weight(times, self.options.earlier_d), minlength=n)

    def save(self, folder: Path) -> None:
        """Write both sums and the moment that they are of; 0 without a clock."""
        np.save(folder / "recent.npy", self._recent)
        np.save(folder / "all.npy", self._all)
        np.save(folder / "origin_ms.npy", np.array(self._origin_ms, np.int64))

    def load(self, folder: Path) -> None:
        """Read what `save` wrote; not mapped, since events change it."""
        self._recent, self._all = np.load(folder / "recent.npy"), np.load(folder / "all.npy")
        self._origin_ms = int(np.load(folder / "origin_ms.npy"))

    def observe(self, row: int, time_ms: int) -> None:
        """Count one event."""
        if row < len(self._all) and self.has_clock:
            # An age limit keeps a wrong clock from outweighing all others for ever.
            times = np.array([min(time_ms, self._origin_ms + 365 * DAY_MS)])
            self._recent[row] += float(self._weight(times, self.options.recent_d)[0])
            self._all[row] += float(self._weight(times, self.options.earlier_d)[0])

    def add_item(self, row: int, *, vector: object, created_ms: int, traits: object = None) -> None:
        """Count from now on what happens to it."""
        n_more = row + 1 - len(self._all)
        if n_more > 0:
            self._recent = np.concatenate([self._recent, np.zeros(n_more)])
            self._all = np.concatenate([self._all, np.zeros(n_more)])

    @property
    def has_clock(self) -> bool:
        """Whether it can tell: without a clock there is no rate."""
        return self._origin_ms > 0

    def retrieve(self, situation: Situation, allowed: Bools) -> Candidates:
        """What rises, the steepest first."""
        if not self.has_clock or not self._all.any():
            return Candidates.empty()
        scores = self.rises(situation.now_ms)
        rows = np.flatnonzero(allowed[: len(scores)] & (scores > 0)).astype(np.int32)
        found = best(rows, scores[rows], self.options.k)

        def score_of(asked: Rows) -> Floats:
            known = asked < len(scores)
            return np.where(known, scores[np.where(known, asked, 0)], np.float32(np.nan))

        return Candidates(found.rows, found.scores, score_of)

    def rises(self, now_ms: int) -> Floats:
        """The score of every item at a moment; shape `(n,)`."""
        passed_d = (now_ms - self._origin_ms) / DAY_MS
        recent = self._recent * np.exp2(-passed_d / self.options.recent_d)
        earlier = np.maximum(self._all * np.exp2(-passed_d / self.options.earlier_d) - recent, 0.0)
        odds = max(recent.sum(), 1e-12) / max(earlier.sum(), 1e-12)
        recent, earlier = recent + self.options.doubt, earlier + self.options.doubt / odds
        rise = np.log(recent / earlier / odds)
        return (rise - self.options.certainty * np.sqrt(1 / recent + 1 / earlier)).astype(np.float32)

    def _weight(self, times_ms: Times, half_life_d: float) -> Doubles:
        return np.exp2((times_ms - self._origin_ms) / DAY_MS / half_life_d)
