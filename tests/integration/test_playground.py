"""Trying queries over HTTP: two lists of the same candidates, what is possible, and nothing of it leaves a trace."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, func, select

from shelfwise.store.records import Records
from shelfwise.store.tables import slates
from shelfwise.testing.servers import Server, serving


@pytest.fixture(scope="module")
def shop(copied_weighed_shop: Path) -> Path:
    return copied_weighed_shop


@pytest.fixture(scope="module")
def server(shop: Path) -> Iterator[Server]:
    with serving(shop) as running:
        yield running


def tried(server: Server, query: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = server.http.post("/playground", json={"query": query, **more})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def refused(server: Server, document: dict[str, Any]) -> dict[str, Any]:
    answer = server.http.post("/playground", json=document)
    assert answer.status_code == 422, answer.text
    problem: dict[str, Any] = answer.json()
    return problem


def ids(slate: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in slate["items"]]


def test_both_lists_are_those_that_shoppers_would_see(server: Server) -> None:
    query = {"user_id": "user-3", "weights": {"click": 1, "purchase": 4}, "diversity": 0.4}
    found = tried(server, query)
    assert ids(found["usual"]) == ids(server.http.post("/recommend", json={"user_id": "user-3"}).json())
    assert ids(found["tried"]) == ids(server.http.post("/recommend", json=query).json())
    assert found["tried"]["settings"] == {
        "weights": {"click": 1, "purchase": 4},
        "diversity": 0.4,
        "exploration": 0,
    }


def test_what_moved_and_what_is_expected(server: Server) -> None:
    found = tried(server, {"user_id": "user-5", "weights": {"purchase": 1}})
    usual, other = found["usual"], found["tried"]
    for one, beside in ((usual, other), (other, usual)):
        places = {item_id: place for place, item_id in enumerate(ids(beside), start=1)}
        assert [item["elsewhere"] for item in one["items"]] == [places.get(item_id) for item_id in ids(one)]
        for name in ("click", "purchase"):
            summed = sum(item["predictions"][name] for item in one["items"])
            assert one["expected"][name] == pytest.approx(summed, rel=1e-4)
    assert found["left"] == [item_id for item_id in ids(usual) if item_id not in ids(other)] != []
    assert other["expected"]["purchase"] > usual["expected"]["purchase"]
    assert other["expected"]["click"] < usual["expected"]["click"]
    assert other["expected"]["revenue"] > usual["expected"]["revenue"]
    weighable = {one["objective"]: one for one in found["weighable"]}
    assert weighable["click"]["usual"] == weighable["click"]["unit"] == 1 and weighable["purchase"]["unit"] > 0
    assert other["expected"]["purchase"] == pytest.approx(weighable["purchase"]["best"], rel=1e-4)


def test_more_diversity_is_more_distance_and_less_relevance(server: Server) -> None:
    near, far = (tried(server, {"user_id": "user-3", "diversity": one})["tried"] for one in (0.1, 0.9))
    assert far["distance"] > near["distance"] and far["relevance"] < near["relevance"] <= 1


def test_the_front_holds_the_points_that_queries_reach(server: Server) -> None:
    found = tried(server, {"user_id": "user-3"}, front=True)["front"]
    assert {found["x"], found["y"]} == {"click", "purchase"}
    for point in found["points"][::9]:
        query = {"user_id": "user-3", "weights": point["weights"], "diversity": point["diversity"]}
        expected = tried(server, query)["tried"]["expected"]
        assert (point["x"], point["y"]) == pytest.approx((expected[found["x"]], expected[found["y"]]), rel=1e-4)
    best = [point for point in found["points"] if point["is_on_front"]]
    assert len(best) >= 3
    for point in found["points"]:
        assert not any(point["x"] > one["x"] * 1.001 and point["y"] > one["y"] * 1.001 for one in best)
    other = tried(server, {"user_id": "user-3"}, front=True, trade=["revenue", "click"])["front"]
    assert (other["x"], other["y"]) == ("revenue", "click")


def test_somebody_made_up_is_answered_as_who_did_the_same(server: Server) -> None:
    did = [{"item_id": f"kites-{colour}", "event": "view"} for colour in ("red", "blue", "green")]
    answer = server.http.post("/events", json=[{**one, "user_id": "walker"} for one in did])
    assert answer.status_code == 202
    made_up = tried(server, {}, history=did)
    real = tried(server, {"user_id": "walker"})
    assert set(ids(made_up["usual"])) == set(ids(real["usual"]))
    assert sum(item_id.startswith("kites") for item_id in ids(made_up["usual"])) >= 6
    assert made_up["degraded"] == []
    unknown = tried(server, {}, history=[{"item_id": "no-such"}, *did])
    assert ids(unknown["usual"]) == ids(made_up["usual"])
    assert "'no-such' of the history is unknown" in unknown["degraded"][0]


def test_exploration_is_shown_alike_while_other_things_are_turned(server: Server) -> None:
    once, again = (tried(server, {"user_id": "user-3"}, exploration=0.6) for _ in range(2))
    assert ids(once["tried"]) == ids(again["tried"])
    assert ids(once["tried"]) != ids(once["usual"])
    assert all(0 < item["propensity"] <= 1 for item in once["tried"]["items"])


def test_nothing_is_kept_counted_or_used_up(server: Server, shop: Path) -> None:
    def count(table: Table) -> int:
        records = Records.open("sqlite:///shelfwise.db", shop)
        with records.read() as connection:
            found = connection.execute(select(func.count()).select_from(table).where(table.c.user_id == "nobody-yet"))
            n = int(found.scalar_one())
        records.close()
        return n

    def answers() -> list[str]:
        measured = server.http.get(f"http://127.0.0.1:{server.port}/metrics").text
        return [line for line in measured.splitlines() if line.startswith("shelfwise_answers")]

    before = answers()
    for exploration in (0.0, 1.0):
        tried(server, {"user_id": "nobody-yet"}, exploration=exploration, front=True)
    assert answers() == before != []
    assert server.http.get("/slates/playground").status_code == 404
    server.http.post("/recommend", json={"user_id": "nobody-yet"})  # answers are written down in their order
    for _ in range(200):
        if count(slates):
            break
        time.sleep(0.05)
    assert count(slates) == 1


def test_a_list_that_retrievers_order_is_compared_without_predictions(server: Server) -> None:
    found = tried(server, {"scenario": "cart", "items": ["mugs-red"]}, front=True)
    assert found["weighable"] == [] and found["front"] is None and len(found["usual"]["items"]) == 4
    assert found["usual"]["expected"] == {} and not found["trades_diversity"]


@pytest.mark.parametrize(
    ("document", "code", "says"),
    [
        ({"query": {"weights": {"clik": 1}}}, "unknown_objective", "clik"),
        ({"query": {"user_id": "u"}, "history": []}, "bad_request", "leave one of them out"),
        ({"query": {}, "history": [{"item_id": "mugs-red", "event": "search"}]}, "bad_request", "shows no interest"),
        ({"query": {"scenario": "brand"}}, "no_list", "brand"),
        ({"query": {"scenario": "item"}}, "missing", "needs items"),
        ({"query": {"scenario": "category", "category": "Home", "diversity": 0.5}}, "no_diversity", "does not trade"),
        ({"query": {"scenario": "item", "items": ["mugs-red"]}, "exploration": 0.1}, "no_exploration", "not explore"),
        ({"query": {"scenario": "hoem"}}, "unknown_scenario", "home"),
        ({"query": {}, "front": True, "trade": ["click", "stars"]}, "unknown_objective", "stars"),
        ({"query": {}, "trade": ["click"]}, "bad_request", "two different objectives"),
    ],
)
def test_what_cannot_be_tried_is_refused(server: Server, document: dict[str, Any], code: str, says: str) -> None:
    problem = refused(server, document)
    assert says in str(problem)
    if code != "bad_request":
        assert problem["code"] == code
