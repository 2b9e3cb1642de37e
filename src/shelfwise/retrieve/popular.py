"""Popular: what many turn to these days, in the whole shop and in the categories that the user looks at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import Field

from shelfwise.datasets.interactions import DAY_MS
from shelfwise.datasets.training_data import TrainingData
from shelfwise.retrieve.retriever import Retriever, RetrieverOptions, best
from shelfwise.schemas.candidates import Candidates, Situation
from shelfwise.schemas.ids import Bools, Doubles, Rows, Times

N_SEEDS = 10
HEAD = 2_000
"""Most popular items looked at first; the rest only where a filter leaves too few of them."""


class Popular(Retriever):
    """Time-decayed counts; half of the list from the categories of the user's latest items, half from the whole shop.

    An event adds `2 ** ((time - origin) / half_life)` to its item: all counts age alike, so that nothing is ever
    recomputed and an event that happens while serving costs one addition.
    """

    class Config(RetrieverOptions):
        """Options of a `[retrieve.…]` table that uses popularity."""

        k: int = Field(default=30, ge=1, le=1_000, description="Candidates proposed at most.")
        half_life_d: float = Field(default=14.0, gt=0, description="Days after which an event counts half.")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config
        self._counts: Doubles = np.empty(0)
        self._categories = np.empty(0, np.int32)
        self._n_categories = 0
        self._origin_ms = 0
        self._head: Rows | None = None
        self._risen: set[int] = set()

    def fit(self, data: TrainingData, start: Retriever | None = None) -> None:
        """Count."""
        interactions = data.interactions
        self._origin_ms = data.now_ms
        weights = self._weight(interactions.times_ms) if interactions.has_clock else None
        self._counts = np.bincount(interactions.item_rows, weights, minlength=len(data.catalogue)).astype(np.float64)
        self._categories = data.catalogue.category_codes()
        self._n_categories = int(self._categories.max(initial=-1)) + 1
        self._head = None

    def _weight(self, times_ms: Times) -> Doubles:
        return np.exp2((times_ms - self._origin_ms) / DAY_MS / self.options.half_life_d)

    def save(self, folder: Path) -> None:
        """Write counts and categories."""
        np.save(folder / "counts.npy", self._counts)
        np.save(folder / "categories.npy", self._categories)
        np.save(folder / "origin_ms.npy", np.array(self._origin_ms))

    def load(self, folder: Path) -> None:
        """Read what `save` wrote; not mapped, since counts go on while serving."""
        self._counts = np.load(folder / "counts.npy")
        self._categories = np.load(folder / "categories.npy")
        self._n_categories = int(self._categories.max(initial=-1)) + 1
        self._origin_ms = int(np.load(folder / "origin_ms.npy"))
        self._head = None

    def observe(self, row: int, time_ms: int, region: str | None = None) -> None:
        """Count one event."""
        if row < len(self._counts):
            # An age limit keeps a wrong clock from outweighing all others for ever.
            latest = self._origin_ms + 3_650 * DAY_MS
            self._counts[row] += float(self._weight(np.array([min(time_ms, latest)]))[0])
            self._risen.add(row)

    def retrieve(self, situation: Situation, allowed: Bools) -> Candidates:
        """The most popular of the user's categories, then of the shop, by count."""
        head = self._ranked_head()
        head = head[allowed[head]]
        if len(head) < self.options.k:
            return self.trending(allowed, self.options.k)
        seeds = situation.latest_items.rows
        liked = self._categories[seeds[seeds < len(self._counts)][:N_SEEDS]]
        is_liked = np.zeros(self._n_categories + 1, bool)  # the last is "no category", which nobody likes
        is_liked[liked[liked >= 0]] = True
        is_own = is_liked[np.maximum(self._categories[head], -1)]
        own = np.flatnonzero(is_own)[: self.options.k // 2]
        chosen = np.zeros(len(head), bool)
        chosen[own] = True
        chosen[np.flatnonzero(~chosen)[: self.options.k - len(own)]] = True
        rows = head[chosen]
        return Candidates(rows, self._counts[rows].astype(np.float32))

    def trending(self, allowed: Bools, k: int) -> Candidates:
        """The shop's most popular items now."""
        rows = np.flatnonzero(allowed[: len(self._counts)] & (self._counts > 0)).astype(np.int32)
        return best(rows, self._counts[rows].astype(np.float32), k)

    def _ranked_head(self) -> Rows:
        """The most popular items, best first."""
        risen, self._risen = self._risen, set()
        if self._head is None:
            rows = np.flatnonzero(self._counts > 0).astype(np.int32)
        elif risen:
            # Counts only grow: nobody enters but those whose did, and nobody else changes places.
            rows = np.union1d(self._head, np.fromiter(risen, np.int32, len(risen)))
        else:
            return self._head
        self._head = best(rows, self._counts[rows].astype(np.float32), HEAD).rows
        return self._head
