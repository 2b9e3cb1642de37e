"""Factors: matrix factorisation of who had what, by implicit alternating least squares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy.sparse as sparse
from pydantic import Field

from shelfwise.datasets.interactions import DAY_MS
from shelfwise.datasets.training_data import TrainingData
from shelfwise.errors import MissingExtraError
from shelfwise.retrieve.retriever import Retriever
from shelfwise.retrieve.seeds import weighted_seeds
from shelfwise.retrieve.vector_index import IndexOptions, VectorIndex
from shelfwise.schemas.candidates import Candidates, Situation
from shelfwise.schemas.ids import Bools, Doubles

SEED = 0


class Factors(Retriever):
    """A vector per item; the user's is solved for at each request, so that an event counts at once.

    With `Y` the items' vectors and weights `w` over the user's latest items, the user's vector minimises
    `sum_i c_i (p_i - x' y_i)^2 + regularisation |x|^2` over all items, where `p_i = 1` and `c_i = 1 + confidence w_i`
    for those had, `p_i = 0` and `c_i = 1` for all others.

    Cost:
        A request: O(S D^2 + D^3) for S seeds, then one search.

    Source:
        Hu, Koren & Volinsky (2008), Collaborative Filtering for Implicit Feedback Datasets; fitted by the package
        `implicit`. Our users' weights fall with age, in training as at the request.
    """

    class Config(IndexOptions):
        """Options of a `[retrieve.…]` table that uses factors."""

        dim: int = Field(default=64, ge=2, le=1_024, description="Length of an item's vector.")
        regularisation: float = Field(default=0.05, gt=0, le=1_000, description="Pull of all vectors towards zero.")
        confidence: float = Field(default=20.0, gt=0, le=1_000, description="Weight of an item had over one not had.")
        iterations: int = Field(default=15, ge=1, le=500, description="Rounds of alternating least squares.")
        half_life_d: float = Field(
            default=180.0, gt=0, description="Days after which an event counts half in fitting; needs a clock."
        )
        decay: float = Field(default=0.95, gt=0, le=1, description="Weight of a moment relative to the next one.")
        n_seeds: int = Field(
            default=100, ge=1, le=1_000, description="Latest distinct items of a user that are looked up."
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config
        self._index: VectorIndex | None = None
        self._gram: Doubles = np.empty((0, 0))

    def fit(self, data: TrainingData, start: Retriever | None = None) -> None:
        """Factorise the users' weighted items."""
        try:
            from implicit.cpu.als import AlternatingLeastSquares
            from threadpoolctl import threadpool_limits
        except ImportError as cause:
            raise MissingExtraError(
                "implicit is not installed", where="retrieve", hint="pip install 'shelfwise[train]'"
            ) from cause
        interactions = data.interactions
        weights = np.ones(len(interactions), np.float32)
        if interactions.has_clock:
            age_d = (data.now_ms - interactions.times_ms) / DAY_MS
            weights = np.exp2(-age_d / self.options.half_life_d).astype(np.float32)
        users = sparse.csr_matrix(
            (weights, (interactions.user_rows, interactions.item_rows)),
            shape=(interactions.n_users, interactions.n_items),
            dtype=np.float32,
        )
        users.sum_duplicates()
        # An item had twice is had; the package takes the confidence itself, and 1 for what is not stored.
        users.data = 1 + self.options.confidence * np.minimum(users.data, 1.0)
        users = users[np.diff(users.indptr) > 0]
        with threadpool_limits(1, "blas"):  # as the package asks
            model = AlternatingLeastSquares(
                factors=self.options.dim,
                regularization=self.options.regularisation,
                alpha=1.0,
                iterations=self.options.iterations,
                num_threads=1,  # several threads would sum in another order each time
                random_state=SEED,
            )
            model.fit(users, show_progress=False)
        touched = np.bincount(interactions.item_rows, minlength=len(data.catalogue)) > 0
        vectors = np.where(touched[:, None], np.asarray(model.item_factors, np.float32), np.float32(0))
        self._index = VectorIndex.build(vectors, self.options)
        self._gram = _gram(self.index)

    def save(self, folder: Path) -> None:
        """Write the items' vectors and their index."""
        self.index.save(folder)

    def load(self, folder: Path) -> None:
        """Map the vectors."""
        self._index = VectorIndex.load(folder, self.options)
        self._gram = _gram(self.index)

    @property
    def index(self) -> VectorIndex:
        """What was fitted or loaded."""
        if self._index is None:
            raise RuntimeError("fit() or load() comes first")
        return self._index

    def retrieve(self, situation: Situation, allowed: Bools) -> Candidates:
        """Solve for the user's vector, then search."""
        vectors = self.index.vectors
        seeds, weights = weighted_seeds(situation, len(vectors), decay=self.options.decay, n_seeds=self.options.n_seeds)
        if not len(seeds):
            return Candidates.empty()
        own = vectors[seeds].astype(np.float64)  # (S, D)
        more = self.options.confidence * weights.astype(np.float64)
        matrix = self._gram + (own.T * more) @ own + self.options.regularisation * np.eye(own.shape[1])
        user = np.linalg.solve(matrix, own.T @ (1 + more))
        return self.index.search(user.astype(np.float32), allowed, self.options.k)


def _gram(index: VectorIndex) -> Doubles:
    vectors = np.asarray(index.vectors, np.float64)
    return vectors.T @ vectors
