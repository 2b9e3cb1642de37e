"""Recent: what is new in the shop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import Field

from shelfwise.datasets.catalogue import NO_TIME_MS
from shelfwise.datasets.interactions import DAY_MS
from shelfwise.datasets.training_data import TrainingData
from shelfwise.retrieve.retriever import Retriever, RetrieverOptions, best
from shelfwise.schemas.candidates import Candidates, Situation
from shelfwise.schemas.ids import Bools, Times


class Recent(Retriever):
    """The newest items first, by the shop's creation time or else by the first event.

    An item that comes while serving is the newest of all, and so recommendable at once, whatever else is known of it.
    """

    class Config(RetrieverOptions):
        """Options of a `[retrieve.…]` table that uses arrivals."""

        k: int = Field(default=10, ge=1, le=1_000, description="Candidates proposed at most.")
        max_age_d: float = Field(default=60.0, gt=0, description="Days after which an item is new no more.")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config
        self._arrived_ms: Times = np.empty(0, np.int64)
        self._newest: np.ndarray[tuple[int], np.dtype[np.int32]] | None = None

    def fit(self, data: TrainingData, start: Retriever | None = None) -> None:
        """Find out when each item came."""
        arrived = data.catalogue.created_ms.copy()
        arrived[arrived > data.now_ms] = NO_TIME_MS  # not yet known at that moment
        if data.interactions.has_clock:
            first = np.full(len(arrived), np.iinfo(np.int64).max)
            np.minimum.at(first, data.interactions.item_rows, data.interactions.times_ms)
            # In the log's first weeks everything is seen for the first time, old stock too: that tells nothing.
            known_since = data.interactions.times_ms.min() + self.options.max_age_d * DAY_MS
            touched = (first >= known_since) & (first < np.iinfo(np.int64).max)
            arrived = np.where((arrived == NO_TIME_MS) & touched, first, arrived)
        self._arrived_ms = arrived
        self._newest = None

    def save(self, folder: Path) -> None:
        """Write the times."""
        np.save(folder / "arrived_ms.npy", self._arrived_ms)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote; not mapped, since items come while serving."""
        self._arrived_ms = np.load(folder / "arrived_ms.npy")
        self._newest = None

    def add_item(self, row: int, *, vector: object, created_ms: int, traits: object = None) -> None:
        """Remember when it came, where that is known."""
        if created_ms == NO_TIME_MS:
            return
        if row >= len(self._arrived_ms):
            grown = np.full(row + 1, NO_TIME_MS, np.int64)
            grown[: len(self._arrived_ms)] = self._arrived_ms
            self._arrived_ms = grown
        if self._arrived_ms[row] == NO_TIME_MS:
            self._arrived_ms[row] = created_ms
            self._newest = None

    def retrieve(self, situation: Situation, allowed: Bools) -> Candidates:
        """The newest, scored by freshness: 1 for this moment, 0 at `max_age_d`."""
        rows = self._by_arrival()
        rows = rows[allowed[rows]]
        age_d = (situation.now_ms - self._arrived_ms[rows]) / DAY_MS
        # An arrival after the request's moment cannot be known to it.
        fresh = (age_d >= 0) & (age_d < self.options.max_age_d)
        rows, age_d = rows[fresh], age_d[fresh]
        return best(rows, (1 - age_d / self.options.max_age_d).astype(np.float32), self.options.k)

    def _by_arrival(self) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        if self._newest is None:
            known = np.flatnonzero(self._arrived_ms != NO_TIME_MS)
            latest = known[np.argsort(-self._arrived_ms[known], kind="stable")]
            self._newest = latest[: 20 * self.options.k].astype(np.int32)
        return self._newest
