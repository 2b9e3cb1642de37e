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
    """

    features: Floats
    labels: npt.NDArray[np.int8]
    groups: npt.NDArray[np.int64]
    n_relevant: npt.NDArray[np.int64]
    n_hopeless: int
    feature_names: list[str]

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
        )


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
