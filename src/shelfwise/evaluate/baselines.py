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
from shelfwise.schemas.candidates import Situation
from shelfwise.schemas.ids import Doubles


class Baseline(ABC):
    """Scores every item for a situation."""

    name: str

    @classmethod
    @abstractmethod
    def grid(
        cls, data: TrainingData, *, repeats: bool, fallback: dict[str, Any] | None = None
    ) -> Sequence[dict[str, Any]]:
        """The settings that are tried; empty where the baseline makes no sense for this shop.

        Args:
            repeats: Whether items that the user had may be shown.
            fallback: Popularity's tuned settings, for whom the baseline knows nothing of.
        """

    @abstractmethod
    def __init__(self, **settings: Any) -> None: ...

    @abstractmethod
    def fit(self, data: TrainingData, like: Baseline | None = None) -> None:
        """Learn from what happened before `data.now_ms`.

        Args:
            data: What may be known.
            like: One that was fitted on the same data: what it learned is taken over where the settings that learning
                depends on are equal, so that a grid costs what its distinct fits cost.
        """

    @abstractmethod
    def scores(self, situation: Situation) -> Doubles:
        """Higher is better; shape `(n_items,)`."""


def _above(own: Doubles, popularity: Doubles) -> Doubles:
    """The baseline's own scores first, whatever their size; then popularity."""
    named = own > 0
    scores = popularity / (popularity.max(initial=0.0) + 1.0)  # below 1
    scores[named] = 1.0 + own[named]
    return scores


class Popularity(Baseline):
    """The most popular items, the same for everybody; with a half-life: the most popular lately."""

    name = "popularity"

    def __init__(self, half_life_d: float | None = None) -> None:
        self._half_life_d = half_life_d
        self._scores: Doubles = np.empty(0)

    @classmethod
    def grid(
        cls, data: TrainingData, *, repeats: bool, fallback: dict[str, Any] | None = None
    ) -> Sequence[dict[str, Any]]:
        half_lives = (None, 3.0, 7.0, 14.0, 30.0, 90.0) if data.interactions.has_clock else (None,)
        return [{"half_life_d": half_life} for half_life in half_lives]

    def fit(self, data: TrainingData, like: Baseline | None = None) -> None:
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

    def __init__(self, half_life_d: float, fallback: dict[str, Any] | None = None, *, near_ties: float = 0.0) -> None:
        """Make it.

        Args:
            half_life_d: Days after which an event counts half.
            fallback: Popularity's settings.
            near_ties: Popularity's weight among the user's own items: items of one invoice are equally recent, and
                a little weight puts the popular ones first.
        """
        self._own = Again(Again.Config(half_life_d=half_life_d, k=1_000))
        self._near_ties = near_ties
        self._popular = Popularity(**(fallback or {}))

    @classmethod
    def grid(
        cls, data: TrainingData, *, repeats: bool, fallback: dict[str, Any] | None = None
    ) -> Sequence[dict[str, Any]]:
        half_lives = (7.0, 30.0, 90.0, 365.0, 36_500.0) if repeats else ()
        return [
            {"half_life_d": half_life, "fallback": fallback, "near_ties": near_ties}
            for half_life in half_lives
            for near_ties in (0.0, 0.001, 0.1)
        ]

    def fit(self, data: TrainingData, like: Baseline | None = None) -> None:
        self._popular.fit(data)

    def scores(self, situation: Situation) -> Doubles:
        popularity = self._popular.scores(situation)
        own = np.zeros(len(popularity))
        found = self._own.retrieve(situation, np.ones(len(own), bool))
        near_ties = self._near_ties * popularity[found.rows] / (popularity.max(initial=0.0) + 1.0)
        own[found.rows] = found.scores + near_ties
        return _above(own, popularity)


class ItemKNN(Baseline):
    """Item-to-item cosine, summed over the user's items; where repeats are allowed an item is its own neighbour too."""

    name = "item-kNN"

    def __init__(
        self,
        within: str,
        decay: float,
        shrinkage: float,
        half_life_d: float = 36_500.0,
        own: float = 0.0,
        fallback: dict[str, Any] | None = None,
    ) -> None:
        self._lists = Cooccurrence(
            Cooccurrence.Config(
                within=within, decay=decay, shrinkage=shrinkage, half_life_d=half_life_d, list_length=500
            ),
            is_exact=True,
        )
        self._learned_by = (within, shrinkage, half_life_d)
        self._own = own
        self._popular = Popularity(**(fallback or {}))

    @classmethod
    def grid(
        cls, data: TrainingData, *, repeats: bool, fallback: dict[str, Any] | None = None
    ) -> Sequence[dict[str, Any]]:
        within = ("user", "session") if (data.interactions.sessions >= 0).any() else ("user",)
        half_lives = (180.0, 36_500.0) if data.interactions.has_clock else (36_500.0,)
        return [
            {
                "within": group,
                "decay": decay,
                "shrinkage": shrinkage,
                "half_life_d": half_life,
                "own": own,
                "fallback": fallback,
            }
            for group in within
            for shrinkage in (0.0, 10.0)
            for half_life in half_lives
            for decay in (0.6, 1.0)
            for own in ((0.0, 1.0) if repeats else (0.0,))
        ]

    def fit(self, data: TrainingData, like: Baseline | None = None) -> None:
        if isinstance(like, ItemKNN) and like._learned_by == self._learned_by:
            self._lists.take_over(like._lists)
        else:
            self._lists.fit(data)
        self._popular.fit(data)

    def scores(self, situation: Situation) -> Doubles:
        popularity = self._popular.scores(situation)
        seeds, weights = self._lists.seeds(situation)
        own = self._lists.lists.sums(seeds, weights, len(popularity))
        own[seeds] += self._own * weights
        return _above(own, popularity)


BASELINES: tuple[type[Baseline], ...] = (Popularity, Recency, ItemKNN)
