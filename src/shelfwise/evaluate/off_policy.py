"""What the shop would have earned without exploring, told from the answers that it logged.

Only slates of policies that draw can tell: whoever never tries anything learns nothing of what he did not show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import select

from shelfwise.errors import StateError
from shelfwise.metrics.arrays import Float64s
from shelfwise.metrics.off_policy import (
    PolicyValue,
    doubly_robust,
    effective_slates,
    inverse_propensity,
    running_weights,
    self_normalised,
)
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.store import slate_log
from shelfwise.store.records import Records
from shelfwise.store.slate_log import LoggedSlate
from shelfwise.store.tables import events

DOUBT = 20.0
"""Times that an item has to be shown until its own rate of rewards counts as much as everybody's."""


@dataclass(frozen=True, slots=True)
class ShownSlates:
    """Logged slates as arrays; positions that a slate does not have hold 0, and 1 as chance.

    Attributes:
        rows: Items shown; shape `(B, J)`.
        best: What would have stood there without drawing, given the items above; shape `(B, J)`.
        propensities: Chance of what stood there; shape `(B, J)`.
        rewards: How often it was rewarded; shape `(B, J)`.
        has: 1 where the slate has the position; shape `(B, J)`.
    """

    rows: npt.NDArray[np.int32]
    best: npt.NDArray[np.int32]
    propensities: Float64s
    rewards: Float64s
    has: Float64s

    @classmethod
    def of(cls, slates: Sequence[LoggedSlate], rewarded: dict[str, dict[int, float]]) -> ShownSlates:
        """From the log.

        Args:
            slates: Logged.
            rewarded: Reward by item row, by slate.
        """
        shape = (len(slates), max((len(one.rows) for one in slates), default=0))
        rows, best = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        propensities, rewards, has = np.ones(shape), np.zeros(shape), np.zeros(shape)
        for line, one in enumerate(slates):
            n = len(one.rows)
            rows[line, :n], best[line, :n], propensities[line, :n], has[line, :n] = (
                one.rows,
                one.best,
                one.propensities,
                1.0,
            )
            for place, row in enumerate(one.rows.tolist()):
                rewards[line, place] = rewarded.get(one.slate_id, {}).get(row, 0.0)
        return cls(rows, best, propensities, rewards, has)

    def without_drawing(self) -> Float64s:
        """The chance with which the order alone would have put each item where it stood; shape `(B, J)`."""
        return np.where(self.has > 0, (self.rows == self.best).astype(np.float64), 1.0)


@dataclass(frozen=True, slots=True)
class OffPolicyReport:
    """What policies are worth, per slate.

    Attributes:
        reward: Kind of event that is counted.
        n_slates: Logged slates.
        n_drawn: Of these, the slates in which something else stands than without drawing.
        n_rewards: Rewards of these slates.
        logged: What the shop's policy brought, exploring included.
        without_exploring: What its order alone would have brought, by estimator.
        effective_slates: How many slates of the order alone the log is worth.
        largest_weight: Of a slate; large ones make estimates unsteady.
    """

    reward: str
    n_slates: int
    n_drawn: int
    n_rewards: int
    logged: PolicyValue
    without_exploring: dict[str, PolicyValue]
    effective_slates: float
    largest_weight: float

    def as_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)


def off_policy(
    records: Records, *, reward: EventKind = EventKind.CLICK, scenario: str | None = None, n: int = 100_000
) -> OffPolicyReport:
    """Judge the shop's own order by its log.

    Args:
        records: The shop's.
        reward: Events of this kind that carry a slate's id count for the item in it, once each.
        scenario: Only of this place; None: of all.
        n: Latest slates at most.

    Raises:
        StateError: no slates are logged, nothing was drawn in them, or no event answers any.
    """
    with records.read() as connection:
        slates = slate_log.latest(connection, n, scenario)
        answers = connection.execute(
            select(events.c.slate_id, events.c.item_row).where(
                events.c.slate_id.is_not(None), events.c.item_row.is_not(None), events.c.kind == CODE_BY_KIND[reward]
            )
        ).fetchall()
    rewarded: dict[str, dict[int, float]] = {}
    for slate_id, row in answers:
        rewarded.setdefault(slate_id, {})[row] = 1.0
    shown = ShownSlates.of(slates, rewarded)
    _require_telling(shown, reward)
    return judged(shown, reward.value)


