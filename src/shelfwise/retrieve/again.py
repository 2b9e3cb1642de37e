"""Again: what the user had before, for shops where people buy the same thing again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import Field

from shelfwise.datasets.interactions import DAY_MS
from shelfwise.datasets.training_data import TrainingData
from shelfwise.retrieve.retriever import Retriever, RetrieverOptions, best
from shelfwise.schemas.candidates import Candidates, Situation
from shelfwise.schemas.ids import FIRST_REAL_TIME_MS, Bools


class Again(Retriever):
    """The user's own items by how often and how lately; names nothing where repeats are not allowed."""

    class Config(RetrieverOptions):
        """Options of a `[retrieve.…]` table that uses the user's own items."""

        k: int = Field(default=200, ge=1, le=1_000, description="Candidates proposed at most.")
        half_life_d: float = Field(default=180.0, gt=0, description="Days after which an event counts half.")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config

    def fit(self, data: TrainingData, start: Retriever | None = None) -> None:
        """Nothing is learned: the history is in the request."""

    def save(self, folder: Path) -> None:
        """Nothing is kept."""

    def load(self, folder: Path) -> None:
        """Nothing is kept."""

    def retrieve(self, situation: Situation, allowed: Bools) -> Candidates:
        """Sum `2 ** (-age / half_life)` over each item's events; by position where there is no clock."""
        history = situation.history
        if not len(history):
            return Candidates.empty()
        if history.times_ms[-1] >= FIRST_REAL_TIME_MS:
            age_d = np.maximum(situation.now_ms - history.times_ms, 0) / DAY_MS
        else:
            age_d = np.arange(len(history))[::-1].astype(np.float64)
        rows, place = np.unique(history.rows, return_inverse=True)
        scores = np.bincount(place, np.exp2(-age_d / self.options.half_life_d)).astype(np.float32)
        keep = allowed[rows]
        return best(rows[keep].astype(np.int32), scores[keep], self.options.k)
