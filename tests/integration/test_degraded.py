"""Answers that go on: when the time is spent, and when the store is away."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection

from shelfwise.errors import ServiceError
from shelfwise.pipeline import asking
from shelfwise.pipeline.last_histories import LastHistories
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.candidates import History
from shelfwise.schemas.queries import Query
from shelfwise.serve.pulse import Pulse
from shelfwise.serve.writer import MAX_WAITING, Writer
from shelfwise.store.records import Records
from shelfwise.testing.opened_shop import opened_shop
from shelfwise.testing.small_shop import small_shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Recommender]:
    recommender, records = opened_shop(tmp_path, small_shop())
    yield recommender
    records.close()


def ids(recommender: Recommender, late_s: float | None, **query: object) -> tuple[list[str], list[str]]:
    slate = recommender.answer(Query.model_validate({"k": 8, **query}), late_s=late_s).slate
    return [item.item_id for item in slate.items], slate.degraded


class TestBudget:
    def test_a_request_in_time_is_answered_as_without_a_budget(self, shop: Recommender) -> None:
        assert ids(shop, 0.0, user_id="user-3") == ids(shop, None, user_id="user-3")

    def test_a_late_one_is_answered_by_what_there_was_time_for_and_says_so(self, shop: Recommender) -> None:
        found, degraded = ids(shop, 60.0, user_id="user-3")
        assert len(found) == 8
        assert "were not asked" in degraded[0] and "transitions" not in degraded[0]  # the first one was
        assert degraded[1] == "the time is spent: the retrievers' common order stands for the ranker's"

    def test_a_stranger_who_is_late_is_shown_something(self, shop: Recommender) -> None:
        found, degraded = ids(shop, 60.0)
        assert len(found) == 8 and degraded

    def test_without_a_budget_nobody_is_late(self, shop: Recommender) -> None:
        home = shop.model.config.scenarios["home"].model_copy(update={"latency_budget_ms": 0.0})
        shop.model.config.scenarios.update(home=home)
        shop.scenarios.refresh()
        assert ids(shop, 60.0, user_id="user-3")[1] == []


class Outage:
    """Lets a store be away for a while."""

    def __init__(self, records: Records) -> None:
        self._records, self._ways = records, (records.read, records.glance)

    @contextmanager
    def __call__(self) -> Generator[None]:
        @contextmanager
        def refused() -> Generator[Connection]:
            raise ServiceError("the records store refused (connection refused)")
            yield

        self._records.read = self._records.glance = refused  # type: ignore[method-assign]
        try:
            yield
        finally:
            self._records.read, self._records.glance = self._ways  # type: ignore[method-assign]


class TestStoreAway:
    def test_who_asked_before_is_still_known_and_others_are_strangers(self, shop: Recommender) -> None:
        known, _ = ids(shop, None, user_id="user-3")
        stranger, _ = ids(shop, None)
        with Outage(shop._records)():
            assert ids(shop, None, user_id="user-3") == (known, [asking.AWAY])
            assert ids(shop, None, user_id="user-4")[0] == stranger
            slate = shop.recommend(Query(scenario="email", user_id="user-3", k=3))
            assert len(slate.items) == 3

    def test_it_is_left_alone_for_a_second_and_then_read_again(
        self, shop: Recommender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Outage(shop._records)():
            ids(shop, None, user_id="user-3")
        assert ids(shop, None, user_id="user-3")[1] == [asking.AWAY]
        monkeypatch.setattr(asking, "ASK_AGAIN_S", 0.0)
        shop.asking._away_until = 0.0
        assert ids(shop, None, user_id="user-3")[1] == []


def history(n: int) -> History:
    return History(np.arange(n, dtype=np.int32), np.zeros(n, np.int8), np.arange(n, dtype=np.int64))


def test_the_longest_unasked_is_forgotten_first() -> None:
    memory = LastHistories(max_events=10)
    for user, n in (("a", 4), ("b", 4), ("a", 5), ("c", 4)):
        memory.put(user, history(n))
    assert [len(memory.of(user)) for user in ("a", "b", "c")] == [5, 0, 4]
    memory.forget("a")
    memory.forget("nobody")
    memory.put("d", history(6))
    assert [len(memory.of(user)) for user in ("a", "c", "d")] == [0, 4, 6]


def test_more_than_the_store_takes_is_refused_at_once_and_the_rest_is_done(tmp_path: Path) -> None:
    records = Records.open("sqlite:///s.db", tmp_path)
    release = threading.Event()

    async def run() -> tuple[int, int]:
        writer = Writer(records)
        first = asyncio.create_task(writer.run(lambda _: release.wait(10)))
        await asyncio.sleep(0.1)  # it is being committed
        rest = [asyncio.create_task(writer.run(lambda _: True)) for _ in range(MAX_WAITING + 50)]
        await asyncio.sleep(0.1)
        release.set()
        outcomes = await asyncio.gather(first, *rest, return_exceptions=True)
        await writer.close()
        refused = [one for one in outcomes if isinstance(one, ServiceError)]
        assert all(one.code == "busy" and one.http_status == 503 for one in refused)
        return len(refused), len(outcomes) - len(refused)

    assert asyncio.run(run()) == (50, MAX_WAITING + 1)
    records.close()


def test_the_pulse_tells_how_late_the_loop_is() -> None:
    async def run() -> tuple[float, float]:
        pulse = Pulse()
        pulse.start()
        await asyncio.sleep(0.1)
        idle = pulse.late_s
        time.sleep(0.3)  # somebody holds the loop
        await asyncio.sleep(0.01)
        late = pulse.late_s
        await pulse.stop()
        return idle, late

    idle, late = asyncio.run(run())
    assert late > 0.25 > idle
