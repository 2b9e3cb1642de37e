"""`GET /insight/…` of real servers: what was done is told, of all processes together, and of nobody in particular."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.online

NOW = datetime.now(UTC)


def soon(found: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + 20
    while not found():
        assert time.monotonic() < ends_at
        time.sleep(0.1)


def told(server: Any, path: str, **params: Any) -> Any:
    answer = server.http.get(f"/insight/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def send(server: Any, events: list[dict[str, Any]]) -> None:
    for start in range(0, len(events), 1_000):
        answer = server.http.post("/events", json=events[start : start + 1_000])
        assert answer.status_code == 202 and answer.json()["refused"] == 0, answer.text


def viewed(user: str, item: str, days_ago: float, **more: Any) -> dict[str, Any]:
    at = (NOW - timedelta(days=days_ago)).isoformat()
    return {
        "event_id": f"{user}-{item}-{days_ago}",
        "user_id": user,
        "item_id": item,
        "event": "view",
        "timestamp": at,
        **more,
    }


def test_what_all_processes_do_is_told_together_and_outlives_them(serve: Any, tiny_shop: Path) -> None:
    with serve(tiny_shop, workers=2) as server:
        assert told(server, "traffic")["counted_since"] is None
        for place in range(12):
            body = {"user_id": f"user-{place}"} if place < 9 else {"scenario": "item", "items": ["none-such"]}
            # A connection of its own each, so that both processes are asked.
            assert server.http.post("/recommend", json=body, headers={"Connection": "close"}).status_code == 200
        assert server.http.get("/items/none-such").status_code == 404
        send(
            server,
            [
                viewed("a", "mug-red", 0),
                viewed("b", "mug-red", 0),
                {"session_id": "s", "event": "search", "query": "mug"},
            ],
        )
        server.http.post("/events", json={"user_id": "a", "item_id": "none-such", "event": "view"})
        soon(lambda: told(server, "traffic")["now"]["requests"]["n"] == 15)
        first = told(server, "traffic")
    with serve(tiny_shop) as server:
        found = told(server, "traffic")
    assert found["now"] == first["now"]
    now = found["now"]
    assert (now["answers"]["n"], now["degraded"], now["refused"], now["failed"]) == (12, 3, 2, 0)
    assert (now["events"], now["refused_events"]) == (3, 1)
    assert 0 < now["answers"]["p50_ms"] <= now["answers"]["p95_ms"] <= now["answers"]["p99_ms"] <= 10_000
    assert [(one["scenario"], one["answers"]["n"], one["degraded"]) for one in found["scenarios"]] == [
        ("home", 9, 0),
        ("item", 3, 3),
    ]
    assert {one["route"]: one["requests"]["n"] for one in found["routes"]} == {
        "POST /v1/recommend": 12,
        "POST /v1/events": 2,
        "GET /v1/items/{item_id}": 1,
    }
    assert {one["kind"]: one["n"] for one in found["events"]} == {"view": 2, "search": 1}
    assert {"kind": "unknown_item", "n": 3} in found["shortfalls"]
    assert found["before"] is None  # nobody counted yet: there is nothing to compare with
    assert sum(found["steps"]["answers"]) == 12 and 96 <= len(found["steps"]["answers"]) <= 98
    assert "user-" not in str(found) and "mug-red" not in str(found)


def test_what_came_of_answers(server: Any) -> None:
    slates = [server.http.post("/recommend", json={"user_id": f"user-{place}", "k": 5}).json() for place in range(8)]
    slates += [
        server.http.post("/recommend", json={"scenario": "item", "items": ["mug-red"], "k": 5}).json() for _ in range(2)
    ]

    def about(slate: dict[str, Any], place: int, kind: str) -> dict[str, Any]:
        item = slate["items"][place]["item_id"]
        return {
            "user_id": "user-1",
            "item_id": item,
            "event": kind,
            "slate_id": slate["slate_id"],
            "position": place + 1,
        }

    send(
        server,
        [
            about(slates[0], 0, "click"),
            about(slates[0], 1, "click"),  # the same answer: clicked once
            about(slates[1], 0, "click"),
            about(slates[1], 0, "purchase"),
            about(slates[8], 2, "click"),
            about(slates[2], 0, "impression"),
            about(slates[0], 2, "view"),
            {"user_id": "user-1", "item_id": "mug-red", "event": "click"},  # answers nothing
        ],
    )
    soon(lambda: told(server, "outcomes")["looked_at"] == 10)
    found = told(server, "outcomes")
    assert found["is_kept"] and found["is_all"]
    assert (found["now"]["clicked"]["n"], found["now"]["carted"]["n"], found["now"]["bought"]["n"]) == (3, 0, 1)
    home, item = found["scenarios"]
    assert (home["scenario"], home["now"]["clicked"]["share"], home["now"]["bought"]["share"]) == ("home", 0.25, 0.125)
    assert home["now"]["clicked"]["low"] < 0.25 < home["now"]["clicked"]["high"]
    assert (item["scenario"], item["now"]["clicked"]["share"]) == ("item", 0.5)
    assert [one for one in found["click_share"] if one is not None] == [0.3]
    shown = {one["item_id"] for slate in slates for one in slate["items"]}
    assert (found["coverage"]["shown"], found["coverage"]["items"]) == (len(shown), 60)
    assert found["before"] is None


def test_how_fresh_it_is(server: Any) -> None:
    version = server.http.get("/health/ready").json()["model_version"]
    send(server, [viewed("fresh", "mug-blue", 0)])
    server.http.put("/items/new-mug", json={"title": "A mug of tomorrow"})
    soon(lambda: told(server, "state")["item_changed_at"] is not None)
    found = told(server, "state")
    server.http.delete("/items/new-mug")
    assert (found["model"]["version"], found["model"]["n_items"], found["model"]["new_items"]) == (version, 60, 1)
    assert (found["model"]["waiting_events"], found["items"], found["is_replay"]) == (0, 61, False)
    age = datetime.fromisoformat(found["now"]) - datetime.fromisoformat(found["newest_event_at"])
    assert timedelta(0) <= age < timedelta(minutes=5)
    for at in (found["event_came_at"], found["item_changed_at"]):
        assert timedelta(0) <= datetime.now(UTC) - datetime.fromisoformat(at) < timedelta(minutes=3)


def test_what_rises_and_falls_beyond_chance(server: Any) -> None:
    events: list[dict[str, Any]] = []
    for place in range(60):
        # As many people turn to ten pens in both weeks; one more pen and one less are what changed.
        events += [viewed(f"t{place}", f"pen-{colour}", 2 + 7 * (place % 2)) for colour in ("white", "grey", "black")]
        events += [viewed(f"t{place}", "pen-red", 1 if place < 50 else 9)]
        events += [viewed(f"t{place}", "pen-blue", 9 if place < 50 else 1)]
    events += [viewed("wholesaler", "pen-white", 1 + place / 1_000) for place in range(300)]  # one of them, no crowd
    send(server, events)
    found = told(server, "trends", days=7)
    assert [one["what"]["item_id"] for one in found["rising"]] == ["pen-red"]
    assert [one["what"]["item_id"] for one in found["falling"]] == ["pen-blue"]
    red = found["rising"][0]
    # Some of the shop's own customers bought one too.
    assert 50 <= red["people"] < 60 and 10 <= red["people_before"] < 20
    assert red["ratio"] == red["people"] / red["people_before"] and 1 < red["low"] < red["ratio"] < red["high"]
    assert len(red["steps"]) == 14 and sum(red["steps"][7:]) == red["people"]
    by_category = told(server, "trends", days=7, by="category")
    assert by_category["n_groups"] == 6 and by_category["rising"] == []
    assert told(server, "trends", days=7, by="brand")["n_groups"] == 0
    earlier = told(server, "trends", days=7, as_of=(NOW - timedelta(days=6)).isoformat())
    assert "pen-blue" in {one["what"]["item_id"] for one in earlier["rising"]}
    bought = told(server, "trends", days=7, of="purchase")
    assert bought["rising"] == []


def test_what_arrived(server: Any) -> None:
    made = {"title": "Tent", "category": "Outdoors", "price": 99.0}
    arrivals = {"tent-hot": 3, "tent-warm": 4, "tent-cold": 5, "tent-old": 90}
    for item_id, days in arrivals.items():
        sent = {**made, "created_at": (NOW - timedelta(days=days)).isoformat()}
        assert server.http.put(f"/items/{item_id}", json=sent).status_code == 201
    server.http.put("/items/tent-untold", json=made)
    send(server, [viewed(f"n{place}", "tent-hot", 1) for place in range(12)])
    send(server, [viewed(f"n{place}", "tent-hot", 0.5, event="purchase", event_id=f"b{place}") for place in range(2)])
    send(
        server,
        [viewed(f"n{place}", name, 1) for place in range(3) for name in ("tent-warm", "tent-old", "tent-untold")],
    )
    found = told(server, "arrivals", days=28)
    by_id = {one["what"]["item_id"]: one for one in found["arrivals"] if "tent" in one["what"]["item_id"]}
    assert next(iter(by_id)) == "tent-hot" and set(by_id) == {"tent-hot", "tent-untold", "tent-warm", "tent-cold"}
    hot = by_id["tent-hot"]
    assert (hot["people"], hot["buyers"], hot["people_a_week"], hot["arrived_by"]) == (12, 2, 12.0, "created_at")
    assert hot["by_median"] > 1 and sum(hot["steps"]) >= 12
    assert by_id["tent-untold"]["arrived_by"] == "first_event"
    assert by_id["tent-cold"]["people"] == 0 and found["n_unnoticed"] >= 1
    for item_id in (*arrivals, "tent-untold"):
        server.http.delete(f"/items/{item_id}")


def test_what_is_searched_for_and_not_found(server: Any) -> None:
    searches = {"Red  Mug": 4, "ZEPPELIN": 3, "red zeppelin": 3, "my name is jane doe": 2, "<script>x</script>": 3}
    send(
        server,
        [
            {
                "user_id": f"s{place}",
                "event": "search",
                "query": query,
                "timestamp": (NOW - timedelta(days=1)).isoformat(),
            }
            for query, n in searches.items()
            for place in range(n)
        ],
    )
    send(server, [{"user_id": "s0", "event": "search", "query": "red mug"}])
    found = told(server, "searches")
    most = {one["term"]: one for one in found["most"]}
    assert (most["red mug"]["searches"], most["red mug"]["people"], most["red mug"]["found"]) == (5, 4, "all_words")
    assert next(one["term"] for one in found["most"]) == "red mug"
    assert {one["term"]: one["found"] for one in found["without_results"]} == {
        "zeppelin": "nothing",
        "red zeppelin": "some_words",
        "<script>x</script>": "nothing",
    }
    assert found["untold"] == 1 and "jane" not in str(found)
    assert "my name is jane doe" in str(told(server, "searches", least_people=2))


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("traffic", {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "bad_query"),
        ("traffic", {"step": 77}, "bad_query"),
        ("traffic", {"from": "2026-01-01T00:00:00Z", "to": "2026-03-01T00:00:00Z", "step": 60}, "bad_query"),
        ("outcomes", {"from": "0001-01-01T00:00:00Z"}, "bad_query"),
        ("traffic", {"from": "2021-01-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"}, "too_long"),
        ("trends", {"as_of": "9999-12-31T23:59:59Z"}, "bad_query"),
        ("trends", {"by": "colour"}, "invalid"),
        ("searches", {"days": 0}, "invalid"),
    ],
)
def test_what_cannot_be_told_is_refused(server: Any, path: str, params: dict[str, Any], code: str) -> None:
    answer = server.http.get(f"/insight/{path}", params=params)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["code"] == code
