"""Content: items whose texts mean something similar to what the user turned to; serves items nobody has touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from pydantic import Field

from shelfwise.datasets.training_data import TrainingData
from shelfwise.errors import StateError
from shelfwise.features.text_vectors import TextVectors
from shelfwise.retrieve.retriever import Retriever, RetrieverOptions, best
from shelfwise.retrieve.seeds import weighted_seeds
from shelfwise.schemas.candidates import Candidates, Situation
from shelfwise.schemas.ids import Bools, Floats, Rows
from shelfwise.store.arrays import mapped

INDEX_FILE = "index.faiss"
VECTORS_FILE = "vectors.npy"
SPARE = 64
"""Found beyond `k`, since the user's own items lead their own neighbourhood and are often not allowed."""


class Content(Retriever):
    """Nearest neighbours of the user's latest items in the space of whitened text vectors.

    The question is the weighted sum of the seeds' vectors. Search is exact up to `exact_up_to` items and by a
    navigable graph (HNSW) above. Items that come while serving are searched exactly beside the index.

    Cost:
        100,000 items of 128 dimensions, exact: 2 ms on one core; HNSW: 0.4 ms.
    """

    class Config(RetrieverOptions):
        """Options of a `[retrieve.…]` table that uses content."""

        decay: float = Field(default=0.8, gt=0, le=1, description="Weight of a moment relative to the next one.")
        n_seeds: int = Field(
            default=20, ge=1, le=500, description="Latest distinct items of a user that are looked up."
        )
        exact_up_to: int = Field(
            default=20_000,
            ge=0,
            description="Items up to which search is exact; above, an HNSW graph is searched.",
        )
        links: int = Field(default=32, ge=4, le=128, description="Links per item in the HNSW graph.")
        effort: int = Field(default=192, ge=16, le=4_096, description="Items visited per search of the HNSW graph.")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config
        self._index: Any = None
        self._vectors: Floats | None = None
        self._by_row = TextVectors(np.empty((0, 0), np.float32))
        self._fresh: dict[int, Floats] = {}
        self._fresh_matrix: tuple[Rows, Floats] | None = None

    def fit(self, data: TrainingData) -> None:
        """Index the vectors."""
        if data.vectors is None:
            raise StateError(
                "the content retriever needs text vectors, and [encode.text] is switched off",
                where="retrieve",
                hint="take 'content' out of [retrieve], or name an encoder in [encode.text]",
            )
        vectors = np.ascontiguousarray(data.vectors, np.float32)
        dim = vectors.shape[1]
        if len(vectors) <= self.options.exact_up_to:
            index: Any = faiss.IndexFlatIP(dim)
        else:
            index = faiss.IndexHNSWFlat(dim, self.options.links, faiss.METRIC_INNER_PRODUCT)
            index.hnsw.efConstruction = 80
        index.add(vectors)
        self._index, self._vectors, self._by_row = index, vectors, TextVectors(vectors)
        self._tune()

    def _tune(self) -> None:
        if isinstance(self._index, faiss.IndexHNSW):
            self._index.hnsw.efSearch = self.options.effort

    def save(self, folder: Path) -> None:
        """Write the index and the vectors."""
        faiss.write_index(self._index, str(folder / INDEX_FILE))
        np.save(folder / VECTORS_FILE, self.vectors)

    def load(self, folder: Path) -> None:
        """Open the index; map the vectors."""
        self._index = faiss.read_index(str(folder / INDEX_FILE))
        vectors = mapped(folder / VECTORS_FILE)
        self._vectors, self._by_row = vectors, TextVectors(vectors)
        self._tune()

    @property
    def vectors(self) -> Floats:
        """What was fitted or loaded; shape `(n, D)`."""
        if self._vectors is None:
            raise RuntimeError("fit() or load() comes first")
        return self._vectors

    def add_item(self, row: int, *, vector: Floats | None, created_ms: int) -> None:
        """Search this item beside the index from now on; a changed text replaces the indexed one's place."""
        if vector is not None:
            self._fresh[row] = vector
            self._by_row.put(row, vector)
            self._fresh_matrix = None  # made by the next question: many items may come at once

    def retrieve(self, situation: Situation, allowed: Bools) -> Candidates:
        """Search around the sum of the seeds' vectors."""
        question = self._question(situation)
        if question is None:
            return Candidates.empty()
        wanted = min(self.options.k + SPARE, len(self.vectors))
        # One question is too small to share: FAISS's threads would wait for each other longer than they search.
        faiss.omp_set_num_threads(1)
        scores, rows = self._index.search(question[None], wanted)
        rows, scores = rows[0].astype(np.int32), scores[0]
        found = rows >= 0
        rows, scores = rows[found], scores[found]
        if self._fresh:
            fresh_rows, fresh_vectors = self._fresh_items()
            stale = np.isin(rows, fresh_rows)
            rows = np.concatenate([rows[~stale], fresh_rows])
            scores = np.concatenate([scores[~stale], fresh_vectors @ question])
        keep = allowed[rows] & (scores > 0)
        found = best(rows[keep], scores[keep], self.options.k)
        return Candidates(found.rows, found.scores, lambda rows: self._nearness(rows, question))

    def _nearness(self, rows: Rows, question: Floats) -> Floats:
        """Cosine of any items to the question; NaN without a vector; shape as the rows'."""
        vectors, known = self._by_row.take(rows)
        scores = vectors @ question
        scores[~known] = np.nan
        return scores

    def _fresh_items(self) -> tuple[Rows, Floats]:
        if self._fresh_matrix is None:
            rows = np.fromiter(self._fresh, np.int32, len(self._fresh))
            self._fresh_matrix = (rows, np.stack(list(self._fresh.values())))
        return self._fresh_matrix

    def because(self, row: int, situation: Situation) -> int | None:
        """The seed whose text is nearest."""
        vector = self._vector(row)
        if vector is None:
            return None
        nearest, nearness = None, 0.0
        for seed, seed_vector, _ in self._voices(situation):
            if seed != row and float(seed_vector @ vector) > nearness:
                nearest, nearness = seed, float(seed_vector @ vector)
        return nearest

    def _question(self, situation: Situation) -> Floats | None:
        question = np.zeros(self.vectors.shape[1], np.float32)
        for _, vector, weight in self._voices(situation):
            question += weight * vector
        length = float(np.linalg.norm(question))
        return question / length if length > 0 else None

    def _voices(self, situation: Situation) -> Iterator[tuple[int, Floats, float]]:
        known = max(len(self.vectors), max(self._fresh, default=-1) + 1)
        seeds, weights = weighted_seeds(situation, known, decay=self.options.decay, n_seeds=self.options.n_seeds)
        for seed, weight in zip(seeds.tolist(), weights.tolist(), strict=True):
            vector = self._vector(seed)
            if vector is not None:
                yield seed, vector, weight

    def _vector(self, row: int) -> Floats | None:
        if row in self._fresh:
            return self._fresh[row]
        return self.vectors[row] if row < len(self.vectors) else None
