"""What a request wants of the objectives, applied to its candidates; and what the slate is expected to bring."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from shelfwise.config.objectives import REVENUE
from shelfwise.config.shop import ScenarioSpec
from shelfwise.errors import QueryError, did_you_mean
from shelfwise.pipeline.balance import SLACK, Values, balance
from shelfwise.pipeline.funnel import Funnel, Ranked
from shelfwise.pipeline.shortfalls import Shortfall, Told
from shelfwise.rank.ranker import Ranker
from shelfwise.schemas.queries import Expected, Query


def predicted(ranker: Ranker) -> tuple[str, ...]:
    """What may be weighed: the model's objectives, and revenue where purchases are among them."""
    return (*ranker.objectives, REVENUE) if "purchase" in ranker.objectives else ranker.objectives


def require_predicted(field: str, names: Iterable[str], ranker: Ranker) -> None:
    """Refuse objectives that a model does not predict.

    Raises:
        QueryError: the first of them, with the near name; `field` is where it stood.
    """
    known = predicted(ranker)
    for name in names:
        if name not in known:
            raise QueryError(
                f"this model does not predict {name!r}",
                expected=f"one of {', '.join(known)}" if known else "a model of several objectives",
                where=f"{field}.{name}",
                hint=did_you_mean(name, known)
                or (None if known else "set [rank] use = 'multi-objective' in shop.toml and train"),
                code="unknown_objective",
            )


@dataclass(frozen=True, slots=True)
class Wanted:
    """The request's weights and floors, else the scenario's, else none: then the ranker's own order stands.

    Attributes:
        weights: By objective.
        floors: By objective.
    """

    weights: dict[str, float]
    floors: dict[str, float]

    @classmethod
    def of(cls, query: Query, spec: ScenarioSpec, ranker: Ranker) -> Self:
        """From a query in its place. What a scenario's table names and the model does not predict is left out.

        Raises:
            QueryError: the request itself names an objective that the model does not predict.
        """
        require_predicted("weights", query.weights, ranker)
        require_predicted("floors", query.floors, ranker)
        known = predicted(ranker)
        weights = query.weights or {name: weight for name, weight in spec.weights.items() if name in known}
        if not any(weights.values()):
            weights = {}  # of what the scenario's table weighs, this model predicts nothing
        floors = query.floors or {name: floor for name, floor in spec.floors.items() if name in known}
        return cls(weights, floors)

    def applied(
        self, ranked: Ranked, funnel: Funnel, k: int, degraded: list[str]
    ) -> tuple[Ranked, dict[str, Expected]]:
        """In the order that is wanted, and the trade-off that it makes.

        Args:
            ranked: By the ranker's default weights.
            funnel: That ranked them.
            k: Items in the slate.
            degraded: Floors that cannot be kept together are told here.
        """
        ranker = funnel.ranker
        if not ranked.predictions.shape[1]:
            return ranked, {}
        values = Values.of(ranker.objectives, ranked.predictions, np.exp(funnel.state.log_price[ranked.rows]))
        by_default = here = values.sums(ranked.scores, k)
        weights = {name: weight for name, weight in self.weights.items() if name in values.names}
        floors = {name: floor for name, floor in self.floors.items() if name in values.names}
        if len(weights) < len(self.weights) or len(floors) < len(self.floors):
            degraded.append(
                Told(Shortfall.NO_PRICE, "no candidate has a price: what was wanted of revenue was left out")
            )
        if weights or floors:
            found = balance(values, weights or ranker.default_weights, floors, k)
            for name, share in found.missed.items():
                clause = (
                    f"the floor of {name} cannot be kept beside the others: this slate brings {share:.1%} of the best, "
                    f"{floors[name]:.1%} were asked for"
                )
                degraded.append(Told(Shortfall.FLOOR_MISSED, clause))
            here = values.sums(found.scores, k)
            ranked = ranked.by(found.scores)
        return ranked, {
            name: Expected(value=float(here[at]), by_default=float(by_default[at]), best=values.best(name, k))
            for at, name in enumerate(values.names)
        }

    def brought(
        self, ranked: Ranked, funnel: Funnel, k: int, expected: dict[str, Expected], degraded: list[str]
    ) -> dict[str, Expected]:
        """The trade-off that a slate makes which other steps put together, of the same candidates or some of them.

        Args:
            ranked: In the order that is shown.
            funnel: That ranked them.
            k: Items in the slate.
            expected: As `applied` gave it.
            degraded: Floors that these steps broke are told here.
        """
        if not expected:
            return expected
        prices = np.exp(funnel.state.log_price[ranked.rows])
        values = Values.of(funnel.ranker.objectives, ranked.predictions, prices)
        here = dict(zip(values.names, values.table[:k].sum(axis=0).tolist(), strict=True))
        for name, floor in self.floors.items():
            before = expected.get(name)
            if before is None or before.best <= 0:
                continue
            share = here.get(name, 0.0) / before.best
            if share < floor - SLACK and before.value / before.best >= floor - SLACK:
                clause = (
                    f"the place's rerankers broke the floor of {name}: this slate brings {share:.1%} of the best, "
                    f"{floor:.1%} were asked for"
                )
                degraded.append(Told(Shortfall.FLOOR_MISSED, clause))
        return {name: one.model_copy(update={"value": here.get(name, 0.0)}) for name, one in expected.items()}
