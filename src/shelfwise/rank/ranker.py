"""What every ranker offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from shelfwise.config.component import Options
from shelfwise.metrics import ranking_metrics
from shelfwise.schemas.ids import Floats
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
    """

    features: Floats
    labels: npt.NDArray[np.int8]
    groups: npt.NDArray[np.int64]
    n_relevant: npt.NDArray[np.int64]
    n_hopeless: int
    feature_names: list[str]
    moments: npt.NDArray[np.int64]

    def column(self, name: str) -> Floats:
        """One feature of all candidates; shape `(N,)`."""
        return self.features[:, self.feature_names.index(name)]

    def rows_of(self, groups: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Which lines belong to the chosen requests; shape `(N,)`."""
        return np.repeat(groups, self.groups)

    def where(self, chosen: npt.NDArray[np.bool_]) -> RankingTable:
        """The chosen requests only."""
        lines = self.rows_of(chosen)
        return RankingTable(
            self.features[lines],
            self.labels[lines],
            self.groups[chosen],
            self.n_relevant[chosen],
            round(self.n_hopeless * float(chosen.mean())) if len(chosen) else 0,
            self.feature_names,
            self.moments[chosen],
        )

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


Report = Callable[[str], None]
"""Called with what is being done, for progress."""


class Ranker(ABC):
    """Scores the candidates of a request.

    Life: `__init__(config)` is cheap; then either `fit` and `save`, or `load`.
    """

    Config: ClassVar[type[Options]] = Options

    def __init__(self, config: Options) -> None:
        self.track: Curve = untracked

    @abstractmethod
    def fit(self, table: RankingTable, *, seed: int, report: Report) -> dict[str, Any]:
        """Learn an order; `self.track` is told of what is measured on the way.

        Returns:
            What the model version's manifest states, as plain JSON: `model` names what was fitted; `held_out_ndcg` by
            model where it was measured; whatever else is worth knowing.
        """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write plain files into an existing, empty folder."""

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""

    @abstractmethod
    def rank(self, features: Floats) -> Floats:
        """A score per candidate, higher is better; features of shape `(N, F)`, the answer of shape `(N,)`."""
