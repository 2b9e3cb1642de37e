"""Trending: what is turned to faster than it was, however little that is in all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from shelfwise.datasets.interactions import DAY_MS
from shelfwise.datasets.training_data import TrainingData
from shelfwise.retrieve.retriever import Retriever, RetrieverOptions, best
from shelfwise.schemas.candidates import Candidates, Situation
from shelfwise.schemas.ids import Bools, Doubles, Floats, Rows, Times

REGIONS_FILE = "regions.json"


class Trending(Retriever):
    """Items by how much their rate of events rose against the shop's own, as far as that is sure.

    An event of age t counts `2 ** (-t / recent_d)` as recent and `2 ** (-t / earlier_d) - 2 ** (-t / recent_d)` as
    earlier. With r and e an item's sums of these, o the odds of the recent in the whole shop's sums, and a the `doubt`:
    `log((r + a) / (e + a / o)) - log(o)` is how much the item's rate rose beyond the shop's, in log odds, and
    `1 / (r + a) + 1 / (e + a / o)` its variance. The score is the rise less `certainty` standard deviations; what is
    above 0 is named. So one sale is no trend, nor is Christmas, which lifts everything.

    Where users' regions are known, each of the larger ones has sums of its own, to which `elsewhere` of the whole
    shop's are added: where little happens, the shop's trends are the region's.

    Otherwise it is the same for everybody; a place asks for a category by what it allows. Without a clock nothing is
    named. The ranker is not told of it.

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

        regions: int = Field(
            default=20, ge=0, le=1_000, description="Largest regions whose trends are counted apart; 0: none."
        )
        elsewhere: float = Field(
            default=0.1, ge=0, le=1, description="Weight of an event elsewhere in the trends of a region."
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
        self._recent: Doubles = np.empty((1, 0))  # the whole shop's first, then each region's
        self._all: Doubles = np.empty((1, 0))
        self._lines: dict[str, int] = {}
        self._origin_ms = 0

    def fit(self, data: TrainingData, start: Retriever | None = None) -> None:
        """Count, both ways, in the whole shop and in each of the regions where most happens."""
        interactions, n = data.interactions, len(data.catalogue)
        self._origin_ms = data.now_ms if interactions.has_clock else 0
        self._lines, parts = {}, [np.ones(len(interactions), bool)]
        if data.regions is not None and interactions.has_clock:
            codes = data.regions.codes[interactions.user_rows]
            counts = np.bincount(codes, minlength=len(data.regions.names) + 1)[1:]
            for place in np.argsort(-counts, kind="stable")[: self.options.regions].tolist():
                self._lines[data.regions.names[place]] = len(parts)
                parts.append(codes == place + 1)
        self._recent, self._all = np.zeros((len(parts), n)), np.zeros((len(parts), n))
        if interactions.has_clock:
            rows, times = interactions.item_rows, interactions.times_ms
            recent = self._weight(times, self.options.recent_d)
            everything = self._weight(times, self.options.earlier_d)
            for line, part in enumerate(parts):
                self._recent[line] = np.bincount(rows[part], recent[part], minlength=n)
                self._all[line] = np.bincount(rows[part], everything[part], minlength=n)

    def save(self, folder: Path) -> None:
        """Write both sums, whose lines are whose, and the moment that they are of; 0 without a clock."""
        np.save(folder / "recent.npy", self._recent)
        np.save(folder / "all.npy", self._all)
        np.save(folder / "origin_ms.npy", np.array(self._origin_ms, np.int64))
        (folder / REGIONS_FILE).write_text(json.dumps(list(self._lines)), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Read what `save` wrote; not mapped, since events change it."""
        self._recent, self._all = np.load(folder / "recent.npy"), np.load(folder / "all.npy")
        self._origin_ms = int(np.load(folder / "origin_ms.npy"))
        names = json.loads((folder / REGIONS_FILE).read_text(encoding="utf-8"))
        self._lines = {name: line for line, name in enumerate(names, start=1)}

    def observe(self, row: int, time_ms: int, region: str | None = None) -> None:
        """Count one event."""
        if row < self._all.shape[1] and self.has_clock:
            # An age limit keeps a wrong clock from outweighing all others for ever.
            times = np.array([min(time_ms, self._origin_ms + 365 * DAY_MS)])
            for line in {0, self._line(region)}:
                self._recent[line, row] += float(self._weight(times, self.options.recent_d)[0])
                self._all[line, row] += float(self._weight(times, self.options.earlier_d)[0])

    def add_item(self, row: int, *, vector: object, created_ms: int, traits: object = None) -> None:
        """Count from now on what happens to it."""
        n_more = row + 1 - self._all.shape[1]
        if n_more > 0:
            self._recent = np.pad(self._recent, ((0, 0), (0, n_more)))
            self._all = np.pad(self._all, ((0, 0), (0, n_more)))

    @property
    def has_clock(self) -> bool:
        """Whether it can tell: without a clock there is no rate."""
        return self._origin_ms > 0

    def retrieve(self, situation: Situation, allowed: Bools) -> Candidates:
        """What rises where the request is asked for, the steepest first."""
        if not self.has_clock or not self._all.any():
            return Candidates.empty()
        scores = self.rises(situation.now_ms, situation.region)
        rows = np.flatnonzero(allowed[: len(scores)] & (scores > 0)).astype(np.int32)
        found = best(rows, scores[rows], self.options.k)

        def score_of(asked: Rows) -> Floats:
            known = asked < len(scores)
            return np.where(known, scores[np.where(known, asked, 0)], np.float32(np.nan))

        return Candidates(found.rows, found.scores, score_of)

    @property
    def regions(self) -> tuple[str, ...]:
        """Whose trends are counted apart."""
        return tuple(self._lines)

    def rises(self, now_ms: int, region: str | None = None) -> Floats:
        """The score of every item at a moment, in a region or, where that is not told apart, the shop; shape `(n,)`."""
        passed_d = (now_ms - self._origin_ms) / DAY_MS
        recent, total = self._recent[0], self._all[0]
        line = self._line(region)
        if line:
            # What happened in the region lies in the shop's sums as well: it counts once.
            elsewhere = self.options.elsewhere
            recent = (1 - elsewhere) * self._recent[line] + elsewhere * recent
            total = (1 - elsewhere) * self._all[line] + elsewhere * total
        recent = recent * np.exp2(-passed_d / self.options.recent_d)
        earlier = np.maximum(total * np.exp2(-passed_d / self.options.earlier_d) - recent, 0.0)
        odds = max(recent.sum(), 1e-12) / max(earlier.sum(), 1e-12)
        recent, earlier = recent + self.options.doubt, earlier + self.options.doubt / odds
        rise = np.log(recent / earlier / odds)
        return (rise - self.options.certainty * np.sqrt(1 / recent + 1 / earlier)).astype(np.float32)

    def _line(self, region: str | None) -> int:
        return self._lines.get(region, 0) if region is not None else 0

    def _weight(self, times_ms: Times, half_life_d: float) -> Doubles:
        return np.exp2((times_ms - self._origin_ms) / DAY_MS / half_life_d)
