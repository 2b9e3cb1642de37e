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
    def choose(
        cls, table: RankingTable, learn: Callable[[RankingTable], Scorer], *, unproven: bool = False
    ) -> tuple[Self | None, dict[str, Any]]:
        """The feature that would have served strangers best, unless the ranker serves the latest ones better.

        Args:
            table: All requests.
            learn: Fits the ranker on some requests.
            unproven: Whether the ranker keeps its strangers where nobody can tell. One that learned from known users
                only says of strangers whatever falls out of its branches, so it should not; a rule that learned nothing
                may.

        Returns:
            None where the ranker keeps its strangers; and what the manifest states, as plain JSON.
        """
        names = table.feature_names
        plain_names = [name for name in PLAIN if name in names]
        if KNOWN_BY not in names or not plain_names or not len(table.groups):
            return None, {"model": "ranker"}
        of_strangers = _requests_of_strangers(table)
        is_latest = table.moments == table.moments.min()
        asked, judged = table.where(of_strangers), table.where(of_strangers & is_latest)
        about: dict[str, Any] = {"n_requests": len(asked.groups)}
        enough = len(judged.groups) >= ENOUGH and not is_latest.all()
        if not enough and unproven:
            return None, {"model": "ranker", **about}
        # Where hardly a stranger was ever asked, what pleases most of the others is the best guess.
        by_whom = asked if len(asked.groups) >= ENOUGH else table
        found = {name: by_whom.ndcg(_known(by_whom.column(name))) for name in plain_names}
        best = max(found, key=lambda name: found[name])
        order = cls(names.index(KNOWN_BY), names.index(best))
        if not enough:
            return order, {"model": best, **about}
        plain = judged.ndcg(_known(judged.column(best)))
        # Not having seen the moment: requests of one moment share what is popular, and trees know it by heart.
        ranker = judged.ndcg(learn(table.where(~is_latest))(judged.features))
        about["held_out_ndcg"] = {"ranker": round(ranker, 5), best: round(plain, 5)}
        return (order, {"model": best, **about}) if plain > ranker else (None, {"model": "ranker", **about})

    def instead_of(self, scores: Floats, features: Floats) -> Floats:
        """The ranker's scores, but strangers' candidates by the feature; shape `(N,)`."""
        of_strangers = np.isnan(features[:, self.known_by])
        if not of_strangers.any():
            return scores
        return np.where(of_strangers, _known(features[:, self.ordered_by]), scores)


def _known(column: Floats) -> Floats:
    """What is not known of an item counts as nothing."""
    return np.nan_to_num(column, nan=0.0)


def _requests_of_strangers(table: RankingTable) -> Bools:
    first = np.cumsum(table.groups) - table.groups
    return np.isnan(table.column(KNOWN_BY)[first])
