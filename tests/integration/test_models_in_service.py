"""A model version on disk, in service: what it says, and how it follows what happens after its training."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from shelfwise import Shop
from shelfwise.errors import QueryError, UnknownError
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.items import Item
from shelfwise.schemas.queries import Query
from shelfwise.store import catalogue, event_log
from shelfwise.store.event_keys import event_key
from shelfwise.store.event_log import EventRow


@pytest.fixture
def shop(tiny_shop: Path) -> Iterator[Shop]:
    with Shop.open(tiny_shop) as opened:
        yield opened


def ids(slate: object) -> list[str]:
    return [item.item_id for item in slate.items]  # type: ignore[attr-defined]


def bought(shop: Shop, user: str, *items: str) -> None:
    now_ms = int(time.time() * 1_000)
    with shop.records.write() as connection:
        event_log.append(
            connection,
            [
                EventRow(event_key(f"{user} {item}", ()), user, item, CODE_BY_KIND[EventKind.PURCHASE], now_ms + n)
                for n, item in enumerate(items)
            ],
            None,
        )


def put(shop: Shop, item: Item) -> None:
    with shop.records.write() as connection:
        catalogue.upsert(connection, [item])


def test_an_event_is_in_the_next_answer(shop: Shop) -> None:
    before = ids(shop.recommend("newcomer", k=5))
    bought(shop, "newcomer", "kite-red", "kite-blue")
    after = ids(shop.recommend("newcomer", k=5))
    assert after != before
    assert all(item.startswith("kite-") for item in after[:3]), after
    assert not {"kite-red", "kite-blue"} & set(after)


def test_an_item_that_came_after_training_is_recommended_beside_its_kind(shop: Shop) -> None:
    put(
        shop,
        Item(item_id="late", title="Red mug", description="ceramic cup for coffee and tea", category="Kitchen > Mugs"),
    )
    slate = shop.recommend(None, scenario="item", k=20, items=["mug-red"])
    assert "late" in ids(slate)
    [late] = [item for item in slate.items if item.item_id == "late"]
    assert "content" in late.sources
    assert late.title == "Red mug"
    assert "late" in [item.item_id for item in shop.recommender.similar("mug-red", 5)]


def test_what_may_not_be_shown_is_not(shop: Shop) -> None:
    asked = {"user": "newcomer", "k": 60}
    bought(shop, "newcomer", "pen-red")
    assert "pen-blue" in ids(shop.recommend(**asked))  # type: ignore[arg-type]
    assert "pen-blue" not in ids(shop.recommend(**asked, exclude=["pen-blue"]))  # type: ignore[arg-type]
    in_category = ids(shop.recommend(**asked, category="Toys > Kites"))  # type: ignore[arg-type]
    assert in_category
    assert all(item.startswith("kite-") for item in in_category)
    put(shop, Item(item_id="pen-blue", title="Blue pen", available=False))
    with shop.records.write() as connection:
        catalogue.delete(connection, "pen-green")
    with Shop.open(shop.folder) as reopened:
        assert not {"pen-blue", "pen-green"} & set(ids(reopened.recommend(**asked)))  # type: ignore[arg-type]


def test_a_scenario_that_finds_too_little_asks_all_and_says_so(shop: Shop) -> None:
    # The place of a product page asks those who start from items; of a stranger none is known.
    slate = shop.recommend("nobody at all", scenario="item", k=58)
    assert slate.items
    assert "found too little: all were asked" in " ".join(slate.degraded)
    bought(shop, "newcomer", "boot-red")
    assert shop.recommend("newcomer", scenario="item", k=5).degraded == []
    assert shop.recommend("user-0", scenario="home", k=5).degraded == []


def test_loaded_from_another_place_it_answers_the_same(shop: Shop, tmp_path: Path) -> None:
    """A version is whole: it needs neither the encoder's weights nor the vectors folder."""
    users = [f"user-{n}" for n in range(6)]
    before = [[(item.item_id, item.reason) for item in shop.recommend(user, k=8).items] for user in users]
    moved = shutil.copytree(shop.folder, tmp_path / "moved")
    shutil.rmtree(moved / "vectors")
    shutil.rmtree(moved / "bert")
    with Shop.open(moved) as other:
        after = [[(item.item_id, item.reason) for item in other.recommend(user, k=8).items] for user in users]
        put(other, Item(item_id="late", title="Blue lamp"))
    with Shop.open(moved) as other:
        assert other.recommender.live.encode(Item(item_id="x", title="Blue lamp")) is not None
    assert after == before


def test_new_items_are_placed_in_the_same_space_as_those_trained(shop: Shop) -> None:
    recommender = shop.recommender
    assert recommender.model.funnel.vectors is not None
    with shop.records.read() as connection:
        stored = catalogue.get(connection, "boot-green")
    assert stored is not None
    found = recommender.live.encode(stored.item)
    kept, _ = recommender.model.funnel.vectors.take(np.array([stored.row], np.int32))
    assert found is not None
    assert float(found @ kept[0]) > 0.95  # int8 by batch and half precision lie between
    assert recommender.live.encode(Item(item_id="without any text")) is None


def test_requests_that_cannot_be_answered(shop: Shop) -> None:
    with pytest.raises(QueryError, match=r"(?s)no scenario 'hme'.*did you mean 'home'"):
        shop.recommend(scenario="hme")
    with pytest.raises(QueryError, match="user_id"):
        shop.recommend("")
    with pytest.raises(QueryError, match="k is 0"):
        shop.recommend(k=0)
    with pytest.raises(UnknownError, match=r"(?s)no item 'mug-redd'.*did you mean 'mug-red'"):
        shop.recommender.similar("mug-redd", 3)


def test_an_observed_trend_is_in_the_next_answer(shop: Shop) -> None:
    recommender = shop.recommender
    now_ms = recommender.clock.now_ms()
    for _ in range(50):
        recommender.live.observe("scarf-pink", now_ms)
    recommender.live.observe("no such item", now_ms)
    assert recommender.trending(1)[0].item_id == "scarf-pink"
    assert [item.item_id for item in recommender.trending(2, "Toys")] != []
    assert all(item.item_id.startswith("kite") for item in recommender.trending(5, "Toys"))


def test_a_visitor_is_known_by_the_session(shop: Shop) -> None:
    bought(shop, "visitor:s-1", "kite-red", "kite-blue")
    slate = shop.recommender.recommend(Query(session_id="s-1", k=3))
    assert all(item.startswith("kite-") for item in ids(slate)), ids(slate)
    assert not {"kite-red", "kite-blue"} & set(ids(slate))