def judged(shown: ShownSlates, reward: str, *, n_resamples: int = 1_000) -> OffPolicyReport:
    """What the order alone would have brought, by three estimators.

    Args:
        shown: At least one slate.
        reward: What is counted.
        n_resamples: Of the bootstrap.
    """
    target = shown.without_drawing()
    weights = running_weights(target, shown.propensities)
    of_logged, of_target = expected_rewards(shown)
    final = weights[np.arange(len(weights)), np.maximum(shown.has.sum(axis=1).astype(np.intp) - 1, 0)]
    return OffPolicyReport(
        reward,
        len(shown.rows),
        int(((shown.rows != shown.best) & (shown.has > 0)).any(axis=1).sum()),
        int(np.count_nonzero(shown.rewards)),
        inverse_propensity(shown.rewards, np.ones_like(weights), n_resamples=n_resamples),
        {
            "inverse propensity": inverse_propensity(shown.rewards, weights, n_resamples=n_resamples),
            "self-normalised": self_normalised(shown.rewards, weights, shown.has, n_resamples=n_resamples),
            "doubly robust": doubly_robust(shown.rewards, weights, of_logged, of_target, n_resamples=n_resamples),
        },
        effective_slates(weights, shown.has),
        float(final.max(initial=0.0)),
    )


def expected_rewards(shown: ShownSlates, *, n_folds: int = 2) -> tuple[Float64s, Float64s]:
    """What a plain model expects of the items shown, and of those that the order alone would show; shapes `(B, J)`.

    An item is worth its own rate of rewards, drawn towards everybody's while it was shown seldom, times what its
    position does to rewards. Each slate is judged by the others: of its own fold, nothing is used.
    """
    n, length = shown.rows.shape
    of_logged, of_target = np.zeros((n, length)), np.zeros((n, length))
    n_items = int(max(shown.rows.max(initial=0), shown.best.max(initial=0))) + 1
    folds = np.arange(n) % n_folds
    for fold in range(n_folds):
        others, own = folds != fold, folds == fold
        if not others.any():
            continue
        has, rewards, rows = shown.has[others], shown.rewards[others], shown.rows[others]
        rate = rewards.sum() / max(has.sum(), 1.0)
        by_position = (rewards.sum(axis=0) + DOUBT * rate) / (has.sum(axis=0) + DOUBT)
        lift = by_position / rate if rate > 0 else np.ones(length)
        expected = np.bincount(rows.ravel(), (has * lift).ravel(), n_items)  # times shown, in average positions
        found = np.bincount(rows.ravel(), rewards.ravel(), n_items)
        by_item = (found + DOUBT * rate) / (expected + DOUBT)
        of_logged[own] = by_item[shown.rows[own]] * lift * shown.has[own]
        of_target[own] = by_item[shown.best[own]] * lift * shown.has[own]
    return of_logged, of_target


def _require_telling(shown: ShownSlates, reward: EventKind) -> None:
    if not len(shown.rows):
        raise StateError(
            "no slates are logged",
            where="serve.log_slates",
            hint="serve with `log_slates = true` for a while",
            code="no_slates",
        )
    if not (shown.propensities < 1).any():
        raise StateError(
            f"nothing was drawn in {len(shown.rows):,} logged slates: they tell of no other policy than their own",
            where="rerank",
            hint="let a scenario explore: [rerank.explore] use = 'thompson', and its name in the scenario's `rerank`",
            code="nothing_drawn",
        )
    if not shown.rewards.any():
        raise StateError(
            f"no {reward.value} event answers any of {len(shown.rows):,} logged slates",
            expected="events that carry the `slate_id` of the answer",
            hint="send it back with events, or count another kind: `--reward purchase`",
            code="no_rewards",
        )
