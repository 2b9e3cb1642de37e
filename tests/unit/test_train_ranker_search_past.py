"""Settings are chosen by nothing that evaluation asks about."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.catalogue import NO_TIME_MS, Catalogue
from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.datasets.training_data import TrainingData
from shelfwise.errors import StateError
from shelfwise.evaluate.run import _split  # pyright: ignore[reportPrivateUsage]
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.train.ranker_search.past import before_the_exam

N_USERS, N_ITEMS, EACH = 6, 9, 5
EVERYBODY = np.ones(N_USERS, bool)


def shop(*, first_ms: int, step_ms: int) -> TrainingData:
    users = np.repeat(np.arange(N_USERS), EACH)
    n = len(users)
    times = first_ms + step_ms * np.tile(np.arange(EACH), N_USERS)
    log = Interactions(
        users.astype(np.int32),
        (np.arange(n) % N_ITEMS).astype(np.int32),
        np.full(n, CODE_BY_KIND[EventKind.PURCHASE], np.int8),
        times.astype(np.int64),
        np.full(n, np.nan, np.float32),
        np.full(n, -1, np.int64),
        N_USERS,
        N_ITEMS,
    )
    names = [str(row) for row in range(N_ITEMS)]
    catalogue = Catalogue(
        names,
        names,
        [()] * N_ITEMS,
        [None] * N_ITEMS,
        np.full(N_ITEMS, np.nan, np.float32),
        np.full(N_ITEMS, NO_TIME_MS),
        np.ones(N_ITEMS, bool),
    )
    return TrainingData(log, catalogue, None, log.end_ms)


CONFIG = ShopConfig.model_validate({"version": 1, "behaviour": {"target": "purchase"}, "evaluate": {"test_d": 28}})


@pytest.mark.parametrize(
    ("data", "protocol"),
    [
        (shop(first_ms=1_700_000_000_000, step_ms=20 * DAY_MS), "time-split"),
        (shop(first_ms=0, step_ms=1), "leave-one-out"),
    ],
)
def test_nothing_of_the_exam_is_seen(data: TrainingData, protocol: str) -> None:
    past = before_the_exam(CONFIG, data, EVERYBODY)

    exam = _split(CONFIG, data, EVERYBODY, protocol, EventKind.PURCHASE)  # type: ignore[arg-type]
    assert len(exam.examples) == N_USERS
    seen = set(zip(past.interactions.user_rows.tolist(), past.interactions.times_ms.tolist(), strict=True))
    asked = {(one.user_row, one.situation.now_ms) for one in exam.examples}
    assert all(when < min(now for who, now in asked if who == user) for user, when in seen)
    assert len(past.interactions) == len(exam.train)


def test_a_log_as_short_as_the_exam_leaves_nothing_to_choose_by() -> None:
    with pytest.raises(StateError, match="nothing happened before the last 28 days") as raised:
        before_the_exam(CONFIG, shop(first_ms=1_700_000_000_000, step_ms=DAY_MS), EVERYBODY)
    assert raised.value.code == "no_past"
