"""A real server: what is in the catalogue is found, what is not is not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

pytestmark = pytest.mark.online


def found(server: Any, query: str, **more: Any) -> list[str]:
    while (answer := server.http.post("/search", json={"query": query, **more})).status_code == 503:
        assert answer.json()["code"] == "loading" and answer.headers["retry-after"]
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


def test_items_are_found_by_their_words(server: Any) -> None:
    assert found(server, "red mug")[0] == "mug-red"
    assert found(server, "yelow kiet")[0] == "kite-yellow"
    assert set(found(server, "lamp", k=50)) >= {"lamp-red", "lamp-blue"}
    assert found(server, "waterproof hik", k=1)[0].startswith("boot-")


def test_filters_are_those_of_rules(server: Any) -> None:
    assert set(found(server, "mug", filter="price < 7", k=50)) == {"mug-red", "mug-blue"}
    assert found(server, "red", category="Home") == ["lamp-red"]
    answer = server.http.post("/search", json={"query": "mug", "filter": "prise < 7"})
    assert answer.status_code == 422 and "price" in answer.text


def test_pages_are_the_whole(server: Any) -> None:
    whole, pages, offset = found(server, "pen", k=100), [], 0
    while offset is not None:
        answer = server.http.post("/search", json={"query": "pen", "k": 3, "offset": offset}).json()
        assert [item["position"] for item in answer["items"]] == list(
            range(offset + 1, offset + 1 + len(answer["items"]))
        )
        pages += [item["item_id"] for item in answer["items"]]
        offset = answer["next"]
    assert pages == whole and len(set(whole)) == len(whole) >= 10


def test_what_changes_is_found_as_it_is_now(server: Any) -> None:
    put = server.http.put("/items/zep", json={"title": "Zeppelin teapot", "price": 3})
    assert put.status_code == 201
    assert found(server, "zeppelin") == ["zep"]
    server.http.put("/items/zep", json={"title": "Airship teapot"}).raise_for_status()
    assert (found(server, "zeppelin"), found(server, "airship")) == ([], ["zep"])
    server.http.put("/items/zep", json={"title": "Airship teapot", "available": False}).raise_for_status()
    assert found(server, "airship") == []
    server.http.put("/items/zep", json={"title": "Airship teapot"}).raise_for_status()
    assert found(server, "airship") == ["zep"]
    server.http.delete("/items/zep").raise_for_status()
    assert found(server, "airship") == []


def test_many_changes_at_once_are_all_found(server: Any) -> None:
    def put(number: int) -> None:
        server.http.put(f"/items/many-{number}", json={"title": f"Quokka{number:03d} toy"}).raise_for_status()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(40)))
    assert len(found(server, "quokka", k=100)) == 40
    assert found(server, "quokka017")[0] == "many-17"


def test_what_rules_block_is_not_found(server: Any) -> None:
    document = {"rules": {"no": {"block": 'item_id = "scarf-red"', "when": 'scenario = "search"'}}}
    assert "scarf-red" in found(server, "scarf", k=50)
    server.http.put("/rules", json={"document": document, "author": "x", "accept_conflicts": True}).raise_for_status()
    assert "scarf-red" not in found(server, "scarf", k=50)
    server.http.put("/rules", json={"document": {"rules": {}}, "author": "x"}).raise_for_status()
