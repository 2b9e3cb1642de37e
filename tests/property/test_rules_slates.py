"""Whatever rules a shop has: nothing blocked or unavailable is shown, and no pin that may be shown is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shelfwise.pipeline.recommender import Recommender
from shelfwise.rules.fields import typed
from shelfwise.rules.parse import parse
from shelfwise.rules.plan import Request
from shelfwise.rules.rule_set import rule_set
from shelfwise.schemas.items import Item
from shelfwise.schemas.queries import Query, Slate
from shelfwise.store.catalogue import StoredItem
from shelfwise.testing.basket_shop import basket_shop
from shelfwise.testing.opened_shop import QUICK, opened_shop

COLOURS = ("red", "green", "blue")
N_RULE_SETS = int(os.environ.get("SHELFWISE_RULE_SETS", "1000"))
"""Each takes some 13 ms; 10,000 before a release."""

UNAVAILABLE = (3, 14, 15, 40, 65)

CONFIG: dict[str, Any] = {
    **QUICK,
    "rerank": {"apart": {"use": "window", "by": "category", "at_most": 1, "window": 4}, "own": {"use": "rules"}},
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recommender]:
    recommender, records = opened_shop(
        tmp_path_factory.mktemp("rules"),
        basket_shop(n_users=80),
        CONFIG,
        lambda row: {"colour": COLOURS[row % 3], "stock": str(row % 7)},
    )
    # Steps of every sort: rules first and unnamed, named, and after another step.
    scenarios = recommender.model.config.scenarios
    scenarios["home"] = scenarios["home"].model_copy(update={"rerank": ["apart"]})
    scenarios["email"] = scenarios["email"].model_copy(update={"rerank": ["apart", "own"], "rest_d": 0.0})
    stepped = Recommender(recommender.model, records)
    for row in UNAVAILABLE:
        entry = StoredItem(
            row,
            Item(
                item_id=f"item-{row}",
                category=" > ".join(recommender.catalogue.paths[row]),
                price=1.0,
                available=False,
                created_at=datetime(2020, 1, 1, tzinfo=UTC),
                attributes={"colour": COLOURS[row % 3], "stock": str(row % 7)},
            ),
            False,
        )
        stepped.live.put_item(entry, None)
    yield stepped
    records.close()


conditions = st.one_of(
    st.sampled_from(COLOURS).map(lambda colour: f'colour = "{colour}"'),
    st.integers(0, 7).map(lambda n: f"stock < {n}"),
    st.integers(0, 3).map(lambda n: f'category under "Room {n}"'),
    st.integers(0, 3).map(lambda n: f'brand = "Brand {n}" and not stock = 2'),
    st.integers(0, 79).map(lambda n: f'item_id in ("item-{n}", "item-{(n * 7) % 80}")'),
)
whens = st.sampled_from(
    ["", 'scenario = "home"', 'scenario in ("cart", "item", "trending")', 'user = "user-1"', "events > 5", "hour < 25"]
)


@st.composite
def rule_documents(draw: st.DrawFn) -> dict[str, Any]:
    action = draw(st.sampled_from(["pin", "pin", "boost", "bury", "block", "block", "require"]))
    rule: dict[str, Any] = {"enabled": draw(st.integers(0, 9)) > 0}
    if action == "pin":
        rule |= {"pin": [f"item-{draw(st.integers(0, 79))}"], "position": draw(st.integers(1, 9))}
    else:
        rule[action] = draw(conditions)
        if action in ("boost", "bury") and draw(st.booleans()):
            rule["places"] = draw(st.integers(1, 20))
    when = draw(whens)
    return rule | ({"when": when} if when else {})


queries = st.one_of(
    st.builds(
        Query,
        user_id=st.sampled_from(["user-1", "user-2", "user-30", "nobody"]),
        scenario=st.sampled_from(["home", "email", "trending", "cart", "brand"]),
        k=st.integers(1, 12),
    ),
    st.builds(
        Query,
        user_id=st.sampled_from(["user-1", None]),
        scenario=st.just("item"),
        items=st.integers(0, 79).map(lambda n: [f"item-{n}"]),
        relation=st.sampled_from([None, "alternatives", "complements"]),
        filter=st.none() | conditions,
        k=st.integers(1, 8),
    ),
    st.builds(
        Query,
        user_id=st.just("user-3"),
        scenario=st.just("cart"),
        items=st.integers(0, 79).map(lambda n: [f"item-{n}"]),
        bundle=st.just(True),
        k=st.integers(1, 4),
    ),
)


def shown(slate: Slate) -> list[str]:
    return [item.item_id for part in (slate, *slate.bundles, *slate.brands) for item in part.items]


def holding(rules: dict[str, Any], query: Query, n_events: int) -> list[dict[str, Any]]:
    """The rules that hold, told by hand."""
    truth = {
        "": True,
        'scenario = "home"': query.scenario == "home",
        'scenario in ("cart", "item", "trending")': query.scenario in ("cart", "item", "trending"),
        'user = "user-1"': query.user_id == "user-1",
        "events > 5": n_events > 5,
        "hour < 25": True,
    }
    return [rule for rule in rules.values() if rule["enabled"] and truth[rule.get("when", "")]]


@pytest.mark.timeout(3_600)
@settings(max_examples=N_RULE_SETS, suppress_health_check=list(HealthCheck))
@given(st.lists(rule_documents(), max_size=6), queries)
def test_no_rules_show_what_is_blocked_or_lose_what_is_pinned(
    shop: Recommender, documents: list[dict[str, Any]], query: Query
) -> None:
    rules = {f"rule-{place}": rule for place, rule in enumerate(documents)}
    shop.rules.use(rule_set({"rules": rules}))
    slate = shop.recommend(query)
    n_events = len(shop.asking.situation(query, []).history)
    active = holding(rules, query, n_events)
    columns, fields = shop.rules.columns, shop.rules.columns.fields()

    def matching(text: str) -> np.ndarray:
        return columns.matching(typed(parse(text, where="test"), fields, where="test"), shop.clock.now_ms())

    may = np.ones(80, bool)
    may[list(UNAVAILABLE)] = False
    for rule in active:
        if "block" in rule:
            may &= ~matching(rule["block"])
        if "require" in rule:
            may &= matching(rule["require"])
    if query.filter is not None:
        may &= matching(query.filter)
    may[[int(item_id.removeprefix("item-")) for item_id in query.items]] = False
    rows = [int(item_id.removeprefix("item-")) for item_id in shown(slate)]
    assert all(may[row] for row in rows)
    assert len(slate.items) == len({item.item_id for item in slate.items})
    is_plain = not (query.relation or query.bundle or slate.brands)
    if not is_plain:
        return
    asked = list(
        dict.fromkeys(
            int(rule["pin"][0].removeprefix("item-"))
            for rule in active
            if "pin" in rule and rule["position"] <= (query.k or 0)
        )
    )
    available = [row for row in asked if may[row]]
    assert set(available[: query.k]) <= set(rows)
    for rule in active:  # the first pin of a position has it, where the list is long enough
        if "pin" in rule and may[row := int(rule["pin"][0].removeprefix("item-"))]:
            if rule["position"] <= len(rows) == query.k:
                assert rows[rule["position"] - 1] == row
            break


def test_neighbours_and_trends_obey_blocks(shop: Recommender) -> None:
    shop.rules.use(rule_set({"rules": {"no-red": {"block": 'colour = "red"'}}}))
    for items in (shop.similar("item-1", 20), shop.trending(20)):
        assert items
        assert all(int(item.item_id.removeprefix("item-")) % 3 for item in items)
        assert not {item.item_id for item in items} & {f"item-{row}" for row in UNAVAILABLE}


def test_everybodys_lists_obey_rules_too(shop: Recommender) -> None:
    shop.rules.use(
        rule_set(
            {
                "rules": {
                    "no-red": {"block": 'colour = "red"'},
                    "hero": {"pin": "item-77", "position": 2},  # nobody ever bought it
                    "red-hero": {"pin": "item-0"},
                }
            }
        )
    )
    histories = [
        (f"user-{user}", shop.asking.situation(Query(user_id=f"user-{user}"), []).history) for user in range(20)
    ]
    found = list(shop.recommend_all(iter(histories), "home", 10))
    assert len(found) == 20
    for one in found:
        assert one.rows[1] == 77
        assert (one.rows % 3 != 0).all()


def test_a_plan_is_remembered_and_follows_the_catalogue(shop: Recommender) -> None:
    shop.rules.use(rule_set({"rules": {"low": {"block": "stock < 1"}}}))
    planner = shop.rules._planner
    assert planner is not None
    asked = Request("home", shop.clock.now_ms())
    before = planner.plan(asked)
    assert planner.plan(asked) is before
    assert before.allowed is not None and not before.allowed[7] and before.allowed[8]
    entry = StoredItem(8, Item(item_id="item-8", category="Room 0 > Set 0", attributes={"stock": "0"}), False)
    shop.live.put_item(entry, None)
    after = planner.plan(asked)
    assert after.allowed is not None and not after.allowed[8]
