"""What every retriever offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from shelfwise.config.component import Options
from shelfwise.datasets.training_data import TrainingData
from shelfwise.schemas.candidates import Candidates, Situation
from shelfwise.schemas.ids import Bools, Floats, Rows
from shelfwise.track.tracker import Curve, untracked

Report = Callable[[str, int | None, int | None], None]
"""Called with what is being done, and with steps done and to do where they can be counted."""


def _silent(text: str, done: int | None, total: int | None) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class ItemTraits:
    """What is known of an item beside its text.

    Attributes:
        path: Category path, general first; empty where unknown.
        brand: None where unknown.
        price: None where unknown.
        picture: Its picture's vector, 0 where it has none; shape `(D_picture,)`; None where that did not change.
    """

    path: tuple[str, ...] = ()
    brand: str | None = None
    price: float | None = None
    picture: Floats | None = None


NO_TRAITS = ItemTraits()


class RetrieverOptions(Options):
    """Options that every retriever has."""

    k: int = Field(default=50, ge=1, le=1_000, description="Candidates proposed at most.")


class Retriever(ABC):
    """Proposes candidates for a situation.

    Life: `__init__(config)` is cheap; then either `fit` and `save`, or `load`. After that, `retrieve` may be called
    from several threads as long as nobody calls `observe` or `add_item`.
    """

    Config: ClassVar[type[RetrieverOptions]] = RetrieverOptions
    goes_on: ClassVar[bool] = False
    """Whether `fit` makes use of `start`: then an earlier one is kept for it."""

    may_change: ClassVar[frozenset[str]] = frozenset()
    """Options that may differ between a model version and one that goes on from it: those that only say how to learn.

    All others shape what the ranker was fitted on.
    """

    is_ranked: ClassVar[bool] = True
    """Whether the ranker is told of it. Others are asked only by a place that orders by its retrievers."""

    def __init__(self, config: RetrieverOptions) -> None:
        self.config = config
        self.report: Report = _silent
        self.track: Curve = untracked

    @abstractmethod
    def fit(self, data: TrainingData, start: Retriever | None = None) -> None:
        """Learn from what happened before `data.now_ms`; replaces whatever was learned before.

        Where it takes longer than a second, `self.report` is told how it goes, and `self.track` of losses and the like.

        Args:
            data: What may be known.
            start: The same retriever, fitted on an earlier past, to go on from. Whoever is fitted in seconds begins
                anew.
        """

    def obstacle(self, data: TrainingData, start: Retriever) -> str | None:
        """Why `fit` could not go on from `start` and would begin anew, as a clause; None where it can."""
        return None

    def fit_without(self, rows: Rows, data: TrainingData, start: Retriever | None = None) -> None:
        """Learn as `fit` does, then answer as if nobody had touched these items: for asking about new items.

        Args:
            rows: The items; whoever may go on from this retriever later goes on from all that happened.
            data: What may be known, what was done to these items included.
            start: As in `fit`.
        """
        self.fit(data.without_behaviour(rows), start)

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write plain files (npy, JSON, FAISS) into an existing, empty folder."""

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Read what `save` wrote; large arrays are memory-mapped."""

    @abstractmethod
    def retrieve(self, situation: Situation, allowed: Bools) -> Candidates:
        """Propose at most `config.k` items.

        Args:
            situation: Who asks, when, and in which context.
            allowed: Whether each item may be named; shape `(n,)`, where `n` is at least the number of items fitted.

        Returns:
            Allowed items only, without repeats, best first; equal scores in the order of rows. Empty where the
            retriever has nothing to say.
        """

    def because(self, rows: Rows, situation: Situation) -> list[int | None]:
        """Of items named by `retrieve`, each one's seed that spoke loudest for it; None where it was no single item.

        Args:
            rows: Distinct; shape `(N,)`.
            situation: The request.

        Returns:
            Length N.
        """
        return [None] * len(rows)

    def observe(  # noqa: B027 - most have nothing to update
        self, row: int, time_ms: int, region: str | None = None
    ) -> None:
        """Take up one event of interest in an item, as it happens; `region` is where its user is at home."""

    def add_item(  # noqa: B027
        self, row: int, *, vector: Floats | None, created_ms: int, traits: ItemTraits = NO_TRAITS
    ) -> None:
        """Take up an item that is new or changed, as it happens.

        Where its text or picture changed, both are given as they are now, and what it has no longer as 0; where only
        something else did, neither.

        Args:
            row: Its row; new items have rows beyond those fitted.
            vector: Its whitened text vector, 0 where it has no text; shape `(D,)`; None where that did not change.
            created_ms: When it came into the catalogue.
            traits: What is known of it beside its text.
        """


def best(rows: Rows, scores: Floats, k: int) -> Candidates:
    """The `k` highest-scored, best first; equal scores in the order of rows."""
    if len(rows) > k:
        # Only what is strictly above the k-th value, then the first of those equal to it: a bare argpartition
        # would pick among equals at random.
        kth = np.partition(scores, len(scores) - k)[len(scores) - k]
        above = np.flatnonzero(scores > kth)
        equal = np.flatnonzero(scores == kth)
        if len(equal) > k - len(above):
            equal = equal[np.argsort(rows[equal], kind="stable")[: k - len(above)]]
        chosen = np.concatenate([above, equal])
        rows, scores = rows[chosen], scores[chosen]
    order = np.lexsort((rows, -scores))
    return Candidates(rows[order].astype(np.int32, copy=False), scores[order].astype(np.float32, copy=False))
