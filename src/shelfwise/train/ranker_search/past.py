"""What settings may be chosen by: nothing that an evaluation of them asks about."""

from __future__ import annotations

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.interactions import target_kind
from shelfwise.datasets.splits import cut_before_end, leave_one_out
from shelfwise.datasets.training_data import TrainingData
from shelfwise.errors import StateError
from shelfwise.schemas.ids import Bools


def before_the_exam(config: ShopConfig, data: TrainingData, users: Bools) -> TrainingData:
    """The shop before the days that `shelfwise evaluate` holds out; without a clock, without the events it holds out.

    Raises:
        StateError: nothing is left.
    """
    log = data.interactions
    if log.has_clock:
        cut_ms = cut_before_end(log, config.evaluate.test_d)
        past = data.with_interactions(log.before(cut_ms), cut_ms)
    else:
        target = target_kind(log, config.behaviour.target)
        past = data.with_interactions(leave_one_out(log, target, users).train)
    if not len(past.interactions):
        raise StateError(
            f"nothing happened before the last {config.evaluate.test_d:g} days, which `shelfwise evaluate` asks about",
            where="evaluate.test_d",
            hint="ingest a longer log, or set [evaluate] test_d to a smaller number of days",
            code="no_past",
        )
    return past
