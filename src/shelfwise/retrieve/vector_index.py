"""Inner-product search over items' vectors, exact or by a graph; items that come later are searched beside it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np
from pydantic import Field

from shelfwise.features.text_vectors import TextVectors, as_kept, is_plain
from shelfwise.retrieve.graph_links import GraphLinks
from shelfwise.retrieve.made_once import MadeOnce
from shelfwise.retrieve.retriever import RetrieverOptions, best
from shelfwise.schemas.candidates import Candidates
from shelfwise.schemas.ids import Bools, Floats, Rows
from shelfwise.store.arrays import mapped

INDEX_FILE = "index.faiss"
VECTORS_FILE = "vectors.npy"
HALF: Any = faiss.ScalarQuantizer.QT_fp16
SPARE = 64
"""Found beyond `k`, since the user's own items lead their own neighbourhood and are often not allowed."""


class IndexOptions(RetrieverOptions):
    """Options of every retriever that searches vectors."""

    exact_up_to: int = Field(
        default=20_000,
        ge=0,
        description="Items up to which search is exact; above, an HNSW graph is searched.",
    )
    links: int = Field(default=32, ge=4, le=128, description="Links per item in the HNSW graph.")
    effort: int = Field(default=128, ge=16, le=4_096, description="Items visited per search of the HNSW graph.")


_graphs = MadeOnce()
"""Transitions and content ask for the same one, at a million items some minutes' work, and each again in every fit."""


def searchable(vectors: Floats, options: IndexOptions) -> Any:
    """A FAISS index by inner product over vectors of shape `(n, D)`: exact, or a graph where they are many."""
    vectors = np.ascontiguousarray(vectors, np.float32)
    dim = vectors.shape[1]
    if len(vectors) <= options.exact_up_to:
        index: Any = faiss.IndexFlatIP(dim)
    else:
        # Half precision: a search waits for memory, and finds what single precision finds (docs/experiments.md).
        index = faiss.IndexHNSWSQ(dim, HALF, options.links, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = 80
        faiss.omp_set_num_threads(len(os.sched_getaffinity(0)))  # a search before may have left it at one
        index.train(vectors)
    index.add(vectors)
    return index


def opened(path: Path) -> Any:
    """A FAISS index from its file, mapped: processes of one machine share what it holds."""
    return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)


