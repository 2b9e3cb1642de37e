"""Requests of which nothing is known: in what order everybody new sees the shop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from shelfwise.features.candidate_features import KNOWN_BY
from shelfwise.features.item_state import POPULARITY
from shelfwise.rank.ranker import RankingTable
from shelfwise.schemas.ids import Bools, Floats

PLAIN = (*POPULARITY, "reach")
"""What strangers may be served by: how many turn to an item, at several speeds, and how many do for the first time."""

ENOUGH = 50
"""Strangers' requests of the latest moment, with a right answer among the candidates, from which on one can tell."""

Scorer = Callable[[Floats], Floats]
"""Scores of candidates with these features; shapes `(N, F)` and `(N,)`."""


@dataclass(frozen=True, slots=True)
class StrangersOrder:
    """One feature that orders the candidates of whom nothing is known.

    Strangers of one moment all see the same candidates with the same features. However many they are, trees learn from
    them what a handful of items had in common in one month, and look good on others of that month. A single feature
    cannot know a month by heart.

    Attributes:
        known_by: Column of a feature that is known exactly where something is known of the user.
        ordered_by: Column of the feature that orders; higher is better.
    """

    known_by: int
    ordered_by: int

    @classmethod
    def choose(cls, table: RankingTable, learn: Callable[[RankingTable], Scorer]) -> tuple[Self | None, dict[str, Any]]:
        """The feature that would have served strangers best, if it serves those of the latest moment better.

        Args:
            table: All requests.
            learn: Fits the ranker on some requests.

        Returns:
            None where the ranker is as good or nobody could tell; and what the manifest states, as plain JSON.
        """
        names = table.feature_names
        moments = np.unique(table.moments)
        if KNOWN_BY not in names or len(moments) < 2:
            return None, {"model": "ranker"}
        of_strangers, is_latest = _requests_of_strangers(table), table.moments == moments[0]
        asked, judged = table.where(of_strangers), table.where(of_strangers & is_latest)
        if len(judged.groups) < ENOUGH:
            return None, {"model": "ranker", "n_requests": len(asked.groups)}
        found = {name: asked.ndcg(_known(asked.column(name))) for name in PLAIN if name in names}
        best = max(found, key=lambda name: found[name])
        plain = judged.ndcg(_known(judged.column(best)))
        # Not having seen the moment: requests of one moment share what is popular, and trees know it by heart.
        ranker = judged.ndcg(learn(table.where(~is_latest))(judged.features))
        about = {
            "model": best if plain > ranker else "ranker",
            "n_requests": len(asked.groups),
            "held_out_ndcg": {"ranker": round(ranker, 5), best: round(plain, 5)},
        }
        return (cls(names.index(KNOWN_BY), names.index(best)) if plain > ranker else None), about

    def instead_of(self, scores: Floats, features: Floats) -> Floats:
        """The ranker's scores, but strangers' candidates by the feature; shape `(N,)`."""
        return np.where(np.isnan(features[:, self.known_by]), _known(features[:, self.ordered_by]), scores)


def _known(column: Floats) -> Floats:
    """What is not known of an item counts as nothing."""
    return np.nan_to_num(column, nan=0.0)


def _requests_of_strangers(table: RankingTable) -> Bools:
    first = np.cumsum(table.groups) - table.groups
    return np.isnan(table.column(KNOWN_BY)[first])
