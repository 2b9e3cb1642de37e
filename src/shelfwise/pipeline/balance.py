"""What counts in a request: weights and floors over the objectives, and the trade-off that a slate makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from shelfwise.config.objectives import REVENUE
from shelfwise.schemas.ids import Floats

STEPS = 40
"""Halvings of the interval in which a floor's multiplier is sought."""

ROUNDS = 20
"""Times that several floors are gone through in turn."""

ALL_OF_IT = 1e9
"""A multiplier so large that nothing else counts."""

SLACK = 1e-6
"""Of a floor: sums of single-precision numbers are not exact."""

Shares = Callable[[Mapping[str, float]], dict[str, float]]
"""By objective, the share of the best that a slate comes to under these multipliers."""


@dataclass(frozen=True, slots=True)
class Values:
    """What each candidate is expected to bring.

    Attributes:
        names: The objectives, and `revenue` where purchases are predicted and prices known.
        table: Probabilities, seconds, money; shape `(N, K)`.
    """

    names: tuple[str, ...]
    table: Floats

    @classmethod
    def of(cls, objectives: tuple[str, ...], predictions: Floats, prices: Floats) -> Values:
        """Predictions, and the money that they mean.

        Args:
            objectives: The columns of `predictions`.
            predictions: Shape `(N, K)`.
            prices: NaN where unknown: what has no price brings no money; shape `(N,)`.
        """
        if "purchase" not in objectives or not np.isfinite(prices).any():
            return cls(objectives, predictions)
        revenue = predictions[:, objectives.index("purchase")] * np.nan_to_num(prices, nan=0.0)
        return cls((*objectives, REVENUE), np.column_stack([predictions, revenue]).astype(np.float32))

    def scores(self, weights: Mapping[str, float]) -> Floats:
        """The weighted sum; shape `(N,)`. Who has no weight has none of it."""
        return self.table @ np.array([weights.get(name, 0.0) for name in self.names], np.float32)

    def sums(self, scores: Floats, k: int) -> Floats:
        """What the `k` best by a score bring together; shape `(K,)`; equal scores in the order given."""
        return self.table[np.argsort(-scores, kind="stable")[:k]].sum(axis=0)

    def best(self, name: str, k: int) -> float:
        """The most that any `k` candidates bring of one objective."""
        column = self.table[:, self.names.index(name)]
        return float(np.sort(column)[::-1][:k].sum())


@dataclass(frozen=True, slots=True)
class Balanced:
    """A request's own order.

    Attributes:
        scores: Shape `(N,)`.
        missed: By objective, the share of the best that the slate comes to, where that is below its floor.
    """

    scores: Floats
    missed: dict[str, float]


def balance(values: Values, weights: Mapping[str, float], floors: Mapping[str, float], k: int) -> Balanced:
    """Order by weights, as far as the floors allow.

    The slate is the `k` candidates of the largest weighted sum. So raising an objective's weight never lowers what the
    slate brings of it: were it otherwise, exchanging the two slates would raise one of the two sums. A floor that the
    slate falls short of raises the weight of its objective, by the least multiplier that keeps it. One floor can always
    be kept; of several that contradict each other, the order that misses least is taken.

    Args:
        values: Of the candidates.
        weights: By objective, none below 0.
        floors: By objective, the share of the best attainable that the slate has to bring, in (0, 1].
        k: Items in the slate.
    """
    # Each in units of its best, so that multipliers are of one size whatever is measured.
    units = {name: values.best(name, k) for name in floors}
    floors = {name: floor for name, floor in floors.items() if units[name] > 0}  # of nothing, nothing is everything
    wanted = values.scores(weights)
    scale = max(float(np.abs(wanted).max(initial=0.0)), 1e-12)

    def scores(multipliers: Mapping[str, float]) -> Floats:
        extra = {name: multiplier * scale / units[name] for name, multiplier in multipliers.items()}
        return wanted + values.scores(extra)

    def shares(multipliers: Mapping[str, float]) -> dict[str, float]:
        sums = values.sums(scores(multipliers), k)
        return {name: float(sums[values.names.index(name)]) / units[name] for name in floors}

    found = dict.fromkeys(floors, 0.0)
    nearest, least = found, _missing(shares(found), floors)
    for _ in range(ROUNDS if len(floors) > 1 else 1):
        if not least:
            break
        for name in floors:
            found = {**found, name: _least_multiplier(name, found, floors[name], shares)}
        missing = _missing(shares(found), floors)
        if sum(missing.values()) < sum(least.values()):
            nearest, least = found, missing
    reached = shares(nearest)
    return Balanced(scores(nearest), {name: reached[name] for name in least})


def _least_multiplier(name: str, others: dict[str, float], floor: float, shares: Shares) -> float:
    def kept(multiplier: float) -> bool:
        return shares({**others, name: multiplier})[name] >= floor - SLACK

    if kept(0.0):
        return 0.0
    low, high = 1e-6, ALL_OF_IT
    for _ in range(STEPS):
        middle = float(np.sqrt(low * high))
        low, high = (low, middle) if kept(middle) else (middle, high)
    return high


def _missing(shares: Mapping[str, float], floors: Mapping[str, float]) -> dict[str, float]:
    """How much each floor is missed by; those that are kept are left out."""
    return {name: floor - shares[name] for name, floor in floors.items() if shares[name] < floor - SLACK}