class VectorIndex:
    """Item vectors by row, searchable.

    Cost:
        100,000 items of 128 dimensions, exact: 2 ms on one core; HNSW: 0.35 ms. The graph takes 2 bytes a dimension and
        8 a link of each item.
    """

    def __init__(self, index: Any, vectors: Floats, options: IndexOptions) -> None:
        self._index = index
        self.vectors = vectors
        self._by_row = TextVectors(vectors)
        self._fresh: dict[int, Floats] = {}
        self._fresh_matrix: tuple[Rows, Floats] | None = None
        self._is_graph = isinstance(index, faiss.IndexHNSW)
        self._links = None
        self._effort = options.effort
        if self._is_graph:
            index.hnsw.efSearch = options.effort
            self._links = GraphLinks.of(index) if is_plain(vectors) else None

    @classmethod
    def build(cls, vectors: Floats, options: IndexOptions) -> Self:
        """Index vectors; shape `(n, D)`; the graph of the same array and options is made once."""
        vectors = np.ascontiguousarray(vectors, np.float32)
        if len(vectors) <= options.exact_up_to:
            return cls(searchable(vectors, options), vectors, options)
        how = (options.exact_up_to, options.links, options.effort)
        return cls(_graphs.of(vectors, how, lambda: searchable(vectors, options)), vectors, options)

    def save(self, folder: Path) -> None:
        """Write the index and the vectors."""
        faiss.write_index(self._index, str(folder / INDEX_FILE))
        np.save(folder / VECTORS_FILE, as_kept(self.vectors))

    @classmethod
    def load(cls, folder: Path, options: IndexOptions) -> Self:
        """Open the index; map the vectors."""
        return cls(opened(folder / INDEX_FILE), mapped(folder / VECTORS_FILE), options)

    def __len__(self) -> int:
        """One more than the highest row that may have a vector."""
        return max(len(self.vectors), max(self._fresh, default=-1) + 1)

    def put(self, row: int, vector: Floats) -> None:
        """Search this item beside the index from now on; a changed vector replaces the indexed one's place."""
        self._fresh[row] = vector
        self._by_row.put(row, vector)
        self._fresh_matrix = None  # made by the next question: many items may come at once

    def vector(self, row: int) -> Floats | None:
        """An item's vector; shape `(D,)`; None for an unknown row."""
        if row in self._fresh:
            return self._fresh[row]
        return self.vectors[row].astype(np.float32, copy=False) if row < len(self.vectors) else None

    def take(self, rows: Rows) -> tuple[Floats, Bools]:
        """Vectors of rows, and which of them are known; shapes `(N, D)` and `(N,)`; unknown ones are 0."""
        return self._by_row.take(rows)

    def search(self, question: Floats, allowed: Bools, k: int) -> Candidates:
        """The `k` allowed items with the largest positive inner product; the score of any item is known too."""
        rows, scores = self._found(question, min(k + SPARE, len(self.vectors)))
        if self._fresh:
            fresh_rows, fresh_vectors = self._fresh_items()
            stale = np.isin(rows, fresh_rows)
            rows = np.concatenate([rows[~stale], fresh_rows])
            scores = np.concatenate([scores[~stale], fresh_vectors @ question])
        keep = allowed[rows] & (scores > 0)
        nearest = best(rows[keep], scores[keep], k)
        return Candidates(nearest.rows, nearest.scores, lambda rows: self.scores(rows, question))

    def _found(self, question: Floats, k: int) -> tuple[Rows, Floats]:
        """The `k` indexed items with the largest inner products, and these."""
        if self._links is not None:
            return self._links.nearest(self.vectors, question, self._effort, k)
        # One question is too small to share: FAISS's threads would wait for each other longer than they search.
        faiss.omp_set_num_threads(1)
        found_scores, found_rows = self._index.search(question[None], k)
        rows, scores = found_rows[0].astype(np.int32), found_scores[0]
        found = rows >= 0
        rows, scores = rows[found], scores[found]
        if self._is_graph and self.vectors.dtype == np.float32:
            scores = self.vectors[rows] @ question  # as of any other item: a graph's are those of its half precision
        return rows, scores

    def nearest_of(self, rows: Rows, others: Rows) -> list[int | None]:
        """Of each item, which of some others is nearest, as long as their inner product is positive.

        Args:
            rows: Shape `(N,)`.
            others: Shape `(S,)`; an item is not its own neighbour.

        Returns:
            Length N; of equals the one that stands first; None where there is none.
        """
        if not len(others) or not len(rows):
            return [None] * len(rows)
        other_vectors, others_known = self._by_row.take(others)
        nearness, known = self._by_row.products(rows, other_vectors)
        nearness[~known] = 0.0
        nearness[:, ~others_known] = 0.0
        nearness[rows[:, None] == others] = 0.0
        nearest = nearness.argmax(axis=1)
        has_one = nearness[np.arange(len(rows)), nearest] > 0
        return [
            int(other) if found else None
            for other, found in zip(others[nearest].tolist(), has_one.tolist(), strict=True)
        ]

    def nearest(self, questions: Floats, k: int) -> tuple[Floats, Rows]:
        """The `k` largest inner products of many questions at once, and whose they are.

        For fitting: items that were put later are not among them.

        Args:
            questions: Shape `(Q, D)`.

        Returns:
            Inner products, falling, and rows, -1 where there are none; shape `(Q, min(k, n))` each.
        """
        k = min(k, len(self.vectors))
        faiss.omp_set_num_threads(len(os.sched_getaffinity(0)))
        products, rows = self._index.search(np.ascontiguousarray(questions, np.float32), k)
        return products, rows.astype(np.int32)

    def scores(self, rows: Rows, question: Floats) -> Floats:
        """Inner products of any items; NaN without a vector; shape as the rows'."""
        products, known = self._by_row.products(rows, question[None])
        scores = products[:, 0]
        if not known.all():
            scores[~known] = np.nan
        return scores

    def _fresh_items(self) -> tuple[Rows, Floats]:
        if self._fresh_matrix is None:
            rows = np.fromiter(self._fresh, np.int32, len(self._fresh))
            self._fresh_matrix = (rows, np.stack(list(self._fresh.values())))
        return self._fresh_matrix
