"""A real server: what is acknowledged is stored once, and is in the next answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytestmark = pytest.mark.online


def slate(server: Any, **query: Any) -> list[str]:
    answer = server.http.post("/recommend", json=query)
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert [item["position"] for item in items] == list(range(1, len(items) + 1))
    return [item["item_id"] for item in items]


def purchase(user_id: str, item_id: str, **more: Any) -> dict[str, Any]:
    return {"user_id": user_id, "item_id": item_id, "event": "purchase", **more}


def n_events(server: Any) -> int:
    return int(server.http.get("/health/ready").json()["events"])


def test_an_acknowledged_event_is_in_the_next_answer(server: Any) -> None:
    before = slate(server, user_id="walker", k=60)
    assert "pen-green" in before
    answer = server.http.post("/events", json=purchase("walker", "pen-green"))
    assert answer.status_code == 202
    assert answer.json() == {
        "stored": 1,
        "already_stored": 0,
        "refused": 0,
        "events": [{"status": "stored", "errors": []}],
    }
    after = slate(server, user_id="walker", k=60)
    assert "pen-green" not in after
    # In this shop everybody buys the next colour of the same thing.
    assert after.index("pen-yellow") < 5 < before.index("pen-yellow")
    shown = server.http.post("/recommend", json={"user_id": "walker", "k": 5}).json()
    assert any("Green pen" in item["reason"] for item in shown["items"])
    assert shown["degraded"] == []


def test_every_event_of_a_walk_is_followed_at_once(server: Any) -> None:
    had: list[str] = []
    for colour in ("red", "blue", "green", "yellow", "black"):
        server.http.post("/events", json=purchase("follower", f"kite-{colour}")).raise_for_status()
        had.append(f"kite-{colour}")
        assert not set(had) & set(slate(server, user_id="follower", k=60))


def test_a_visitor_is_followed_by_session(server: Any) -> None:
    event = {"session_id": "tab-1", "item_id": "mug-red", "event": "view"}
    server.http.post("/events", json=event).raise_for_status()
    found = slate(server, session_id="tab-1", k=3)
    assert all(item_id.startswith("mug-") for item_id in found[:2])


@pytest.mark.parametrize("query", [{"user_id": "nobody-knows-me"}, {}, {"session_id": "new-tab"}])
def test_a_stranger_gets_a_full_slate(server: Any, query: dict[str, str]) -> None:
    found = slate(server, **query, k=10)
    assert len(set(found)) == 10


def test_an_event_is_stored_once(server: Any) -> None:
    at = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    by_id = purchase("twice", "boot-red", event_id="order-77-line-1")
    by_content = purchase("twice", "boot-blue", timestamp=at)
    start = n_events(server)
    assert server.http.post("/events", json=[by_id, by_content]).json()["stored"] == 2
    again = server.http.post("/events", json={"events": [by_id, by_content, by_id]}).json()
    assert (again["stored"], again["already_stored"]) == (0, 3)
    # The id alone identifies: another content under it is the same event.
    assert server.http.post("/events", json={**by_id, "price": 9.0}).json()["already_stored"] == 1
    assert n_events(server) == start + 2


def test_two_clicks_without_id_and_time_are_two(server: Any) -> None:
    click = {"user_id": "clicker", "item_id": "boot-red", "event": "click"}
    assert server.http.post("/events", json=[click, click]).json()["stored"] == 2


def test_what_is_wrong_is_refused_and_the_rest_stored(server: Any) -> None:
    now = datetime.now(UTC)
    sent = [
        purchase("mixed", "mug-red"),
        purchase("mixed", "no-such-item"),
        purchase("mixed", "mug-blue", timestamp=(now + timedelta(days=2)).isoformat()),
        purchase("mixed", "mug-green", timestamp="1994-12-31T23:00:00Z"),
        {"user_id": "mixed", "event": "purchase"},
        "no event",
        purchase("mixed", "mug-black", position=2**40),
        {"session_id": "s" * 256, "item_id": "mug-red", "event": "view"},
        {"user_id": "mixed", "event": "search", "query": "warm scarf"},
    ]
    answer = server.http.post("/events", json=sent)
    assert answer.status_code == 202
    body = answer.json()
    assert (body["stored"], body["refused"]) == (2, 7)
    found = [(one["status"], one["errors"][0]["code"] if one["errors"] else None) for one in body["events"]]
    assert found == [
        ("stored", None),
        ("refused", "unknown_item"),
        ("refused", "impossible_time"),
        ("refused", "impossible_time"),
        ("refused", "value_error"),
        ("refused", "model_type"),
        ("refused", "less_than_equal"),
        ("refused", "too_long"),
        ("stored", None),
    ]
    assert "mug-red" not in slate(server, user_id="mixed", k=60)
    assert "mug-blue" in slate(server, user_id="mixed", k=60)


def test_all_refused_is_an_error_that_lists_them(server: Any) -> None:
    answer = server.http.post("/events", json=[purchase("u", "nope"), {"user_id": "u", "event": "jump"}])
    assert answer.status_code == 422
    body = answer.json()
    assert body["code"] == "all_refused"
    assert [error["field"] for error in body["errors"]] == ["0.item_id", "1.event"]


def test_many_writers_at_once_lose_nothing(server: Any) -> None:
    start = n_events(server)

    def send(number: int) -> int:
        event = purchase(f"crowd-{number % 7}", "lamp-red", event_id=f"crowd-{number // 2}")
        return int(server.http.post("/events", json=event).json()["stored"])

    with ThreadPoolExecutor(16) as pool:
        stored = sum(pool.map(send, range(200)))
    assert stored == 100 == n_events(server) - start


def test_trending_follows_events(server: Any) -> None:
    before = [item["item_id"] for item in server.http.get("/trending", params={"k": 3}).json()["items"]]
    assert "scarf-violet" not in before
    sent = [purchase(f"trend-{number}", "scarf-violet") for number in range(200)]
    assert server.http.post("/events", json=sent).json()["stored"] == 200
    top = server.http.get("/trending", params={"k": 3}).json()["items"]
    assert top[0]["item_id"] == "scarf-violet"
    under = server.http.get("/trending", params={"k": 50, "category": "Kitchen"}).json()["items"]
    assert {item["item_id"].split("-")[0] for item in under} == {"mug"}


def test_context_filters_and_exclusions_hold(server: Any) -> None:
    found = slate(server, scenario="item", items=["lamp-blue"], category="Home", exclude=["lamp-green"], k=8)
    assert found and all(item_id.startswith("lamp-") for item_id in found)
    assert not {"lamp-blue", "lamp-green"} & set(found)


def test_an_unknown_context_item_degrades_and_says_so(server: Any) -> None:
    answer = server.http.post("/recommend", json={"items": ["gone"], "scenario": "item"})
    assert answer.status_code == 200
    assert "gone" in answer.json()["degraded"][0]


def test_alternatives_are_of_the_same_kind(server: Any) -> None:
    found = slate(server, scenario="item", items=["kite-blue"], relation="alternatives", k=5)
    assert len(found) == 5
    assert all(item_id.startswith("kite-") for item_id in found)


def test_a_shop_that_never_sold_two_things_at_once_says_so(server: Any) -> None:
    asked = {"scenario": "item", "items": ["kite-blue"], "relation": "complements", "k": 5}
    answer = server.http.post("/recommend", json=asked).json()
    assert not any(item["item_id"].startswith("kite-") for item in answer["items"])
    assert "nothing is known to be bought together" in answer["degraded"][0]
    bundled = server.http.post("/recommend", json={"scenario": "cart", "items": ["kite-blue"], "bundle": True}).json()
    assert bundled["items"] == bundled["bundles"] == []
    assert bundled["degraded"] == ["no set of items is known to go together and with the context items"]
