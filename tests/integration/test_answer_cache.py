"""Answers that are given again: the same as made anew, and ended at once by whatever would change them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shelfwise.pipeline.answer_cache import AnswerCache
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.items import Item
from shelfwise.schemas.queries import Query, Slate
from shelfwise.store import catalogue, event_log, rule_versions
from shelfwise.store.event_log import EventRow
from shelfwise.testing.opened_shop import QUICK, opened_shop
from shelfwise.testing.small_shop import small_shop


def opened(folder: Path, **document: object) -> Recommender:
    recommender, _ = opened_shop(folder, small_shop(), {**QUICK, **document})
    recommender.kept = AnswerCache(60.0, 10_000_000)
    return recommender


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Recommender]:
    recommender = opened(tmp_path)
    yield recommender
    recommender._records.close()


def asked(shop: Recommender, **query: object) -> Slate:
    return shop.recommend(Query.model_validate({"k": 8, **query}))


def told(slate: Slate) -> object:
    return slate.model_dump(exclude={"slate_id"})


def hits(shop: Recommender) -> int:
    assert shop.kept is not None
    return shop.kept.n_hits


def test_who_did_nothing_since_is_given_the_same_under_a_name_of_its_own(shop: Recommender) -> None:
    first, again = asked(shop, user_id="user-3"), asked(shop, user_id="user-3")
    assert hits(shop) == 1
    assert told(again) == told(first)
    assert again.slate_id != first.slate_id
    shop.kept = None
    assert told(asked(shop, user_id="user-3")) == told(first)


def test_strangers_share_an_answer_and_nobody_else_does(shop: Recommender) -> None:
    first = asked(shop)
    assert told(asked(shop, user_id="nobody")) == told(asked(shop, session_id="s")) == told(first)
    assert hits(shop) == 2
    for other in ({"user_id": "user-3"}, {"user_id": "user-4"}, {"k": 5}, {"scenario": "item", "items": ["item-3"]}):
        asked(shop, **other)
    assert hits(shop) == 2


def test_an_event_of_the_user_ends_it(shop: Recommender) -> None:
    before = asked(shop, user_id="user-3")
    with shop._records.write() as connection:
        code, now_ms = CODE_BY_KIND[EventKind.PURCHASE], event_log.newest_ms(connection) + 1
        event_log.append(connection, [EventRow(b"e" * 16, "user-3", "item-77", code, now_ms)], None)
    after = asked(shop, user_id="user-3")
    assert hits(shop) == 0
    assert told(after) != told(before)


def test_a_changed_item_and_a_rule_end_it_for_everybody(shop: Recommender) -> None:
    best = asked(shop).items[0].item_id
    with shop._records.write() as connection:
        catalogue.delete(connection, best)
    second = asked(shop)
    assert best not in {item.item_id for item in second.items}
    hidden = second.items[0].item_id
    with shop._records.write() as connection:
        rules = {"version": 1, "rules": {"hide": {"block": f'item_id = "{hidden}"'}}}
        rule_versions.put(connection, rules, author="somebody")
    assert hidden not in {item.item_id for item in asked(shop).items}
    assert hits(shop) == 0
    asked(shop)  # by rules, which may read the clock: made anew
    assert hits(shop) == 0


def test_an_item_that_is_encoded_ends_it(shop: Recommender) -> None:
    shop.live.encodes_at_once = False
    with shop._records.write() as connection:
        catalogue.upsert(connection, [Item(item_id="fresh", title="Thing 1 of set 1", category="Set 1")])
    asked(shop)
    asked(shop)
    assert hits(shop) == 1
    [waiting] = shop.live.pending.values()
    shop.live.encoded([waiting], shop.live.encode_many([waiting.entry.item]))
    asked(shop)
    assert hits(shop) == 1


def test_what_is_drawn_is_drawn_anew(tmp_path: Path) -> None:
    exploring = {
        "rerank": {"try": {"use": "epsilon", "share": 0.9}},
        "scenarios": {"home": {"rerank": ["try"]}},
    }
    shop = opened(tmp_path, **exploring)
    lists = {tuple(item.item_id for item in asked(shop).items) for _ in range(12)}
    assert len(lists) > 3
    assert hits(shop) == 0
    shop._records.close()


def test_it_is_bounded_and_forgets_what_is_old() -> None:
    cache: AnswerCache[str] = AnswerCache(0.05, 20_000)
    for number in range(100):
        cache.put(str(number).encode(), f"answer {number}", 10)
    assert cache.n_bytes <= 20_000
    assert cache.get(b"99") == "answer 99"
    assert cache.get(b"0") is None
    cache.put(b"99", "another", 1)
    assert cache.get(b"99") == "another"
    time.sleep(0.06)
    assert cache.get(b"99") is None
    assert (cache.n_hits, cache.n_misses) == (2, 2)
