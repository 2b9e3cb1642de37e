"""Histories in a real Redis: never a wrong answer, whatever becomes of it, and nothing that tells whose they are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.errors import ConfigError
from shelfwise.pipeline.recent_interest import RecentInterest
from shelfwise.schemas.candidates import History
from shelfwise.store.history_cache import HistoryCache
from shelfwise.store.marks import Marks
from shelfwise.store.records import Records
from shelfwise.testing.own_redis import OwnRedis, own_redis

pytestmark = pytest.mark.online

NOW = Marks(events=40, items=7, rules=0, erasures=1, scenarios=0)


@pytest.fixture(scope="module")
def server() -> Iterator[OwnRedis]:
    with own_redis() as made:
        yield made


@pytest.fixture
def redis(server: OwnRedis) -> OwnRedis:
    server.client.flushall()
    return server


@pytest.fixture
def cache(redis: OwnRedis, tmp_path: Path) -> Iterator[HistoryCache]:
    records = Records.open("sqlite:///shop.db", tmp_path)
    opened = HistoryCache.open(redis.url, records, 60)
    yield opened
    opened.close()
    records.close()


def history(n: int = 3) -> History:
    return History(
        np.arange(n, dtype=np.int32),
        np.full(n, 6, np.int8),
        1_700_000_000_000 + np.arange(n, dtype=np.int64),
        5,
        np.arange(n, dtype=np.int8),
    )


def test_what_is_kept_is_what_was_read(cache: HistoryCache) -> None:
    cache.put("somebody", history(), "v1", NOW)
    kept = cache.get("somebody", "v1", NOW._replace(events=99))
    assert kept is not None
    assert kept.events == 40
    for name in ("rows", "kinds", "times_ms", "scenarios"):
        np.testing.assert_array_equal(getattr(kept.history, name), getattr(history(), name))
    assert kept.history.user_row == 5


def test_another_model_another_erasure_and_another_user_find_nothing(cache: HistoryCache, redis: OwnRedis) -> None:
    cache.put("somebody", history(), "v1", NOW)
    assert cache.get("somebody", "v2", NOW) is None
    assert cache.get("somebody", "v1", NOW._replace(erasures=2)) is None
    assert cache.get("somebody else", "v1", NOW) is None
    (key,) = redis.client.keys("*")
    assert b"somebody" not in key
    assert 0 < redis.client.ttl(key) <= 60
    for broken in (b"", b"short", bytes(500)):
        redis.client.set(key, broken)
        assert cache.get("somebody", "v1", NOW) is None
    assert cache.forget("somebody")
    assert redis.client.dbsize() == 0


def test_a_redis_that_is_away_is_left_alone_for_a_while(cache: HistoryCache, redis: OwnRedis) -> None:
    cache.put("somebody", history(), "v1", NOW)
    redis.stop()
    try:
        assert cache.get("somebody", "v1", NOW) is None
        began = time.perf_counter()
        for _ in range(200):
            cache.put("somebody", history(), "v1", NOW)
            assert cache.get("somebody", "v1", NOW) is None
        assert time.perf_counter() - began < 0.5  # nobody waits for it again and again
        assert not cache.forget("somebody")
    finally:
        redis.start()


@pytest.mark.parametrize("url", ["no address", "http://127.0.0.1:6379", "redis://:${NOT_SET_ANYWHERE}@host"])
def test_what_is_no_redis_is_told(url: str, tmp_path: Path) -> None:
    records = Records.open("sqlite:///shop.db", tmp_path)
    with pytest.raises(ConfigError) as told:
        HistoryCache.open(url, records, 60)
    records.close()
    assert told.value.where == "store.cache"


def test_who_did_something_since_is_known() -> None:
    recent = RecentInterest(10)
    recent.note("ann", 12)
    assert not recent.is_whole("bob", 9)  # before this began to look
    assert recent.is_whole("bob", 10)
    assert not recent.is_whole("ann", 11)
    assert recent.is_whole("ann", 12)


def answers(server: Any, user: str) -> list[str]:
    answer = server.http.post("/recommend", json={"user_id": user, "k": 8})
    assert answer.status_code == 200, answer.text
    assert not [line for line in answer.json()["degraded"] if "store" in line]
    return [item["item_id"] for item in answer.json()["items"]]


def test_servers_share_it_and_every_event_is_in_the_next_answer(tiny_shop: Path, serve: Any, redis: OwnRedis) -> None:
    with (tiny_shop / "shop.toml").open("a") as file:
        file.write(f'[store]\ncache = "{redis.url}"\n[serve]\nanswers_kept_s = 0\n')

    def bought(server: Any, item: str) -> None:
        event = {"user_id": "private-ann", "item_id": item, "event": "purchase"}
        server.http.post("/events", json=event).raise_for_status()

    with serve(tiny_shop) as one, serve(tiny_shop) as other:
        stranger = answers(one, "private-ann")
        bought(one, "kite-red")
        first = answers(other, "private-ann")
        assert first != stranger
        assert "kite-red" not in first
        assert redis.client.dbsize() == 1
        assert answers(one, "private-ann") == answers(other, "private-ann") == first
        bought(other, "kite-blue")
        for server in (one, other, one):
            assert not {"kite-red", "kite-blue"} & set(answers(server, "private-ann"))
        hits = [line for line in numbers(one) if line.startswith('shelfwise_histories_total{found="kept"}')]
        assert float(hits[0].split()[-1]) >= 1
        redis.client.flushall()
        bought(one, "kite-green")
        assert "kite-green" not in answers(other, "private-ann")
        redis.stop()
        try:
            bought(other, "kite-yellow")
            for server in (one, other):
                assert "kite-yellow" not in answers(server, "private-ann")
        finally:
            redis.start()
        time.sleep(5.5)  # as long as it is left alone
        before = answers(one, "private-ann")
        assert redis.client.dbsize() == 1
        one.http.delete("/users/private-ann").raise_for_status()
        assert redis.client.dbsize() == 0
        for server in (one, other):
            assert answers(server, "private-ann") == stranger != before
        assert not [key for key in redis.client.keys("*") if b"ann" in key]


def numbers(server: Any) -> list[str]:
    time.sleep(0.5)
    return server.http.get(str(server.http.base_url.copy_with(path="/metrics"))).text.splitlines()
