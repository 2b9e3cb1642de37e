"""A real server: what is wrong with a request is said in a problem document, and nothing of our insides."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.online

JSON = {"Content-Type": "application/json"}


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:shelfwise:{code}")
    assert "Traceback" not in answer.text and ".py" not in answer.text and "/tmp" not in answer.text
    return body


def test_an_unknown_scenario_says_the_near_one(server: Any) -> None:
    body = refused(server.http.post("/recommend", json={"scenario": "hme"}), 422, "unknown_scenario")
    assert body["hint"] == "did you mean 'home'?"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"k": 0}, "k"),
        ({"k": 501}, "k"),
        ({"k": "many"}, "k"),
        ({"userid": "u"}, "userid"),
        ({"user_id": ""}, "user_id"),
        ({"items": ["a", 3]}, "items.1"),
        ({"relation": "opposites"}, "relation"),
        ({"bundle": "perhaps"}, "bundle"),
        ({"brand": ""}, "brand"),
    ],
)
def test_a_wrong_field_is_named(server: Any, query: dict[str, Any], field: str) -> None:
    body = refused(server.http.post("/recommend", json=query), 422, "invalid")
    assert [error["field"] for error in body["errors"]] == [field]


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({"scenario": "category"}, "missing", "category"),
        ({"scenario": "cart", "bundle": True}, "missing", "items"),
        ({"scenario": "item", "relation": "complements"}, "missing", "items"),
        ({"scenario": "home", "items": ["mug-red"], "relation": "complements"}, "no_such_relation", "relation"),
    ],
)
def test_what_a_place_cannot_give(server: Any, query: dict[str, Any], code: str, field: str) -> None:
    body = refused(server.http.post("/recommend", json=query), 422, code)
    assert [error["field"] for error in body.get("errors", [{"field": field}])] == [field]


@pytest.mark.parametrize("path", ["/trending?k=0", "/items/mug-red/similar?k=0", "/trending?k=x"])
def test_k_is_checked_in_paths(server: Any, path: str) -> None:
    assert refused(server.http.get(path), 422, "invalid")["errors"][0]["field"] == "k"


@pytest.mark.parametrize("path", ["/items/no-such", "/items/no-such/similar"])
def test_an_unknown_item(server: Any, path: str) -> None:
    assert "no-such" in refused(server.http.get(path), 404, "unknown_item")["detail"]


@pytest.mark.parametrize("path", ["/recommend", "/events", "/items"])
@pytest.mark.parametrize("body", ['{"k": 1', "", "\x00", "[" * 50_000, '"\\ud800'])
def test_no_json(server: Any, path: str, body: str) -> None:
    answer = server.http.post(path, content=body, headers=JSON)
    # Without any body there is nothing to be parsed.
    if path == "/recommend" and body == "":
        refused(answer, 422, "invalid")
    else:
        refused(answer, 400, "bad_json")


def test_a_form_is_no_json(server: Any) -> None:
    refused(server.http.post("/events", data={"event": "view"}), 415, "not_json")


@pytest.mark.parametrize("path", ["/recommend", "/events", "/items"])
def test_a_body_that_is_too_large(server: Any, path: str) -> None:
    refused(server.http.post(path, content=b"[" + b" " * 3_000_000 + b"]", headers=JSON), 413, "too_large")


def test_a_body_that_tells_no_length_is_limited_too(server: Any) -> None:
    parts = (b" " * 100_000 for _ in range(40))
    refused(server.http.post("/events", content=parts, headers=JSON), 413, "too_large")


@pytest.mark.parametrize("path", ["/events", "/items"])
def test_how_many(server: Any, path: str) -> None:
    refused(server.http.post(path, json=[]), 422, "nothing_sent")
    refused(server.http.post(path, json=[{}] * 1_001), 422, "too_many")
    refused(server.http.post(path, json=3), 422, "invalid")


def test_paths_and_methods(server: Any) -> None:
    refused(server.http.get("/nothing"), 404, "no_such_path")
    answer = server.http.get("/recommend")
    refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"
    refused(server.http.get("/items/%FF"), 422, "invalid")


def test_without_keys_only_names_of_this_machine_are_answered(server: Any) -> None:
    """A page of another site may have its name point to 127.0.0.1: to its browser this server then is that site."""
    for host in ("shop.example", "127.0.0.1.shop.example:80", "[::2]:8080"):
        answer = server.http.get("/items/mug-red", headers={"Host": host})
        assert (answer.status_code, answer.json()["code"]) == (403, "other_host"), host
    for host in ("localhost:8080", "127.0.0.1", "[::1]:8080"):
        assert server.http.get("/items/mug-red", headers={"Host": host}).status_code == 200, host
