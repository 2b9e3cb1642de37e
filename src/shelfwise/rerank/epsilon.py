"""Epsilon-greedy: what is tried out is any of the candidates, all alike."""

from __future__ import annotations

import numpy as np

from shelfwise.rerank.exploring import Exploring
from shelfwise.rerank.listed import Listed
from shelfwise.schemas.ids import Bools


class Epsilon(Exploring):
    """Tries out candidates of the pool, all alike; see `Exploring`.

    Cost:
        O(k N).
    """

    def trial(self, listed: Listed, n: int) -> AnyOfThem:
        """All alike."""
        return AnyOfThem()


class AnyOfThem:
    """Draws any of those that are left."""

    def draw(self, left: Bools, random: np.random.Generator) -> int:
        """A place."""
        places = np.flatnonzero(left)
        return int(places[random.integers(len(places))])

    def chance(self, place: int, left: Bools) -> float:
        """One over those that are left."""
        return float(left[place]) / max(int(left.sum()), 1)

    def take(self, place: int) -> None:
        """Nothing is kept."""
