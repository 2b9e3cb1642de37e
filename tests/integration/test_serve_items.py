"""A real server: the catalogue changes while it serves."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import pytest

pytestmark = pytest.mark.online


def shown(server: Any, **query: Any) -> list[str]:
    return [item["item_id"] for item in server.http.post("/recommend", json={"k": 200, **query}).json()["items"]]


def similar(server: Any, item_id: str, k: int = 10) -> list[str]:
    answer = server.http.get(f"/items/{quote(item_id, safe='')}/similar", params={"k": k})
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


def test_a_new_item_is_recommendable_within_a_second(server: Any) -> None:
    started = time.perf_counter()
    item = {"title": "Red mug", "description": "ceramic cup for coffee and tea", "category": "Kitchen > Mugs"}
    answer = server.http.put("/items/mug-new", json=item)
    assert (answer.status_code, answer.json()["status"]) == (201, "new")
    assert "mug-new" in shown(server, user_id="somebody")
    # The same text as another item's: each is the other's nearest.
    assert similar(server, "mug-red", 1) == ["mug-new"]
    assert "mug-red" in similar(server, "mug-new", 3)
    assert "mug-new" in shown(server, scenario="item", items=["mug-red"])
    assert time.perf_counter() - started < 1

    events = {"user_id": "early", "item_id": "mug-new", "event": "purchase"}
    assert server.http.post("/events", json=events).status_code == 202
    assert "mug-new" not in shown(server, user_id="early")


def test_an_item_comes_back_as_it_was_sent(server: Any) -> None:
    item = {
        "title": "Grün",
        "price": 3.5,
        "currency": "EUR",
        "created_at": "2024-05-01T12:00:00+02:00",
        "attributes": {"size": "L"},
    }
    server.http.put("/items/as-sent", json=item).raise_for_status()
    found = server.http.get("/items/as-sent").json()
    assert found["created_at"] == "2024-05-01T10:00:00+00:00"
    assert {name: found[name] for name in item if name != "created_at"} == {
        name: value for name, value in item.items() if name != "created_at"
    }
    assert server.http.put("/items/as-sent", json=item).json()["status"] == "unchanged"
    changed = server.http.put("/items/as-sent", json={**item, "available": False})
    assert (changed.status_code, changed.json()["status"]) == (200, "changed")
    assert "as-sent" not in shown(server)


@pytest.mark.parametrize(
    "item_id", ["a/b", "ünï côdé ☕", "x/similar", "100%", "a?b#c", "..", "%2F", "a b+c", "/lead", "trail/"]
)
def test_any_text_is_an_id(server: Any, item_id: str) -> None:
    path = f"/items/{quote(item_id, safe='').replace('.', '%2E')}"
    assert server.http.put(path, json={"title": f"Thing {item_id}"}).status_code == 201
    assert server.http.get(path).json()["item_id"] == item_id
    assert server.http.get(f"{path}/similar").status_code == 200
    assert item_id in shown(server)
    assert server.http.delete(path).status_code == 204
    assert server.http.get(path).status_code == 404


def test_a_slash_may_stay_a_slash(server: Any) -> None:
    assert server.http.put("/items/shelf/7", json={"title": "Seven"}).status_code == 201
    assert server.http.get("/items/shelf%2F7").json()["title"] == "Seven"
    assert server.http.get("/items/shelf/7/similar").status_code == 200


def test_a_deleted_item_is_gone_at_once_and_may_come_back(server: Any) -> None:
    assert "kite-red" in shown(server)
    assert server.http.delete("/items/kite-red").status_code == 204
    assert "kite-red" not in shown(server)
    assert "kite-red" not in similar(server, "kite-blue", 60)
    trending = server.http.get("/trending", params={"k": 200}).json()["items"]
    assert "kite-red" not in {item["item_id"] for item in trending}
    assert server.http.get("/items/kite-red").status_code == 404
    assert server.http.delete("/items/kite-red").status_code == 404
    assert server.http.put("/items/kite-red", json={"title": "Red kite"}).json()["status"] == "new"
    assert "kite-red" in shown(server)


def test_many_at_once(server: Any) -> None:
    items = [{"item_id": f"bulk-{number}", "title": f"Blue pen {number}"} for number in range(100)]
    sent = [*items, {"item_id": "bulk-0", "title": "the last of an id counts"}, {"title": "no id"}, 7]
    answer = server.http.post("/items", json={"items": sent})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["new"], body["refused"]) == (101, 2)
    assert [one["status"] for one in body["items"][-2:]] == ["refused", "refused"]
    assert body["items"][-2]["errors"][0]["field"] == "item_id"
    assert server.http.get("/items/bulk-0").json()["title"] == "the last of an id counts"
    assert set(similar(server, "bulk-50", 60)) & {f"bulk-{number}" for number in range(100)}
    again = server.http.post("/items", json=items[1:])
    assert again.json()["unchanged"] == 99
    only_wrong = server.http.post("/items", json=[{"title": "no id"}])
    assert (only_wrong.status_code, only_wrong.json()["code"]) == (422, "all_refused")


def test_an_item_whose_text_is_taken_away_is_alike_by_it_no_more(server: Any) -> None:
    """Patched, and as part of an import of many lines."""
    lamp = {"description": "warm light for desk and bedside", "category": "Home > Lamps"}
    for number in range(4):
        server.http.put(f"/items/bare-{number}", json={"title": "Green lamp", **lamp}).raise_for_status()
    bare = {f"bare-{number}" for number in range(4)}
    assert bare - {"bare-0"} <= set(similar(server, "bare-0"))
    started = time.perf_counter()
    emptied = {"title": None, "description": None, "category": None}
    server.http.patch("/items/bare-0", json=emptied).raise_for_status()
    assert similar(server, "bare-0") == []
    assert "bare-0" not in similar(server, "bare-1")
    assert time.perf_counter() - started < 1
    lines = "".join(f'{{"item_id": "bare-{number}"}}\n' for number in (1, 2))
    packed = {"Content-Type": "application/x-ndjson"}
    assert '"changed":2' in server.http.post("/items", content=lines, headers=packed).text
    assert similar(server, "bare-1") == similar(server, "bare-2") == []
    assert not bare & set(similar(server, "bare-3", 60))


def test_the_body_names_no_other_item(server: Any) -> None:
    answer = server.http.put("/items/one", json={"item_id": "two", "title": "x"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "other_item"


def test_a_time_that_cannot_be_kept_is_refused(server: Any) -> None:
    answer = server.http.put("/items/old", json={"created_at": "0001-01-01T00:00:00+10:00"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "created_at"
