"""Every place of the shop gives what it is for, says what it could not, and refuses what cannot be meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.interactions import DAY_MS
from shelfwise.datasets.training_data import TrainingData
from shelfwise.errors import QueryError
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.candidates import History
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.queries import Query, Slate
from shelfwise.store import event_log
from shelfwise.store.event_log import EventRow
from shelfwise.testing.basket_shop import basket_shop, partner
from shelfwise.testing.opened_shop import opened_shop
from shelfwise.testing.small_shop import GROUP_SIZE, N_ITEMS

Ask = Callable[..., Slate]


def kind(item_id: str) -> int:
    return int(item_id.removeprefix("item-")) // GROUP_SIZE


def ids(slate: Slate) -> list[str]:
    return [item.item_id for item in slate.items]


def opened(folder: Path, data: TrainingData) -> Recommender:
    return opened_shop(folder, data)[0]


@pytest.fixture(scope="module")
def recommender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recommender]:
    found = opened(tmp_path_factory.mktemp("places"), basket_shop())
    yield found
    found._records.close()


@pytest.fixture(scope="module")
def ask(recommender: Recommender) -> Ask:
    return lambda **query: recommender.recommend(Query(**query))


class TestItem:
    def test_alternatives_are_of_the_same_kind_and_near_in_price(self, ask: Ask) -> None:
        slate = ask(scenario="item", items=["item-34"], relation="alternatives", k=9)
        assert {kind(item_id) for item_id in ids(slate)} == {3}
        assert "item-34" not in ids(slate)
        assert slate.degraded == []
        prices = [abs(np.log((1 + int(item_id[-1])) / 5)) for item_id in ids(slate)]
        assert np.corrcoef(prices, range(9))[0, 1] > 0.8
        assert all(item.reason == "Similar to “Thing 4 of set 3”" for item in slate.items)

    def test_complements_are_of_another_and_no_alternative(self, ask: Ask) -> None:
        slate = ask(scenario="item", items=["item-34"], relation="complements", k=5)
        assert ids(slate)[0] == f"item-{partner(34)}"
        assert slate.items[0].reason == "Shoppers bought this together with “Thing 4 of set 3”"
        alternatives = ask(scenario="item", items=["item-34"], relation="alternatives", k=9)
        assert not set(ids(slate)) & set(ids(alternatives))

    def test_without_a_relation_it_is_what_it_was(self, ask: Ask) -> None:
        assert len(ids(ask(scenario="item", items=["item-34"], k=5))) == 5

    def test_who_asks_changes_no_relation(self, ask: Ask) -> None:
        for relation in ("alternatives", "complements"):
            query: dict[str, Any] = {"scenario": "item", "items": ["item-52"], "relation": relation}
            stranger, known = ask(**query), ask(**query, user_id="user-3")
            assert set(ids(known)) <= set(ids(stranger))  # less what the user had, where repeats are not shown

    def test_an_unknown_item_has_no_relations_and_the_answer_says_so(self, ask: Ask) -> None:
        slate = ask(scenario="item", items=["gone"], relation="complements", k=3)
        assert len(slate.items) == 3
        assert "none of the context items is known" in slate.degraded[1]


class TestCart:
    @pytest.mark.parametrize("scenario", ["cart", "checkout"])
    def test_every_item_in_it_is_completed(self, ask: Ask, scenario: str) -> None:
        slate = ask(scenario=scenario, items=["item-34", "item-52"], k=4)
        assert {f"item-{partner(34)}", f"item-{partner(52)}"} <= set(ids(slate))
        assert slate.items[0].sources[0] == "basket"

    def test_bundles_hold_no_two_of_a_kind(self, ask: Ask) -> None:
        slate = ask(scenario="cart", items=["item-34", "item-52", "item-11"], bundle=True, k=5)
        assert slate.items == []
        assert slate.bundles
        assert [bundle.position for bundle in slate.bundles] == list(range(1, len(slate.bundles) + 1))
        scores = [bundle.score for bundle in slate.bundles]
        assert scores == sorted(scores, reverse=True)
        shown = [item.item_id for bundle in slate.bundles for item in bundle.items]
        assert len(set(shown)) == len(shown)
        for bundle in slate.bundles:
            kinds = [kind(item.item_id) for item in bundle.items]
            assert 2 <= len(kinds) <= 3
            assert len({*kinds, 3, 5, 1}) == len(kinds) + 3
        best = {item.item_id for item in slate.bundles[0].items}
        assert len(best & {f"item-{partner(row)}" for row in (34, 52, 11)}) >= 2


class TestCategory:
    def test_only_that_category_and_the_users_own_order(self, ask: Ask) -> None:
        slates = [ask(scenario="category", category="Room 1", user_id=user, k=10) for user in ("user-1", "user-2")]
        for slate in slates:
            assert {kind(item_id) for item_id in ids(slate)} <= {2, 3}
            assert len(slate.items) == 10
        assert ids(slates[0]) != ids(slates[1])

    def test_an_empty_category(self, ask: Ask) -> None:
        assert ask(scenario="category", category="Cellar").items == []


class TestBrand:
    def test_brands_for_a_user_each_with_a_reason(self, ask: Ask, recommender: Recommender) -> None:
        slate = ask(scenario="brand", user_id="user-7", k=3)
        assert slate.items == []
        assert [entry.position for entry in slate.brands] == [1, 2, 3]
        scores = [entry.score for entry in slate.brands]
        assert scores == sorted(scores, reverse=True)
        assert sum(scores) <= 1 + 1e-6
        log = basket_shop().interactions
        bought = set(log.item_rows[log.user_rows == 7].tolist())
        for entry in slate.brands:
            assert {f"Brand {int(item.item_id[5:]) % 4}" for item in entry.items} == {entry.brand}
            own = sum(f"Brand {row % 4}" == entry.brand for row in bought)
            if own:
                assert entry.reason == f"You bought {f'{own} of its items' if own > 1 else 'one of its items'}"
            else:
                assert entry.reason.startswith("Its “")

    def test_a_brands_items(self, ask: Ask) -> None:
        slate = ask(scenario="brand", brand="Brand 2", user_id="user-7", k=6)
        assert len(slate.items) == 6
        assert {int(item_id[5:]) % 4 for item_id in ids(slate)} == {2}
        assert slate.brands == []

    def test_a_brand_that_the_shop_does_not_have(self, ask: Ask) -> None:
        slate = ask(scenario="brand", brand="Brand 9")
        assert slate.items == []
        assert "no item of this shop" in slate.degraded[0]


class TestTrending:
    def test_what_rises_comes_before_what_sells(self, tmp_path: Path) -> None:
        found = opened(tmp_path, basket_shop())
        for _ in range(12):
            found.live.observe("item-79", found.model.log_end_ms)
        slate = found.recommend(Query(scenario="trending", k=5))
        assert ids(slate)[0] == "item-79"
        assert slate.items[0].sources[0] == "trending"
        assert slate.items[0].reason == "Shoppers bought this more lately than before"
        under = found.recommend(Query(scenario="trending", category="Room 0", k=5))
        assert {kind(item_id) for item_id in ids(under)} <= {0, 1}
        assert found.trending(5)[0].item_id == "item-79"
        found._records.close()

    def test_what_the_trends_leave_open_is_filled_and_said(self, ask: Ask) -> None:
        slate = ask(scenario="trending", k=20)
        assert len(slate.items) == 20
        assert any("'trending' named" in note for note in slate.degraded)


class TestEmail:
    @staticmethod
    def impressions(found: Recommender, user: str, item_ids: list[str], days_ago: float, scenario: str) -> None:
        time_ms = found.clock.now_ms() - int(days_ago * DAY_MS)
        with found._records.write() as connection:
            event_log.append(
                connection,
                [
                    EventRow(
                        f"{scenario}{user}{item_id}{days_ago}".encode()[-16:].rjust(16),
                        user,
                        item_id,
                        CODE_BY_KIND[EventKind.IMPRESSION],
                        time_ms,
                        scenario=scenario,
                    )
                    for item_id in item_ids
                ],
                None,
            )

    def test_what_the_last_mails_showed_rests(self, tmp_path: Path) -> None:
        found = opened(tmp_path, basket_shop())
        first = ids(found.recommend(Query(scenario="email", user_id="user-5")))
        assert len(first) == 6
        self.impressions(found, "user-5", first[:4], 2, "email")
        self.impressions(found, "user-5", first[4:5], 40, "email")  # long ago
        self.impressions(found, "user-5", first[5:], 2, "home")  # elsewhere
        second = ids(found.recommend(Query(scenario="email", user_id="user-5", k=60)))
        assert not set(second) & set(first[:4])
        assert set(first[4:]) <= set(second)
        assert ids(found.recommend(Query(scenario="email", user_id="user-6")))  # whom they were not shown
        histories = iter([("user-5", History.empty()), ("user-6", History.empty())])
        lists = {one.user_id: one for one in found.recommend_all(histories, "email", 50)}
        rows = {found.catalogue.row(item_id) for item_id in first[:4]}
        assert not rows & set(lists["user-5"].rows.tolist())
        assert rows & set(lists["user-6"].rows.tolist())
        found._records.close()


class TestRefused:
    @pytest.mark.parametrize(
        ("query", "code", "message"),
        [
            ({"scenario": "category"}, "missing", "scenario 'category' needs category"),
            ({"scenario": "checkout"}, "missing", "scenario 'checkout' needs items"),
            ({"scenario": "cart", "bundle": True}, "missing", "bundle is asked of no items"),
            ({"scenario": "item", "relation": "complements"}, "missing", "relation is asked of no items"),
            (
                {"scenario": "home", "items": ["item-3"], "relation": "alternatives"},
                "no_such_relation",
                "scenario 'home' has no alternatives",
            ),
            ({"scenario": "email", "items": ["item-3"], "bundle": True}, "no_such_relation", "has no complements"),
            (
                {"scenario": "item", "items": ["item-3"], "bundle": True, "relation": "alternatives"},
                "bad_query",
                "a bundle of alternatives",
            ),
        ],
    )
    def test_what_cannot_be_meant(self, ask: Ask, query: dict[str, Any], code: str, message: str) -> None:
        with pytest.raises(QueryError, match=message) as caught:
            ask(**query)
        assert caught.value.code == code
        assert caught.value.http_status == 422

    def test_nobody_can_be_asked_for_everybodys_category(self, recommender: Recommender) -> None:
        with pytest.raises(QueryError, match="needs category"):
            list(recommender.recommend_all(iter([]), "category", 3))


PLACES: list[dict[str, Any]] = [
    {"scenario": "home"},
    {"scenario": "category", "category": "Room 1"},
    {"scenario": "item", "items": ["item-34"]},
    {"scenario": "item", "items": ["item-34"], "relation": "alternatives"},
    {"scenario": "item", "items": ["item-34"], "relation": "complements"},
    {"scenario": "item", "items": ["item-34"], "bundle": True},
    {"scenario": "cart"},
    {"scenario": "cart", "items": ["item-34", "item-52"]},
    {"scenario": "checkout", "items": ["item-34"], "bundle": True},
    {"scenario": "brand"},
    {"scenario": "brand", "brand": "Brand 1"},
    {"scenario": "trending"},
    {"scenario": "email"},
]


def bare(data: TrainingData, *, events: EventKind | None, categories: bool, brands: bool) -> TrainingData:
    log, known = data.interactions, data.catalogue
    if events is None:
        moments = np.arange(len(log), dtype=np.int64)  # an order and no clock
        log = replace(log, times_ms=moments)
    else:
        log = replace(log, kinds=np.full(len(log), CODE_BY_KIND[events], np.int8))
    known = replace(
        known,
        paths=known.paths if categories else [()] * N_ITEMS,
        brands=known.brands if brands else [None] * N_ITEMS,
        prices=known.prices if brands else np.full(N_ITEMS, 1.0, np.float32),
    )
    return replace(data, interactions=log, catalogue=known, now_ms=log.end_ms)


@pytest.fixture(scope="module", params=["views", "nameless", "order-only"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    data = {
        "views": bare(basket_shop(), events=EventKind.VIEW, categories=True, brands=True),
        "nameless": bare(basket_shop(), events=EventKind.PURCHASE, categories=False, brands=False),
        "order-only": bare(basket_shop(), events=None, categories=False, brands=True),
    }[request.param]
    found = opened(tmp_path_factory.mktemp(request.param), data)
    yield request.param, found
    found._records.close()


class TestPoorShops:
    """Without purchases, categories, brands or a clock every place answers, and says what it lacks."""

    @pytest.mark.parametrize("user", ["user-3", "nobody"])
    def test_every_place_answers_or_says_why_not(self, shop: Any, user: str) -> None:
        name, found = shop
        for query in PLACES:
            slate = found.recommend(Query(user_id=user, k=4, **query))
            answered = slate.items or slate.bundles or slate.brands
            assert answered or slate.degraded, (query, slate)
        related = found.recommend(Query(scenario="item", items=["item-34"], relation="complements", k=4))
        bundled = found.recommend(Query(scenario="cart", items=["item-34"], bundle=True, k=4))
        branded = found.recommend(Query(scenario="brand", user_id=user, k=4))
        trends = found.recommend(Query(scenario="trending", k=4))
        if name == "views":
            assert "nothing is known to be bought together" in related.degraded[-1]
            assert bundled.bundles == []
            assert bundled.degraded
        if name == "nameless":
            assert "no category" in related.degraded[0]
            assert bundled.bundles == []
            assert "no category" in bundled.degraded[0]
            assert "brand" in branded.degraded[0]
            assert branded.items
        if name == "order-only":
            assert any("'trending' named" in note for note in trends.degraded)
            assert "no clock" in found.recommend(Query(scenario="email", user_id=user)).degraded[0]


STEPS = {
    "rerank": {"apart": {"use": "window", "by": "category", "at_most": 1, "window": 4}},
    "scenarios": {"home": {"k": 12, "rerank": ["apart"]}, "plain": {"k": 12}},
}


def test_the_steps_of_a_place_make_its_slate_and_say_what_they_did(recommender: Recommender) -> None:
    document = recommender.model.config.model_dump(mode="json", exclude_none=True)
    stepped = Recommender(
        replace(recommender.model, config=ShopConfig.model_validate(document | STEPS)), recommender._records
    )
    user = "user-0"
    made, plain = (stepped.recommend(Query(user_id=user, scenario=name)) for name in ("home", "plain"))
    kinds = [kind(item_id) for item_id in ids(made)]
    assert all(len(set(kinds[start : start + 4])) == 4 for start in range(3))
    assert [item.position for item in made.items] == list(range(1, 13))
    moved = [item for item in made.items if item.steps]
    assert moved and all(sentence.startswith("apart: moved up") for item in moved for sentence in item.steps)
    assert not any(item.steps for item in plain.items)
    at_home = list(stepped.recommend_all(iter([(user, History.empty())]), "home", 12))
    kinds = [kind(stepped.catalogue.item_ids[row]) for row in at_home[0].rows]
    assert all(len(set(kinds[start : start + 4])) == 4 for start in range(3))


def test_diversity_is_refused_where_no_step_trades_it(recommender: Recommender) -> None:
    with pytest.raises(QueryError, match="does not trade relevance for diversity"):
        recommender.recommend(Query(diversity=0.5, scenario="cart", items=["item-34"]))
