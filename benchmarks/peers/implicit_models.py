"""The package `implicit`: alternating least squares, and item neighbours by BM25, TF-IDF or cosine."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
import scipy.sparse as sparse

from peers.exam import Known, Questions
from peers.peer import Axes, Peer, Scores, histories, user_items, with_own


def _n_threads() -> int:
    return int(os.environ.get("OMP_NUM_THREADS", "0"))


class ImplicitAls(Peer):
    """Matrix factorisation of confidences; a question's user is folded in from the history.

    Source:
        Hu, Koren & Volinsky (2008), Collaborative Filtering for Implicit Feedback Datasets.
    """

    environment = "implicit"
    libraries = ("implicit", "numpy", "scipy")
    asked_with = frozenset({"decay"})

    @classmethod
    def axes(cls, known: Known, data: str) -> Axes:
        return {
            "factors": (128, 64, 256),
            "alpha": (10.0, 1.0, 40.0),
            "regularization": (0.1, 1.0, 10.0),
            "decay": (0.85, 1.0, 0.7),
            "iterations": (15, 30),
        }

    def fit(self, known: Known, validation: Questions | None) -> None:
        from implicit.als import AlternatingLeastSquares

        self._model = AlternatingLeastSquares(
            factors=self.settings["factors"],
            alpha=self.settings["alpha"],
            regularization=self.settings["regularization"],
            iterations=self.settings["iterations"],
            random_state=self.seed,
            num_threads=_n_threads(),
        )
        self._model.fit(user_items(known, counted=known.repeats), show_progress=False)

    def scores(self, questions: Questions) -> Scores:
        items = self._model.item_factors
        history = histories(questions, len(items), self.settings["decay"])
        users = self._model.recalculate_user(np.arange(len(questions)), history)
        return np.asarray(users @ items.T)


class ImplicitNeighbours(Peer):
    """Each item of the history votes for its nearest items."""

    environment = "implicit"
    libraries = ("implicit", "numpy", "scipy")
    asked_with = frozenset({"decay", "own"})
    has_silence = True

    @classmethod
    def axes(cls, known: Known, data: str) -> Axes:
        axes: dict[str, Any] = {
            "similarity": ("cosine", "tfidf", "bm25"),
            "decay": (0.85, 0.95, 1.0) if known.repeats else (0.7, 0.85, 1.0, 0.5),
            "own": (1.0, 3.0, 0.3) if known.repeats else (0.0,),
            "neighbours": (200, 1_000, 50),
        }
        if known.has_clock:
            axes["half_life_d"] = (None, 90.0, 30.0)
        return axes

    def fit(self, known: Known, validation: Questions | None) -> None:
        from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender

        kinds = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender, "bm25": BM25Recommender}
        # One more: each item is the nearest of its own.
        model = kinds[self.settings["similarity"]](K=self.settings["neighbours"] + 1, num_threads=_n_threads())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a conversion that the library makes of its own matrix
            model.fit(user_items(known, self.settings.get("half_life_d")), show_progress=False)
        found = model.similarity.tocoo()
        others = found.row != found.col
        self._similarity = sparse.csr_matrix(
            (found.data[others], (found.row[others], found.col[others])), shape=found.shape, dtype=np.float32
        )

    def scores(self, questions: Questions) -> Scores:
        history = histories(questions, self._similarity.shape[0], self.settings["decay"])
        votes = np.maximum((history @ self._similarity).toarray(), 0.0)
        return with_own(votes, history, self.settings["own"])
