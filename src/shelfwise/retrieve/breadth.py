"""Breadth: a typical item of every category in turn; what a shop can show where nobody has done anything yet."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from shelfwise.datasets.training_data import TrainingData
from shelfwise.retrieve.retriever import NO_TRAITS, ItemTraits, Retriever, RetrieverOptions
from shelfwise.schemas.candidates import Candidates, Situation
from shelfwise.schemas.ids import Bools, Floats, Rows

N_SPREAD = 32
"""Items of a category that are picked to be unlike those before them; the rest follow as typical as they are."""


class Breadth(Retriever):
    """Round after round one item of each category, the largest category first.

    A category's first item is the one nearest to the mean of its texts (or pictures, in a shop without texts), so that
    a stranger sees what the category is about; the next ones are each as unlike those before as possible, so that he
    sees all of it. Events change nothing: everybody is told the same.

    Cost:
        O(n N_SPREAD D) to fit; a request reads the order once.

    Source:
        Gonzalez (1985), Clustering to minimize the maximum intercluster distance: the farthest-first walk.
    """

    def __init__(self, config: RetrieverOptions) -> None:
        super().__init__(config)
        self._order: Rows = np.empty(0, np.int32)
        self._n_fitted = 0
        self._later: dict[int, None] = {}

    def fit(self, data: TrainingData, start: Retriever | None = None) -> None:
        """Walk through every category, and deal."""
        codes = data.catalogue.category_codes()
        vectors = data.pictures if data.vectors is None else data.vectors
        walks = [_walk(np.flatnonzero(codes == code).astype(np.int32), vectors) for code in np.unique(codes).tolist()]
        walks.sort(key=len, reverse=True)
        rows = np.concatenate([np.empty(0, np.int32), *walks])
        rounds = np.concatenate([np.empty(0, np.int64), *(np.arange(len(walk)) for walk in walks)])
        self._order = rows[np.argsort(rounds, kind="stable")]
        self._n_fitted, self._later = len(codes), {}

    def save(self, folder: Path) -> None:
        """Write the order."""
        np.save(folder / "order.npy", self._order)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        self._order = np.load(folder / "order.npy")
        self._n_fitted, self._later = len(self._order), {}

    def add_item(self, row: int, *, vector: Floats | None, created_ms: int, traits: ItemTraits = NO_TRAITS) -> None:
        """A new item stands behind all others until the next training."""
        if row >= self._n_fitted:
            self._later[row] = None

    def retrieve(self, situation: Situation, allowed: Bools) -> Candidates:
        """The first of the order that may be shown; scores are one over the position."""
        order = self._order
        if self._later:
            order = np.concatenate([order, np.fromiter(self._later, np.int32, len(self._later))])
        rows = order[allowed[order]][: self.config.k]
        return Candidates(rows, (1 / np.arange(1, len(rows) + 1)).astype(np.float32))


def _walk(rows: Rows, vectors: Floats | None) -> Rows:
    """Items of one category, the most typical first, then ever what is least like those before it."""
    if vectors is None or len(rows) < 2:
        return rows
    own = vectors[rows]
    typical = own @ own.mean(axis=0)
    taken = [int(np.argmax(typical))]
    likeness = own @ own[taken[0]]
    likeness[taken[0]] = np.inf
    for _ in range(min(N_SPREAD, len(rows)) - 1):
        taken.append(int(np.argmin(likeness)))
        likeness = np.maximum(likeness, own @ own[taken[-1]])
        likeness[taken[-1]] = np.inf
    rest = np.argsort(-typical, kind="stable")
    return rows[np.concatenate([taken, rest[~np.isin(rest, taken)]]).astype(np.intp)]
