"""The trade-off between two objectives: what slates are expected to bring over a grid of weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from shelfwise.errors import QueryError, did_you_mean
from shelfwise.pipeline.balance import Values, balance
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.ids import Bools, Doubles, Floats
from shelfwise.schemas.queries import Query

STRENGTHS = (0.0, *np.geomspace(0.01, 100.0, 13).tolist())
"""Weights of the second objective against 1 for the first, each in units of the best that a slate can bring of it."""

Progress = Callable[[str, int | None, int | None], None]


@dataclass(frozen=True, slots=True)
class Point:
    """One setting of the weights.

    Attributes:
        weights: By objective, as a query would name them.
        expected: By objective, what a slate brings on the average of the requests.
        is_default: Whether these are the ranker's own weights.
        is_on_front: Whether no other setting brings more of one of the two and as much of the other.
    """

    weights: dict[str, float]
    expected: dict[str, float]
    is_default: bool
    is_on_front: bool


@dataclass(frozen=True, slots=True)
class TradeOffs:
    """What `shelfwise tradeoff` found.

    Attributes:
        objectives: The two that are traded.
        points: The default first, then from the first objective alone to the second alone.
    """

    scenario: str
    k: int
    n_requests: int
    model_version: str
    objectives: tuple[str, str]
    points: list[Point]

    def as_document(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def trade_offs(
    recommender: Recommender, users: Sequence[str], scenario: str, objectives: Sequence[str], progress: Progress
) -> TradeOffs:
    """Replay one request of each user over a grid of weights.

    A request asks what the user would be shown now. Its candidates are retrieved and predicted once; only their order
    changes with the weights. What is expected is predicted, by calibrated probabilities, and not observed: an
    experiment tells whether shoppers agree.

    Args:
        recommender: With a model of several objectives in service.
        users: Who is asked about.
        scenario: The place that asks.
        objectives: Two names, or none: the goal and what it follows from, or the first two.

    Raises:
        QueryError: the model predicts one goal only, or not the named ones.
    """
    ranker = recommender.model.funnel.ranker
    if len(ranker.objectives) < 2:
        raise QueryError(
            "this model predicts one goal: there is nothing to trade",
            expected="a model of several objectives",
            where="rank",
            hint="set [rank] use = 'multi-objective' in shop.toml and train",
            code="one_objective",
        )
    k = recommender.scenario(scenario).k
    found: list[Values] = []
    own: list[Floats] = []
    for place, user in enumerate(users):
        ranked = recommender.candidates(Query(user_id=user, scenario=scenario), k)
        if ranked.predictions.shape[1]:
            prices = np.exp(recommender.model.funnel.state.log_price[ranked.rows])
            found.append(Values.of(ranker.objectives, ranked.predictions, prices))
            own.append(ranked.scores)
        progress("asking", place + 1, len(users))
    if not found:
        raise QueryError(f"nothing is predicted in scenario {scenario!r}", where="scenario", code="nothing_predicted")
    names = tuple(name for name in found[0].names if all(name in one.names for one in found))
    first, second = _chosen(objectives, names, list(ranker.default_weights))
    units = {name: float(np.mean([one.best(name, k) for one in found])) or 1.0 for name in (first, second)}
    settings = [{first: 1.0, second: strength * units[first] / units[second]} for strength in STRENGTHS]
    settings.append({first: 0.0, second: 1.0})
    brought = [_mean(found, [values.scores(ranker.default_weights) for values in found], names, k)]
    for place, weights in enumerate(settings):
        brought.append(_mean(found, [balance(values, weights, {}, k).scores for values in found], names, k))
        progress("weighing", place + 1, len(settings))
    front = on_front(np.array([[one[first], one[second]] for one in brought]))
    points = [
        Point(weights, expected, place == 0, bool(front[place]))
        for place, (weights, expected) in enumerate(zip([ranker.default_weights, *settings], brought, strict=True))
    ]
    return TradeOffs(scenario, k, len(found), recommender.model.name, (first, second), points)


def on_front(values: Doubles) -> Bools:
    """Which lines no other line is better than: as good in each column and better in one; shape `(P, 2)` to `(P,)`."""
    as_good = (values[:, None, :] >= values[None, :, :] - 1e-12).all(axis=2)
    better = (values[:, None, :] > values[None, :, :] + 1e-12).any(axis=2)
    is_beaten: Bools = np.any(as_good & better, axis=0, keepdims=True)[0]
    return ~is_beaten


def _mean(found: Sequence[Values], scores: Sequence[Floats], names: Sequence[str], k: int) -> dict[str, float]:
    sums = [
        dict(zip(one.names, one.sums(score, k).tolist(), strict=True)) for one, score in zip(found, scores, strict=True)
    ]
    return {name: float(np.mean([one[name] for one in sums])) for name in names}


def _chosen(wanted: Sequence[str], names: Sequence[str], default: Sequence[str]) -> tuple[str, str]:
    for name in wanted:
        if name not in names:
            raise QueryError(
                f"this model does not predict {name!r}",
                expected=f"two of {', '.join(names)}",
                where="objective",
                hint=did_you_mean(name, names),
                code="unknown_objective",
            )
    if len(set(wanted)) not in (0, 2):
        raise QueryError(
            f"{len(set(wanted))} objectives are named", expected="two, or none", where="objective", code="not_two"
        )
    first, second = wanted or list(dict.fromkeys([*default, *names]))[:2]
    return first, second
