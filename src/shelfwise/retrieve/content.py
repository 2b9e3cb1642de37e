"""Content: items whose texts mean something similar to what the user turned to; serves items nobody has touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydantic import Field

from shelfwise.datasets.training_data import TrainingData
from shelfwise.errors import StateError
from shelfwise.retrieve.retriever import NO_TRAITS, ItemTraits, Retriever
from shelfwise.retrieve.seeds import weighted_seeds
from shelfwise.retrieve.vector_index import IndexOptions, VectorIndex
from shelfwise.schemas.candidates import Candidates, Situation
from shelfwise.schemas.ids import Bools, Floats


class Content(Retriever):
    """Nearest neighbours of the user's latest items in the space of whitened text vectors.

    The question is the weighted sum of the seeds' vectors.
    """

    class Config(IndexOptions):
        """Options of a `[retrieve.…]` table that uses content."""

        decay: float = Field(default=0.8, gt=0, le=1, description="Weight of a moment relative to the next one.")
        n_seeds: int = Field(
            default=20, ge=1, le=500, description="Latest distinct items of a user that are looked up."
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config
        self._index: VectorIndex | None = None

    def fit(self, data: TrainingData, start: Retriever | None = None) -> None:
        """Index the vectors."""
        if data.vectors is None:
            raise StateError(
                "the content retriever needs text vectors, and [encode.text] is switched off",
                where="retrieve",
                hint="take 'content' out of [retrieve], or name an encoder in [encode.text]",
            )
        self._index = VectorIndex.build(data.vectors, self.options)

    def save(self, folder: Path) -> None:
        """Write the index and the vectors."""
        self.index.save(folder)

    def load(self, folder: Path) -> None:
        """Open the index; map the vectors."""
        self._index = VectorIndex.load(folder, self.options)

    @property
    def index(self) -> VectorIndex:
        """What was fitted or loaded."""
        if self._index is None:
            raise RuntimeError("fit() or load() comes first")
        return self._index

    def add_item(self, row: int, *, vector: Floats | None, created_ms: int, traits: ItemTraits = NO_TRAITS) -> None:
        """Search this item from now on; a changed text moves it."""
        if vector is not None:
            self.index.put(row, vector)

    def retrieve(self, situation: Situation, allowed: Bools) -> Candidates:
        """Search around the sum of the seeds' vectors."""
        question = np.zeros(self.index.vectors.shape[1], np.float32)
        for _, vector, weight in self._voices(situation):
            question += weight * vector
        length = float(np.linalg.norm(question))
        if length == 0:
            return Candidates.empty()
        return self.index.search(question / length, allowed, self.options.k)

    def because(self, row: int, situation: Situation) -> int | None:
        """The seed whose text is nearest."""
        vector = self.index.vector(row)
        if vector is None:
            return None
        nearest, nearness = None, 0.0
        for seed, seed_vector, _ in self._voices(situation):
            if seed != row and float(seed_vector @ vector) > nearness:
                nearest, nearness = seed, float(seed_vector @ vector)
        return nearest

    def _voices(self, situation: Situation) -> Iterator[tuple[int, Floats, float]]:
        seeds, weights = weighted_seeds(
            situation, len(self.index), decay=self.options.decay, n_seeds=self.options.n_seeds
        )
        for seed, weight in zip(seeds.tolist(), weights.tolist(), strict=True):
            vector = self.index.vector(seed)
            if vector is not None:
                yield seed, vector, weight
