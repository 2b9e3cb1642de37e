"""What every ranker offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from shelfwise.config.component import Options
from shelfwise.config.objectives import ObjectiveSpec
from shelfwise.features.text_vectors import TextVectors
from shelfwise.metrics import ranking_metrics
from shelfwise.schemas.candidates import Situation
from shelfwise.schemas.ids import Bools, Floats, Rows
from shelfwise.track.tracker import Curve, untracked


@dataclass(frozen=True, slots=True)
class RankingTable:
    """Point-in-time examples as a ranker learns from them: the candidates of many requests below each other.

    Attributes:
        features: Shape `(N, F)`.
        labels: 1 for an item that came next, else 0; shape `(N,)`.
        groups: Candidates of each request, in order; shape `(B,)`, summing to N. Each has a right answer among them.
        n_relevant: Right answers of each request, those that no retriever named included; shape `(B,)`.
        n_hopeless: Further requests, left out since no retriever named a right answer: no order would help them.
        feature_names: Length F.
        moments: Which past moment each request was asked at, 0 being the latest; shape `(B,)`.
        rows: Item of each candidate; shape `(N,)`. Empty where nobody needs them, as all that follows.
        situations: Each request; length B.
        outcomes: What became of each candidate, see `datasets.outcomes`; shape `(N, K)`.
        objectives: The columns of `outcomes`, parents before children; length K.
        vectors: Whitened text vectors of all items; shape `(n_items, D)`; None without an encoder.
        positions: Place of each candidate in the list that was shown, from 1 on; 0 where none was logged; shape `(N,)`.
        is_shown: Whether a request's candidates are those of a list that was shown, as logged; shape `(B,)`.
        item_names: Codes of the category names and the brand of all items, 0 for none; shape `(n_items, M)`. Empty
            where nobody needs them.
    """

    features: Floats
    labels: npt.NDArray[np.int8]
    groups: npt.NDArray[np.int64]
    n_relevant: npt.NDArray[np.int64]
    n_hopeless: int
    feature_names: list[str]
    moments: npt.NDArray[np.int64]
    rows: Rows = field(default_factory=lambda: np.empty(0, np.int32))
    situations: tuple[Situation, ...] = ()
    outcomes: Floats = field(default_factory=lambda: np.empty((0, 0), np.float32))
    objectives: Mapping[str, ObjectiveSpec] = field(default_factory=dict[str, ObjectiveSpec])
    vectors: Floats | None = None
    positions: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    is_shown: Bools = field(default_factory=lambda: np.empty(0, bool))
    item_names: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 0), np.int32))

    def column(self, name: str) -> Floats:
        """One feature of all candidates; shape `(N,)`."""
        return self.features[:, self.feature_names.index(name)]

    def rows_of(self, groups: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Which lines belong to the chosen requests; shape `(N,)`."""
        return np.repeat(groups, self.groups)

    def where(self, chosen: npt.NDArray[np.bool_]) -> RankingTable:
        """The chosen requests only."""
        lines = self.rows_of(chosen)
        return replace(
            self,
            features=self.features[lines],
            labels=self.labels[lines],
            groups=self.groups[chosen],
            n_relevant=self.n_relevant[chosen],
            n_hopeless=round(self.n_hopeless * float(chosen.mean())) if len(chosen) else 0,
            moments=self.moments[chosen],
            rows=self.rows[lines] if len(self.rows) else self.rows,
            situations=tuple(one for one, keep in zip(self.situations, chosen.tolist(), strict=False) if keep),
            outcomes=self.outcomes[lines] if len(self.outcomes) else self.outcomes,
            positions=self.positions[lines] if len(self.positions) else self.positions,
            is_shown=self.is_shown[chosen] if len(self.is_shown) else self.is_shown,
        )

    def answered_by(self, happened: Bools) -> tuple[RankingTable, Bools]:
        """The requests in which something happened to a candidate, that being the right answer; and their lines."""
        starts = np.cumsum(self.groups) - self.groups
        n_right = np.add.reduceat(happened.astype(np.int64), starts) if len(starts) else np.zeros(0, np.int64)
        lines = self.rows_of(n_right > 0)
        asked = self.where(n_right > 0)
        return replace(
            asked, labels=happened[lines].astype(np.int8), n_relevant=n_right[n_right > 0], n_hopeless=0
        ), lines

    def ndcg(self, scores: Floats, k: int = 10) -> float:
        """Mean NDCG@k of these scores, shape `(N,)`, over requests; answers that no retriever named count as missed."""
        # Requests of unequal length as lines of one table: -inf is "not ranked", and answers that were not among the
        # candidates become unranked relevant columns.
        width = int(self.groups.max()) if len(self.groups) else 0
        missed = self.n_relevant - np.bincount(
            np.repeat(np.arange(len(self.groups)), self.groups), self.labels, minlength=len(self.groups)
        ).astype(np.int64)
        extra = int(missed.max(initial=0))
        total = 0.0
        starts = np.concatenate([[0], np.cumsum(self.groups)])
        for first in range(0, len(self.groups), 2_048):
            block = range(first, min(first + 2_048, len(self.groups)))
            grid = np.full((len(block), width + extra), -np.inf)
            relevant = np.zeros((len(block), width + extra), bool)
            for line, request in enumerate(block):
                span = slice(starts[request], starts[request + 1])
                grid[line, : self.groups[request]] = scores[span]
                relevant[line, : self.groups[request]] = self.labels[span] > 0
                relevant[line, width : width + missed[request]] = True
            total += float(ranking_metrics(grid, relevant, k).ndcg.sum())
        return total / max(len(self.groups) + self.n_hopeless, 1)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as a ranker sees it.

    Attributes:
        features: Of the candidates; shape `(N, F)`.
        rows: Their items; shape `(N,)`.
        situation: Who asks, where and when.
        vectors: Whitened text vectors; None without an encoder.
        depth: Places of the order that anybody will look at; what stands below may be judged more cheaply. None: all.
    """

    features: Floats
    rows: Rows
    situation: Situation
    vectors: TextVectors | None = None
    depth: int | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """A ranker's answer.

    Attributes:
        scores: Higher is better; comparable within one request; shape `(N,)`.
        predictions: Of each candidate and objective: the probability that it happens if the candidate is shown, or the
            seconds expected; shape `(N, K)`; K is 0 where the ranker knows one goal only.
    """

    scores: Floats
    predictions: Floats


def unpredicted(scores: Floats) -> Scored:
    """An order of candidates of which nothing is predicted."""
    return Scored(scores, np.empty((len(scores), 0), np.float32))


Report = Callable[[str], None]
"""Called with what is being done, for progress."""


class Ranker(ABC):
    """Scores the candidates of a request.

    Life: `__init__(config)` is cheap; then either `fit` and `save`, or `load`.
    """

    Config: ClassVar[type[Options]] = Options
    learns_outcomes: ClassVar[bool] = False
    """Whether `fit` wants what became of every candidate, asked at visits that may have led to nothing."""

    def __init__(self, config: Options) -> None:
        self.track: Curve = untracked
        self.objectives: tuple[str, ...] = ()
        """What it predicts, in the order of the columns; empty where it knows one goal only."""

        self.default_weights: dict[str, float] = {}
        """Of the objectives in `Scored.scores`."""

    @abstractmethod
    def fit(self, table: RankingTable, *, seed: int, report: Report) -> dict[str, Any]:
        """Learn an order; `self.track` is told of what is measured on the way.

        Returns:
            What the model version's manifest states, as plain JSON: `model` names what was fitted; `held_out_ndcg` by
            model where it was measured; whatever else is worth knowing.
        """

    @property
    def goes_on(self) -> bool:
        """Whether `go_on` makes use of a newer moment."""
        return False

    def go_on(self, newest: RankingTable, *, seed: int, report: Report) -> Ranker:
        """A ranker that keeps what this one learned and learns from a newer moment beside it; this one stays as it is.

        Args:
            newest: Requests of the newer moment, described by the same features.
            seed: Of everything drawn at random.
            report: Told what is being done.

        Returns:
            This ranker itself where too little is new, or where it makes no use of it.
        """
        return self

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write plain files into an existing, empty folder."""

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""

    @abstractmethod
    def rank(self, features: Floats) -> Floats:
        """A score per candidate, higher is better; features of shape `(N, F)`, the answer of shape `(N,)`."""

    def score(self, asked: Asked) -> Scored:
        """The answer to one request."""
        return self.score_many([asked])[0]

    def score_many(self, requests: Sequence[Asked]) -> list[Scored]:
        """Answers to many requests; here by one call, as a ranker can that reads features only."""
        if not requests:
            return []
        scores = self.rank(np.concatenate([asked.features for asked in requests]))
        ends = np.cumsum([len(asked.features) for asked in requests])
        return [
            unpredicted(scores[end - len(asked.features) : end])
            for asked, end in zip(requests, ends.tolist(), strict=True)
        ]
