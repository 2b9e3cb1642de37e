"""People over HTTP: found, read, page by page, with what was shown to them and what came of it."""

from __future__ import annotations

import time
from typing import Any

import pytest

pytestmark = pytest.mark.online


def send(server: Any, *events: dict[str, Any]) -> None:
    answer = server.http.post("/events", json={"events": [{"event": "view", **event} for event in events]})
    assert answer.status_code == 202 and answer.json()["refused"] == 0, answer.text


def pages(server: Any, path: str, name: str, limit: int, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: dict[str, Any] = {}
    while True:
        answer = server.http.get(path, params={"limit": limit, **params, **after})
        assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store", answer.text
        page = answer.json()
        assert len(page[name]) <= limit
        found += page[name]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


def test_people_are_found_by_the_start_of_their_id(server: Any) -> None:
    ids = ["buyer%2F", "Buyer 1", "buyer 1", "buyer 10", "buyer_2", "büyer", "買家"]
    send(server, *({"user_id": user, "item_id": "mug-red"} for user in ids))
    assert [one["user_id"] for one in pages(server, "/users", "users", 1, query="buyer")] == [
        "buyer 1",
        "buyer 10",
        "buyer%2F",
        "buyer_2",
    ]
    assert [one["user_id"] for one in pages(server, "/users", "users", 5, query="買")] == ["買家"]
    assert pages(server, "/users", "users", 5, query="%") == []
    everybody = pages(server, "/users", "users", 7, query="user-")
    assert (
        len(everybody) == 40 and everybody[0]["n_events"] == 10 and everybody[0]["first_at"] < everybody[0]["last_at"]
    )


def test_without_a_search_the_latest_and_the_most_active_come_first(server: Any) -> None:
    send(server, *({"user_id": "busy", "item_id": f"mug-{colour}"} for colour in ("red", "blue", "green") * 5))
    send(server, {"user_id": "late", "item_id": "mug-red"}, {"session_id": "browser", "item_id": "mug-red"})
    latest = server.http.get("/users", params={"limit": 3}).json()
    assert [one["user_id"] for one in latest["users"]] == ["visitor:browser", "late", "busy"]
    assert latest["users"][0]["is_visitor"] and latest["next"] is None
    assert server.http.get("/users", params={"order": "active", "limit": 1}).json()["users"][0]["user_id"] == "busy"


def test_a_person_is_told_with_interests_and_whom_they_are_like(server: Any) -> None:
    told = server.http.get("/users/user-0").json()
    assert told["kinds"] == {"purchase": 10} and told["n_read"] == 10
    kinds = told["interests"]
    assert [one["name"] for one in kinds["categories"]] == ["Kitchen > Mugs"]
    assert kinds["categories"][0] | {"last_at": None} == {
        "name": "Kitchen > Mugs",
        "share": 1.0,
        "n_events": 10,
        "n_items": 10,
        "last_at": None,
        "kinds": {"purchase": 10},
    }
    low, high = told["price_cuts"]
    assert 5 < low < high < 14
    assert sum(one["share"] for one in kinds["prices"]) == pytest.approx(1, abs=1e-3)
    # Everybody else who walked through the mugs bought the same ten.
    mugs = {f"user-{user}" for user in range(6, 40, 6)}
    alike = {one["user_id"]: one for one in told["alike"]}
    assert set(alike) == mugs
    assert all(one["n_shared"] == 10 and len(one["shared"]) == 3 and one["likeness"] > 0.9 for one in alike.values())


def test_recent_events_weigh_more(server: Any) -> None:
    old = time.time() - 90 * 86_400
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(old))
    send(server, {"user_id": "turned", "item_id": "kite-red", "timestamp": at})
    send(server, {"user_id": "turned", "item_id": "pen-red"})
    found = server.http.get("/users/turned").json()["interests"]["categories"]
    assert [(one["name"], round(one["share"], 2)) for one in found] == [("Office > Pens", 0.67), ("Toys > Kites", 0.33)]


def test_a_timeline_is_read_page_by_page(server: Any) -> None:
    colours = ["red", "blue", "green", "yellow", "black"]
    same = "2026-01-02T03:04:05.678Z"
    send(server, *({"user_id": "p/q", "item_id": f"pen-{one}", "timestamp": same, "price": 5} for one in colours))
    send(server, {"user_id": "p/q", "event": "search", "query": "<b>ink</b>", "timestamp": "2026-01-03T00:00:00Z"})
    told = pages(server, "/users/p%2Fq/events", "events", 2)
    assert [one["item_id"] for one in told] == [None, *(f"pen-{one}" for one in reversed(colours))]
    assert (told[0]["query"], told[0]["event"]) == ("<b>ink</b>", "search")
    assert (told[1]["title"], told[1]["at"], told[1]["price"]) == ("Black pen", "2026-01-02T03:04:05.678000+00:00", 5.0)


def test_what_was_shown_is_told_with_what_came_of_it(server: Any) -> None:
    slates = [server.http.post("/recommend", json={"user_id": "shown", "k": 4}).json() for _ in range(3)]
    time.sleep(1.5)  # answers are written down a second later
    first = slates[0]["items"]
    answered = {"user_id": "shown", "slate_id": slates[0]["slate_id"]}
    send(
        server,
        {**answered, "item_id": first[1]["item_id"], "event": "impression", "position": 2},
        {**answered, "item_id": first[1]["item_id"], "event": "click", "position": 2},
        {**answered, "item_id": first[1]["item_id"], "event": "purchase"},
        {**answered, "item_id": first[3]["item_id"], "event": "click"},
    )
    told = pages(server, "/users/shown/slates", "slates", 2)
    assert [one["slate_id"] for one in told] == [one["slate_id"] for one in reversed(slates)]
    assert told[2]["outcomes"] == {"click": 2, "purchase": 1} and told[0]["outcomes"] == {}
    assert [one["outcomes"] for one in told[2]["items"]] == [{}, {"click": 1, "purchase": 1}, {}, {"click": 1}]
    assert [one["item_id"] for one in told[2]["items"]] == [one["item_id"] for one in first]


@pytest.mark.parametrize("path", ["/users/nobody", "/users/nobody/events", "/users/nobody/slates"])
def test_nobody_is_told_of(server: Any, path: str) -> None:
    answer = server.http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_user")


def test_who_was_erased_is_neither_found_nor_told_of(server: Any) -> None:
    send(server, {"user_id": "gone", "item_id": "mug-red"})
    assert server.http.get("/users/gone").status_code == 200
    assert server.http.delete("/users/gone").status_code == 200
    assert server.http.get("/users/gone").status_code == 404
    found = [*pages(server, "/users", "users", 200, query="visitor:"), *pages(server, "/users", "users", 200)]
    assert not [one for one in found if "erased" in one["user_id"]]


@pytest.mark.parametrize("after", ["x", "cjE6MTc", "cDE6WzEsICJhIl0", "cDE6WyJcdWQ4MDAiXQ"])
def test_a_cursor_of_another_list_is_refused(server: Any, after: str) -> None:
    answer = server.http.get("/users/user-0/events", params={"after": after})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")
    answer = server.http.get("/users", params={"query": "u", "after": after})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")
