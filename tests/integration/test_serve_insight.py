"""Items from all sides: neighbours, where they were shown and what came of it, and what is wrong with the catalogue."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.online


def test_neighbours_stand_side_by_side(server: Any) -> None:
    told = server.http.get("/items/mug-red/insight", params={"k": 5}).json()
    assert told["item"]["title"] == "Red mug" and told["has_model"]
    texts = told["neighbours"]["text"]
    assert len(texts) == 5 and "mug-red" not in {one["item_id"] for one in texts}
    assert all(0 < one["likeness"] <= 1 for one in texts)
    assert [one["likeness"] for one in texts] == sorted((one["likeness"] for one in texts), reverse=True)
    assert told["neighbours"]["picture"] is None


def test_what_was_predicted_and_what_came(server: Any) -> None:
    slates = [server.http.post("/recommend", json={"session_id": f"s{n}", "k": 3}).json() for n in range(8)]
    item = slates[0]["items"][1]["item_id"]
    places = [one["item_id"] for one in slates[0]["items"]]
    assert all([one["item_id"] for one in slate["items"]] == places for slate in slates)
    time.sleep(1.5)  # answers are written down a second later
    for slate in slates[:2]:
        for kind in ("impression", "click", "view"):
            sent = {"session_id": "s0", "item_id": item, "event": kind, "slate_id": slate["slate_id"]}
            assert (
                server.http.post("/events", json={**sent, "event_id": f"{slate['slate_id']}{kind}"}).status_code == 202
            )
    showings = server.http.get(f"/items/{item}/insight").json()["showings"]
    assert (showings["n_shown"], showings["positions"]) == (8, [0, 8]) and showings["n_looked_through"] >= 8
    assert showings["places"] == [
        {"scenario": "home", "n_shown": 8, "mean_position": 2.0, "outcomes": {"click": 2, "cart": 0, "purchase": 0}}
    ]
    click = showings["rates"][0]
    assert (click["objective"], click["n"], click["actual"]) == ("click", 2, 0.25)
    assert 0 < click["low"] < 0.25 < click["high"] < 1
    assert click["predicted"] is None  # this shop's ranker predicts no clicks
    never = server.http.get("/items/kite-violet/insight").json()["showings"]
    assert never["n_shown"] == 0 and never["rates"][0]["actual"] is None


def test_an_item_that_is_not_there_is_a_problem(server: Any) -> None:
    answer = server.http.get("/items/none-such/insight")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_item")


def put(server: Any, item_id: str, **fields: Any) -> None:
    item = {"title": item_id, "description": "long enough to be read by anybody", "category": "Faults", "price": 5}
    sent = {**item, **fields}
    answer = server.http.put(
        f"/items/{item_id}", json={name: value for name, value in sent.items() if value is not None}
    )
    assert answer.status_code == 201, answer.text


def test_what_is_wrong_with_the_catalogue(tiny_shop: Path, serve: Any) -> None:
    (tiny_shop / "images").mkdir()
    (tiny_shop / "images" / "page.png").write_text("<html>")
    with serve(tiny_shop) as server:
        before = server.http.get("/catalogue/warnings").json()
        assert before["n_items"] == 60 and before["counts"]["no_picture"] == 60 and before["n_without"] == 60
        assert before["items"] == [] and before["counts"]["duplicate"] == 0
        faults = {
            "no_title": {"title": None},
            "not_available": {"available": False},
            "picture_missing": {"image": "nobody.jpg"},
            "picture_unreadable": {"image": "page.png"},
            "no_description": {"description": None},
            "short_description": {"description": "Red."},
            "no_price": {"price": None},
            "no_category": {"category": None},
            "lone_category": {"category": "Fautls"},
        }
        for kind, fields in faults.items():
            put(server, kind, **fields)
        for number in range(12):
            put(server, f"usual-{number}", price=4 + number / 4)
        put(server, "price_outlier", price=499)
        put(server, "twin-1", title="The  same", price=3)
        put(server, "twin-2", title="the same", price=3)
        put(server, "variant-1", title="Variants", group_id="g", price=3)
        put(server, "variant-2", title="Variants", group_id="g", price=3)
        found = server.http.get("/items/price_outlier/insight").json()["findings"]
        assert found == []  # looked through less than half a minute ago
    with serve(tiny_shop) as server:
        counts = server.http.get("/catalogue/warnings").json()["counts"]
        for kind in [*faults, "price_outlier"]:
            page = server.http.get("/catalogue/warnings", params={"kind": kind}).json()["items"]
            assert [one["item_id"] for one in page] == [kind] and kind in page[0]["kinds"] and counts[kind] == 1
        twins = server.http.get("/catalogue/warnings", params={"kind": "duplicate", "limit": 1}).json()
        assert [one["item_id"] for one in twins["items"]] == ["twin-1"]
        params = {"kind": "duplicate", "limit": 1, "after": twins["next"]}
        rest = server.http.get("/catalogue/warnings", params=params).json()
        assert [one["item_id"] for one in rest["items"]] == ["twin-2"] and rest["next"] is None
        told = {one["kind"]: one for one in server.http.get("/items/twin-2/insight").json()["findings"]}
        assert [one["item_id"] for one in told["duplicate"]["items"]] == ["twin-1"] and "no_picture" in told
        far = {one["kind"]: one for one in server.http.get("/items/price_outlier/insight").json()["findings"]}
        assert 4 < far["price_outlier"]["usual"] < 7
