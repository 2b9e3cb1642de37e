"""A real server: the catalogue page by page, in parts, under conditions, and line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

pytestmark = pytest.mark.online

LINES = {"Content-Type": "application/x-ndjson"}


def test_the_catalogue_is_read_page_by_page(server: Any) -> None:
    found: list[str] = []
    after: str | None = None
    while True:
        query = {"limit": 7} | ({} if after is None else {"after": after})
        page = server.http.get("/items", params=query).json()
        found += [item["item_id"] for item in page["items"]]
        if len(found) == 14:  # what comes or goes while somebody reads moves nothing
            server.http.put("/items/late-comer", json={"title": "Late"}).raise_for_status()
            server.http.delete("/items/mug-red").raise_for_status()
        after = page["next"]
        if after is None:
            break
    assert found[0] == "mug-red" and "late-comer" in found
    assert len(found) == len(set(found)) >= 61
    assert "mug-red" not in server.http.get("/items", params={"limit": 1_000}).text
    server.http.put("/items/mug-red", json={"title": "Red mug"}).raise_for_status()


@pytest.mark.parametrize("cursor", ["x", "é", "cjE6LTE", "cjE6MTIzNDU2Nzg5MDEy", "0"])
def test_what_is_no_cursor_is_told(server: Any, cursor: str) -> None:
    answer = server.http.get("/items", params={"after": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


def test_who_has_an_item_already_is_sent_nothing(server: Any) -> None:
    answer = server.http.get("/items/mug-blue")
    tag = answer.headers["etag"]
    again = server.http.get("/items/mug-blue", headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    changed = server.http.patch("/items/mug-blue", json={"price": 3.5})
    assert changed.headers["etag"] == server.http.get("/items/mug-blue", headers={"If-None-Match": tag}).headers["etag"]


def test_a_change_of_what_somebody_else_changed_is_refused(server: Any) -> None:
    server.http.put("/items/shared", json={"title": "One"}).raise_for_status()
    tag = server.http.get("/items/shared").headers["etag"]
    assert server.http.put("/items/shared", json={"title": "Two"}, headers={"If-Match": tag}).status_code == 200
    for method, more in (("PUT", {"json": {"title": "3"}}), ("PATCH", {"json": {"title": "3"}}), ("DELETE", {})):
        answer = server.http.request(method, "/items/shared", headers={"If-Match": tag}, **more)
        assert (answer.status_code, answer.json()["code"]) == (412, "item_changed"), method
    assert server.http.get("/items/shared").json()["title"] == "Two"
    answer = server.http.put("/items/shared", json={"title": "4"}, headers={"If-None-Match": "*"})
    assert (answer.status_code, answer.json()["code"]) == (412, "item_exists")
    assert server.http.put("/items/new-one", json={}, headers={"If-None-Match": "*"}).status_code == 201
    assert server.http.put("/items/never", json={}, headers={"If-Match": "*"}).status_code == 412
    assert server.http.delete("/items/shared", headers={"If-Match": "*"}).status_code == 204


def test_of_many_who_change_what_they_saw_each_wins_once(server: Any) -> None:
    server.http.put("/items/counter", json={"attributes": {"n": "0"}}).raise_for_status()

    def add(_: int) -> None:
        while True:
            seen = server.http.get("/items/counter")
            n = int(seen.json()["attributes"]["n"]) + 1
            patch = {"attributes": {"n": str(n)}}
            answer = server.http.patch("/items/counter", json=patch, headers={"If-Match": seen.headers["etag"]})
            if answer.status_code == 200:
                return
            assert answer.status_code == 412

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(24)))
    assert server.http.get("/items/counter").json()["attributes"] == {"n": "24"}


def test_a_part_of_an_item_is_changed(server: Any) -> None:
    item = {"title": "Lamp", "price": 9, "attributes": {"colour": "red", "watt": "5"}}
    server.http.put("/items/parted", json=item).raise_for_status()
    answer = server.http.patch(
        "/items/parted", json={"price": 8, "title": None, "attributes": {"watt": None, "cap": "E27"}}
    )
    assert (answer.status_code, answer.json()["status"]) == (200, "changed")
    now = server.http.get("/items/parted").json()
    assert (now["price"], now["title"], now["attributes"]) == (8, None, {"colour": "red", "cap": "E27"})
    assert server.http.patch("/items/parted", json={}).json()["status"] == "unchanged"
    sold = server.http.patch("/items/parted", json={"available": False})
    assert sold.status_code == 200
    shown = server.http.post("/recommend", json={"k": 500}).json()["items"]
    assert "parted" not in {one["item_id"] for one in shown}
    wrong: list[Any] = [{"price": -1}, {"item_id": "other"}, {"colour": "red"}, [], {"attributes": {"a": {"b": "c"}}}]
    for one in wrong:
        answer = server.http.patch("/items/parted", json=one)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), one
    assert server.http.patch("/items/never-was", json={}).status_code == 404


def report_of(answer: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    *told, sums = [json.loads(line) for line in answer.text.splitlines()]
    return told, sums


def test_items_come_line_by_line(server: Any) -> None:
    body = b"\n".join(
        [
            b'{"item_id": "line-1", "title": "First"}',
            b"",
            b'{"item_id": "line-2", "price": -3}',
            b"{broken",
            b"  ",
            '{"item_id": "línea-3"}'.encode(),
            b'{"item_id": "line-1", "title": "Again"}\r',
            b'{"title": "' + b"x" * 2_100_000 + b'"}',
            b'{"item_id": "line-9"}',
        ]
    )
    told, sums = report_of(server.http.post("/items", content=body, headers=LINES))
    assert [(one["line"], one["status"]) for one in told] == [
        (1, "new"),
        (3, "refused"),
        (4, "refused"),
        (6, "new"),
        (7, "new"),
        (8, "refused"),
        (9, "new"),
    ]
    assert [one["errors"][0]["code"] for one in told if "errors" in one] == [
        "greater_than_equal",
        "bad_json",
        "too_long",
    ]
    assert sums == {"lines": 7, "new": 4, "changed": 0, "unchanged": 0, "refused": 3}
    assert server.http.get("/items/line-1").json()["title"] == "Again"
    assert server.http.get("/items/l%C3%ADnea-3").status_code == 200


def test_a_body_of_any_length_in_pieces_of_any_size(server: Any) -> None:
    n = 3_000
    whole = b"".join(
        json.dumps({"item_id": f"bulk-{row}", "title": f"Pen {row % 50}"}).encode() + b"\n" for row in range(n)
    )

    def pieces() -> Iterator[bytes]:
        start, size = 0, 1
        while start < len(whole):
            yield whole[start : start + size]
            start, size = start + size, size * 3 % 40_009 + 1

    told, sums = report_of(server.http.post("/items", content=pieces(), headers=LINES, timeout=120))
    assert [one["line"] for one in told] == list(range(1, n + 1))
    assert sums == {"lines": n, "new": n, "changed": 0, "unchanged": 0, "refused": 0}
    found = server.http.post("/search", json={"query": "pen 49", "filter": 'item_id contains "bulk-"', "k": 100}).json()
    assert found["items"]
    again = server.http.post("/items", content=whole, headers=LINES, timeout=120)
    assert report_of(again)[1]["unchanged"] == n
    packed = server.http.get("/items", params={"limit": 1_000})
    assert packed.headers["content-encoding"] == "gzip" and len(packed.json()["items"]) == 1_000


def test_only_the_catalogue_takes_lines(server: Any) -> None:
    assert server.http.post("/events", content=b"{}", headers=LINES).status_code == 415
    assert server.http.post("/items", content=b"", headers=LINES).json() == {
        "lines": 0, "new": 0, "changed": 0, "unchanged": 0, "refused": 0,
    }  # fmt: skip
