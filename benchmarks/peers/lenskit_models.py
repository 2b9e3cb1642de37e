"""LensKit's scorers, the kind of scorer being tuned like any other setting."""

from __future__ import annotations

import os

import numpy as np

from peers.exam import Known, Questions
from peers.peer import Axes, Peer, Scores, Settings

KINDS = ("item-knn", "implicit-mf", "user-knn")


class LensKit(Peer):
    """The best of LensKit's item neighbours, implicit-feedback ALS and user neighbours.

    LensKit knows no order: how many of the latest events it is told of is tuned too. Its EASE is the same closed form
    as `ease.Ease`, which is tuned further, and so not tried again here.
    """

    environment = "lenskit"
    libraries = ("lenskit", "torch", "numpy")
    asked_with = frozenset({"latest"})
    has_silence = True

    @classmethod
    def axes(cls, known: Known, data: str) -> Axes:
        return {
            "kind": KINDS,
            "latest": (20, 10, None),
            "neighbours": (50, 20, 200),
            "embedding_size": (64, 128),
            "regularization": (0.1, 1.0),
            "weight": (10.0, 40.0),
        }

    @classmethod
    def matters(cls, name: str, settings: Settings) -> bool:
        of_factors = {"embedding_size", "regularization", "weight"}
        if name in ("kind", "latest"):
            return True
        return (name in of_factors) == (settings["kind"] == "implicit-mf")

    def fit(self, known: Known, validation: Questions | None) -> None:
        # LensKit counts its threads by its own name; it is read when the library first works.
        os.environ.setdefault("LK_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "2"))
        import pandas as pd
        from lenskit.als import ImplicitMFScorer
        from lenskit.data import from_interactions_df
        from lenskit.knn import ItemKNNScorer, UserKNNScorer
        from lenskit.training import TrainingOptions

        pairs = np.unique(np.stack([known.past.user_rows, known.past.item_rows], axis=1), axis=0)
        dataset = from_interactions_df(pd.DataFrame({"user_id": pairs[:, 0], "item_id": pairs[:, 1]}))
        settings = self.settings
        if settings["kind"] == "implicit-mf":
            self._scorer = ImplicitMFScorer(
                embedding_size=settings["embedding_size"],
                regularization=settings["regularization"],
                weight=settings["weight"],
                user_embeddings=False,
            )
        else:
            scorer = ItemKNNScorer if settings["kind"] == "item-knn" else UserKNNScorer
            self._scorer = scorer(max_nbrs=settings["neighbours"], feedback="implicit")
        self._scorer.train(dataset, TrainingOptions(rng=self.seed))
        self._known_items = dataset.items.ids()
        self._n_items = known.n_items

    def scores(self, questions: Questions) -> Scores:
        from lenskit.data import ItemList, RecQuery

        items = ItemList(item_ids=self._known_items)
        table = np.full((len(questions), self._n_items), -np.inf, np.float32)
        for line in range(len(questions)):
            # With a history LensKit folds the user in; the id only keeps users from being their own neighbours.
            rows = questions.item_rows[questions.history(line)]
            rows = np.unique(rows if self.settings["latest"] is None else rows[-self.settings["latest"] :])
            rows = rows[np.isin(rows, self._known_items)]
            if not len(rows):
                continue
            found = self._scorer(
                RecQuery(user_id=int(questions.user_rows[line]), user_items=ItemList(item_ids=rows)), items
            )
            values = np.asarray(found.scores("numpy"), np.float32)
            table[line, self._known_items] = np.where(np.isnan(values), -np.inf, values)
        return table
