"""Baselines: what a shop could have without Shelfwise, tuned on the same past as our own model.

Each scores the whole catalogue. Each has a small grid of settings; the one with the best NDCG on the latest questions
before the split is used, with the same seen-item filter and the same lists as ours.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from shelfwise.datasets.interactions import DAY_MS
from shelfwise.datasets.training_data import TrainingData
from shelfwise.retrieve.again import Again
from shelfwise.retrieve.cooccurrence import Cooccurrence
from shelfwise.retrieve.seeds import weighted_seeds
from shelfwise.schemas.candidates import Situation
from shelfwise.schemas.ids import Doubles

TIE_BREAK = 1e-9
"""Popularity's weight where a baseline has nothing to say: below every score of its own."""


class Baseline(ABC):
    """Scores every item for a situation."""

    name: str

    @classmethod
    @abstractmethod
    def grid(cls, data: TrainingData, *, repeats: bool) -> Sequence[dict[str, Any]]:
        """The settings that are tried; empty where the baseline makes no sense for this shop."""

    @abstractmethod
    def __init__(self, **settings: Any) -> None: ...

    @abstractmethod
    def fit(self, data: TrainingData) -> None:
        """Learn from what happened before `data.now_ms`."""

    @abstractmethod
    def scores(self, situation: Situation) -> Doubles:
        """Higher is better; shape `(n_items,)`."""


def _tie_break(data: TrainingData) -> Doubles:
    return (np.bincount(data.interactions.item_rows, minlength=len(data.catalogue)) * TIE_BREAK).astype(np.float64)


class Popularity(Baseline):
    """The most popular items, the same for everybody; with a half-life: the most popular lately."""

    name = "popularity"

    def __init__(self, half_life_d: float | None) -> None:
        self._half_life_d = half_life_d
        self._scores: Doubles = np.empty(0)

    @classmethod
    def grid(cls, data: TrainingData, *, repeats: bool) -> Sequence[dict[str, Any]]:
        half_lives = (None, 3.0, 7.0, 14.0, 30.0, 90.0) if data.interactions.has_clock else (None,)
        return [{"half_life_d": half_life} for half_life in half_lives]

    def fit(self, data: TrainingData) -> None:
        interactions = data.interactions
        weights = (
            None
            if self._half_life_d is None
            else np.exp2((interactions.times_ms - data.now_ms) / DAY_MS / self._half_life_d)
        )
        self._scores = np.bincount(interactions.item_rows, weights, minlength=len(data.catalogue)).astype(np.float64)

    def scores(self, situation: Situation) -> Doubles:
        return self._scores


class Recency(Baseline):
    """The user's own items, the latest and most frequent first, then popular ones."""

    name = "recency"

    def __init__(self, half_life_d: float) -> None:
        self._own = Again(Again.Config(half_life_d=half_life_d, k=1_000))
        self._popular: Doubles = np.empty(0)

    @classmethod
    def grid(cls, data: TrainingData, *, repeats: bool) -> Sequence[dict[str, Any]]:
        return [{"half_life_d": half_life} for half_life in (7.0, 30.0, 90.0, 365.0, 36_500.0)] if repeats else []

    def fit(self, data: TrainingData) -> None:
        self._popular = _tie_break(data)

    def scores(self, situation: Situation) -> Doubles:
        scores = self._popular.copy()
        own = self._own.retrieve(situation, np.ones(len(scores), bool))
        scores[own.rows] += own.scores
        return scores


class ItemKNN(Baseline):
    """Item-to-item cosine, summed over the user's items; where repeats are allowed an item is its own neighbour too."""

    name = "item-kNN"

    def __init__(self, within: str, decay: float, shrinkage: float, own: float) -> None:
        self._lists = Cooccurrence(
            Cooccurrence.Config(
                within=within,
                decay=decay,
                shrinkage=shrinkage,
                half_life_d=36_500.0,
                list_length=500,
            )
        )
        self._own = own
        self._popular: Doubles = np.empty(0)

    @classmethod
    def grid(cls, data: TrainingData, *, repeats: bool) -> Sequence[dict[str, Any]]:
        within = ("user", "session") if (data.interactions.sessions >= 0).any() else ("user",)
        return [
            {"within": group, "decay": decay, "shrinkage": shrinkage, "own": own}
            for group in within
            for decay in (0.6, 0.8, 1.0)
            for shrinkage in (0.0, 10.0)
            for own in ((0.0, 1.0) if repeats else (0.0,))
        ]

    def fit(self, data: TrainingData) -> None:
        self._lists.fit(data)
        self._popular = _tie_break(data)

    def scores(self, situation: Situation) -> Doubles:
        scores = self._popular.copy()
        options = self._lists.options
        seeds, weights = weighted_seeds(situation, len(scores), decay=options.decay, n_seeds=options.n_seeds)
        rows, votes = self._lists.lists.vote(seeds, weights, np.ones(len(scores), bool))
        scores[rows] += votes
        scores[seeds] += self._own * weights
        return scores


BASELINES: tuple[type[Baseline], ...] = (Popularity, Recency, ItemKNN)
