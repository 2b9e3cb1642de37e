"""Trees that know a newer moment alone, beside those that are kept: what they add, and of whom they say nothing."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np

from shelfwise.features.candidate_features import KNOWN_BY
from shelfwise.features.item_state import POPULARITY
from shelfwise.rank.ranker import RankingTable
from shelfwise.rank.tree_cascade import TreeCascade
from shelfwise.schemas.ids import Bools, Floats

FOLDER = "newest"

TOUCHED_BY = POPULARITY[-1]
"""0 for an item that nobody has touched, whenever that was asked; more for all others."""


@dataclass(frozen=True, slots=True)
class NewestTrees:
    """Log-odds that are added to those of the kept trees.

    They learn from what a version says of events that it does not know yet. It is asked about items that it knows, so
    hardly an untouched one is ever the answer: these trees would put all new items below everything. And people of
    whom nothing is known all see the same, of which one moment can be learned by heart (see `rank.strangers`). Of both
    the newest trees say nothing: there, what is added is what they add on the average where the kept trees say the
    same. So nobody is lifted or sunk by their silence, and strangers see the order of the kept trees. One average for
    all would sink whoever stands high, since both kinds of trees like the same candidates (`docs/experiments.md`).

    Attributes:
        trees: Of the newer moment.
        known_by: Column of a feature that is known exactly where something is known of the user; None: always.
        touched_by: Column of a feature that is 0 exactly where nobody touched the item; None: nowhere.
        level: What is added on the average where the kept trees say 0.
        slope: How much more is added for each log-odd of the kept trees; not below 0.
    """

    trees: TreeCascade
    known_by: int | None
    touched_by: int | None
    level: float
    slope: float

    @classmethod
    def of(cls, booster: Any, kept: TreeCascade, newest: RankingTable) -> Self:
        """The trees of a LightGBM booster that learned from requests of a newer moment, beside those that are kept."""
        names = newest.feature_names
        known_by, touched_by = (names.index(name) if name in names else None for name in (KNOWN_BY, TOUCHED_BY))
        trees = TreeCascade.of(booster, len(names))
        judged = newest.features[cls(trees, known_by, touched_by, 0.0, 0.0).may_judge(newest.features)]
        level, slope = _line(kept.by_all(judged), trees.by_all(judged))
        return cls(trees, known_by, touched_by, level, slope)

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the trees into a folder of their own within the ranker's; what else there is, as plain JSON."""
        (folder / FOLDER).mkdir()
        self.trees.save(folder / FOLDER)
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "trees"}

    @classmethod
    def load(cls, folder: Path, stated: dict[str, Any]) -> Self:
        """Read what `save` wrote and gave."""
        return cls(TreeCascade.load(folder / FOLDER), **stated)

    def may_judge(self, features: Floats) -> Bools:
        """Whether each candidate is an item that somebody touched, for a user of whom something is known; `(N,)`."""
        may = np.ones(len(features), bool)
        if self.known_by is not None:
            may &= ~np.isnan(features[:, self.known_by])
        if self.touched_by is not None:
            may &= features[:, self.touched_by] > 0
        return may

    def beside(self, kept: Floats, features: Floats) -> Floats:
        """Sums of the kept trees, with what is added to each; shapes `(N,)`, `(N, F)` and `(N,)`."""
        added = np.float32(self.level) + np.float32(self.slope) * kept
        may = self.may_judge(features)
        if may.all():
            added = self.trees.by_all(features)
        elif may.any():
            added[may] = self.trees.by_all(features[may])
        return kept + added


def _line(kept: Floats, newest: Floats) -> tuple[float, float]:
    """What the newest trees say on the average for what the kept ones say, as a straight line: level and slope.

    Each candidate counts by the probability that the kept trees give it: who stands high must be met well.
    """
    if not len(kept):
        return 0.0, 0.0
    x, y = kept.astype(np.float64), newest.astype(np.float64)
    weights = 1 / (1 + np.exp(-x))
    weights /= weights.sum()
    mean_x, mean_y = float(weights @ x), float(weights @ y)
    spread = float(weights @ (x - mean_x) ** 2)
    slope = max(float(weights @ ((x - mean_x) * (y - mean_y))) / max(spread, 1e-12), 0.0)
    return mean_y - slope * mean_x, slope
