"""Every route against every kind of key, from a table that the routes themselves make."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRouter, iter_route_contexts

from shelfwise.schemas.keys import KeyKind, KeyScope, KeyWanted
from shelfwise.serve.app import create_app
from shelfwise.serve.callers import GuardedRoute, Need
from shelfwise.serve.visitors import Visitor, VisitorTokens
from shelfwise.shop import Shop
from shelfwise.store import api_keys, server_secrets

pytestmark = pytest.mark.online

PAGE = "https://shop.example"
BOTH = [KeyScope.EVENTS, KeyScope.RECOMMEND]


@dataclass
class Guarded:
    """A server that asks for keys, and keys of it."""

    http: Any
    folder: Path
    keys: dict[str, str]
    table: list[tuple[str, str, Need]]
    log: Any

    def send(self, method: str, path: str, key: str | None = None, **more: Any) -> Any:
        headers = {} if key is None else {"Authorization": f"Bearer {self.keys.get(key, key)}"}
        if method in ("POST", "PUT", "PATCH"):
            # Nobody wants a training started here.
            more.setdefault("json", {"no": "such field"} if path == "/trainings" else {})
        if path == "/metrics":  # the only route that is not under /v1
            path = str(self.http.base_url.copy_with(path=path))
        return self.http.request(method, path, headers={**headers, **more.pop("headers", {})}, **more)

    def token(self, key: str = "browser", *, headers: dict[str, str] | None = None, **body: Any) -> dict[str, str]:
        answer = self.send("POST", "/visitors", key, json=body, headers=headers or {})
        assert answer.status_code == 201, answer.text
        return {"Shelfwise-Visitor": answer.json()["token"]}


RULES = {
    "GET /v1/health/live": "anybody",
    "GET /v1/client.js": "anybody",
    "GET /v1/health/ready": "events recommend catalogue metrics",
    "GET /v1/openapi.json": "events recommend catalogue metrics browsers",
    "POST /v1/events": "events browsers",
    "POST /v1/visitors": "events recommend browsers",
    "POST /v1/recommend": "recommend browsers",
    "POST /v1/search": "recommend browsers",
    "GET /v1/items/{item_id}/similar": "recommend",
    "GET /v1/trending": "recommend",
    "GET /v1/items": "catalogue",
    "POST /v1/items": "catalogue",
    "GET /v1/items/{item_id}": "catalogue",
    "PUT /v1/items/{item_id}": "catalogue",
    "PATCH /v1/items/{item_id}": "catalogue",
    "DELETE /v1/items/{item_id}": "catalogue",
    "GET /metrics": "metrics",
    "GET /v1/audit": "",
    "GET /v1/keys": "",
    "POST /v1/keys": "",
    "DELETE /v1/keys/{key_id}": "",
    "GET /v1/models": "",
    "POST /v1/models/{version}/promote": "",
    "POST /v1/models/rollback": "",
    "GET /v1/rules": "",
    "PUT /v1/rules": "",
    "GET /v1/rules/history": "",
    "POST /v1/rules/rollback": "",
    "GET /v1/slates/{slate_id}": "browsers",
    "GET /v1/users/{user_id}/export": "",
    "DELETE /v1/users/{user_id}": "",
    "GET /v1/items/{item_id}/picture": "recommend catalogue browsers",
    "GET /v1/items/{item_id}/insight": "",
    "GET /v1/catalogue/warnings": "",
    "POST /v1/events/check": "events",
    "GET /v1/imports": "catalogue",
    "GET /v1/imports/{import_id}": "catalogue",
    "POST /v1/imports": "",
    "GET /v1/quarantine": "",
    "GET /v1/quarantine/lines": "",
    "GET /v1/quarantine/download": "",
    "POST /v1/quarantine/retry": "",
    "GET /v1/rules/history/{version}": "",
    "GET /v1/scenarios": "",
    "GET /v1/scenarios/{name}": "",
    "PUT /v1/scenarios/{name}": "",
    "GET /v1/scenarios/{name}/history": "",
    "POST /v1/scenarios/{name}/undo": "",
    "POST /v1/playground": "",
    "POST /v1/rules/check": "",
    "GET /v1/rules/completions": "",
    "POST /v1/rules/preview": "",
    "GET /v1/models/compare": "",
    "GET /v1/models/{version}": "",
    "GET /v1/trainings": "",
    "POST /v1/trainings": "",
    "GET /v1/trainings/{name}": "",
    "DELETE /v1/trainings/{name}": "",
    "GET /v1/map": "",
    "GET /v1/map/points": "",
    "POST /v1/map/items": "",
    "GET /v1/cards": "recommend browsers",
    "GET /v1/shelves": "recommend browsers",
    "GET /v1/users": "",
    "GET /v1/users/{user_id}/events": "",
    "GET /v1/users/{user_id}/slates": "",
    "GET /v1/users/{user_id}": "",
    "GET /v1/visitors/me": "browsers",
    "DELETE /v1/visitors/me": "browsers",
    "GET /v1/insight/traffic": "metrics",
    "GET /v1/insight/outcomes": "metrics",
    "GET /v1/insight/state": "metrics",
    "GET /v1/insight/drift": "metrics",
    "GET /v1/insight/trends": "",
    "GET /v1/insight/arrivals": "",
    "GET /v1/insight/searches": "",
}
"""Who may use each route, written down apart from the routes: scopes beside `admin`, which may do everything;
`browsers` where keys that stand in pages may."""


def table_of(folder: Path) -> list[tuple[str, str, Need]]:
    """Method, path with something in its place, and need of every route, as `RULES` says them."""
    found: list[tuple[str, str, Need]] = []
    unruled: list[str] = []
    for route in iter_route_contexts(create_app(folder).routes):
        path = re.sub(r":\w+}", "}", route.path_format)
        for method in sorted((route.methods or {"GET"}) - {"HEAD"}):
            rule = RULES.get(f"{method} {path}")
            if rule is None:
                unruled.append(f"{method} {path}")
                continue
            words = set(rule.split())
            scopes = frozenset(KeyScope(word) for word in words - {"browsers", "anybody"})
            need = Need(scopes, browsers="browsers" in words, anybody="anybody" in words)
            found.append((method, re.sub(r"{\w+}", "none-such", path).removeprefix("/v1"), need))
    assert not unruled, f"who may use {', '.join(unruled)}? Write it into RULES"
    assert len(found) == len(RULES), "RULES has routes that are no more"
    return found


@pytest.fixture(scope="module")
def guarded(tiny_shop_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    from tests.integration.conftest import serving

    folder = shutil.copytree(tiny_shop_template, tmp_path_factory.mktemp("guarded") / "shop")
    with (folder / "shop.toml").open("a") as settings:
        settings.write('[storefront]\nattributes = ["finish"]\n')
    keys: dict[str, str] = {"wrong": "sw_0a1b2c3d4e5f_" + "x" * 43, "strange": "not-one-of-ours"}
    with Shop.open(folder) as shop:
        for scope in KeyScope:
            keys[scope.value] = shop.keys.create(KeyWanted(name=scope.value, scopes=[scope]))[1]
        keys["both"] = shop.keys.create(KeyWanted(name="both", scopes=BOTH))[1]
        browser = KeyWanted(name="pages", kind=KeyKind.BROWSER, scopes=BOTH, origins=[PAGE])
        keys["browser"] = shop.keys.create(browser)[1]
        past = datetime.now(UTC) - timedelta(seconds=1)
        keys["expired"] = shop.keys.create(KeyWanted(name="old", scopes=[KeyScope.ADMIN], expires_at=past))[1]
        revoked, keys["revoked"] = shop.keys.create(KeyWanted(name="gone", scopes=[KeyScope.ADMIN]))
        shop.keys.revoke(revoked.key_id)
        keys["another's secret"] = f"sw_{revoked.key_id}_{keys['admin'].split('_', 2)[2]}"
    with serving(folder, ready=401) as server:
        while server.http.get("/openapi.json", headers={"Authorization": f"Bearer {keys['admin']}"}).is_error:
            time.sleep(0.01)
        while server.http.get("/health/ready", headers={"Authorization": f"Bearer {keys['admin']}"}).is_error:
            time.sleep(0.01)
        yield Guarded(server.http, folder, keys, table_of(folder), server.log)
        for secret in keys.values():
            assert secret not in server.log()


def test_a_route_that_says_nothing_of_its_callers_cannot_be_made() -> None:
    router = APIRouter(route_class=GuardedRoute)
    with pytest.raises(TypeError, match="does not say what it asks of its callers"):
        router.get("/open-door")(lambda: None)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "no_key"),
        ("wrong", "wrong_key"),
        ("strange", "wrong_key"),
        ("another's secret", "wrong_key"),
        ("expired", "expired_key"),
        ("revoked", "revoked_key"),
    ],
)
def test_without_a_key_that_holds_every_route_is_shut(guarded: Guarded, key: str | None, code: str) -> None:
    for method, path, need in guarded.table:
        answer = guarded.send(method, path, key)
        if need.anybody:
            assert answer.status_code == 200
            continue
        assert (answer.status_code, answer.json()["code"]) == (401, code), (method, path)
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("scope", list(KeyScope))
def test_a_key_opens_the_routes_of_its_scope_and_no_other(guarded: Guarded, scope: KeyScope) -> None:
    opened = 0
    for method, path, need in guarded.table:
        answer = guarded.send(method, path, scope.value)
        if need.anybody or scope in need.scopes or scope is KeyScope.ADMIN:
            assert answer.status_code not in (401, 403) and answer.status_code < 500, (method, path, answer.text)
            opened += 1
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed"), (method, path)
    assert opened > 2


def test_a_browser_key_opens_nothing_but_its_visitors_events_and_slates(guarded: Guarded) -> None:
    token = guarded.token()
    opened: list[str] = []
    for method, path, need in guarded.table:
        answer = guarded.send(method, path, "browser", headers=token)
        if need.browsers or need.anybody:
            assert answer.status_code not in (401, 403), (method, path, answer.text)
            opened.append(path)
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed"), (method, path)
    assert sorted(set(opened)) == [
        "/cards",
        "/client.js",
        "/events",
        "/health/live",
        "/items/none-such/picture",  # what everybody sees on the shop's pages
        "/openapi.json",
        "/recommend",
        "/search",
        "/shelves",
        "/slates/none-such",
        "/visitors",
        "/visitors/me",
    ]


def test_a_page_with_a_token_that_does_not_hold_is_let_in_nowhere(guarded: Guarded) -> None:
    guarded.token()  # which makes the shop's secret
    with Shop.open(guarded.folder) as shop, shop.records.read() as connection:
        secret = server_secrets.find(connection, server_secrets.VISITOR_TOKENS)
    assert secret is not None
    now_s = time.time()
    expired, _ = VisitorTokens(secret).issue(Visitor.new(), now_s - 10**9)
    of_another_shop, _ = VisitorTokens(b"x" * 32).issue(Visitor.new(), now_s)
    for token, code in ((expired, "expired_visitor"), (of_another_shop, "wrong_visitor")):
        for method, path, need in guarded.table:
            answer = guarded.send(method, path, "browser", headers={"Shelfwise-Visitor": token})
            if need.anybody:
                assert answer.status_code == 200
            else:
                assert (answer.status_code, answer.json()["code"]) == (401, code), (method, path)


def test_a_method_that_a_route_does_not_have_opens_nothing(guarded: Guarded) -> None:
    methods = {"GET", "POST", "PUT", "PATCH", "DELETE"}
    for path in {path for _, path, _ in guarded.table}:
        for method in methods - {method for method, known, _ in guarded.table if known == path}:
            assert guarded.send(method, path).status_code in (401, 405), (method, path)
            # Items' ids may hold slashes, and a page's path may be one.
            assert guarded.send(method, path, "events").status_code in (403, 404, 405), (method, path)


@pytest.mark.parametrize(("path", "more"), [("/search", {"query": "mug"}), ("/recommend", {})])
def test_a_browser_key_filters_by_what_it_may_read(guarded: Guarded, path: str, more: dict[str, Any]) -> None:
    def answer(key: str, condition: str) -> Any:
        headers = guarded.token() if key == "browser" else {}
        return guarded.send("POST", path, key, json={**more, "filter": condition}, headers=headers)

    open_to_all = 'price < 20 and category under "Kitchen" and not age_d < 3'
    told = 'price < 20 or not (item_id = "x" or "margin" < 0.5)'
    while (found := answer("recommend", open_to_all)).status_code == 503:  # its index is being made
        time.sleep(0.05)
    assert (found.status_code, answer("browser", open_to_all).status_code) == (200, 200)
    refused = answer("browser", told)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed"), refused.text
    assert "item_id" in refused.text and "margin" not in refused.text
    # No more than that is told of an attribute: neither whether there is one of that name, nor a near one.
    assert answer("browser", "margin < 0.5").json()["code"] == "not_allowed"
    assert answer("recommend", "margin < 0.5").json()["code"] == "unknown_field"
    assert answer("recommend", 'image is missing and item_id != "x"').status_code == 200


@pytest.mark.parametrize("path", ["/events", "/recommend"])
def test_a_browser_key_alone_proves_nobody(guarded: Guarded, path: str) -> None:
    body = {"session_id": "x", "item_id": "mug-red", "event": "view"} if path == "/events" else {"session_id": "x"}
    answer = guarded.send("POST", path, "browser", json=body)
    assert (answer.status_code, answer.json()["code"]) == (401, "no_visitor")
    own = guarded.token()["Shelfwise-Visitor"]
    head, body_part, end, signature = own.split(".")
    for forged in (
        "nonsense",
        f"{head}.{body_part}.{int(end) + 1}.{signature}",
        f"{head}.{body_part}x.{end}.{signature}",
        f"{own}x",
        f"{head}.{body_part}.{end}.",
        "....",
        "v1.é.1.é".encode().decode("latin-1"),
    ):
        answer = guarded.send(
            "POST", path, "browser", json=body, headers={b"Shelfwise-Visitor": forged.encode("latin-1")}
        )
        assert (answer.status_code, answer.json()["code"]) == (401, "wrong_visitor"), forged


def test_nobody_reads_or_writes_for_somebody_else(guarded: Guarded) -> None:
    mine, theirs = guarded.token(), guarded.token()
    event = {"item_id": "boot-red", "event": "purchase"}
    answer = guarded.send("POST", "/events", "browser", json=event, headers=mine)
    assert answer.json()["stored"] == 1

    def items(**more: Any) -> set[str]:
        found = guarded.send("POST", "/recommend", "browser", **more)
        assert found.status_code == 200, found.text
        return {item["item_id"] for item in found.json()["items"]}

    assert "boot-red" not in items(json={"k": 60}, headers=mine)
    assert "boot-red" in items(json={"k": 60}, headers=theirs)
    session = guarded.send("POST", "/visitors", "browser", headers=mine).json()["session_id"]
    assert "boot-red" not in items(json={"k": 60, "session_id": session}, headers=mine)
    for named in ({"session_id": session}, {"user_id": "user-1"}, {"user_id": "user-1", "session_id": session}):
        for path, body in (
            ("/recommend", named),
            ("/events", {**event, **named}),
            ("/events", [event, {**event, **named}]),
        ):
            answer = guarded.send("POST", path, "browser", json=body, headers=theirs)
            assert (answer.status_code, answer.json()["code"]) == (403, "other_visitor"), (path, body)


def test_a_server_vouches_for_who_is_signed_in(guarded: Guarded) -> None:
    signed_in = guarded.token("both", user_id="user-1")
    own = guarded.send("POST", "/recommend", "browser", json={"k": 60}, headers=signed_in).json()
    same = guarded.send("POST", "/recommend", "recommend", json={"user_id": "user-1", "k": 60}).json()
    assert [one["item_id"] for one in own["items"]] == [one["item_id"] for one in same["items"]]
    for key in ("browser", "events", "recommend"):
        assert guarded.send("POST", "/visitors", key, json={"user_id": "user-1"}).status_code == 403


def test_a_page_erases_a_customer_only_where_the_server_said_so(guarded: Guarded) -> None:
    def erased(token: dict[str, str]) -> tuple[int, str | None]:
        answer = guarded.send("DELETE", "/visitors/me", "browser", headers=token)
        return answer.status_code, answer.json().get("code")

    def n_events(token: dict[str, str]) -> int:
        return guarded.send("GET", "/visitors/me", "browser", headers=token).json()["n_events"]

    customer = guarded.token("both", user_id="user-7")
    renewed = guarded.token(headers=customer)
    for token in (customer, renewed):
        assert erased(token) == (403, "may_not_erase")
    known = n_events(customer)
    assert known
    # Neither may a page say so itself, nor does it say anything of a browser.
    for key, body in (("browser", {"user_id": "user-7", "may_erase": True}), ("events", {"user_id": "user-7"})):
        assert guarded.send("POST", "/visitors", key, json=body).status_code == 403
    assert guarded.send("POST", "/visitors", "browser", json={"may_erase": True}, headers=customer).status_code == 422
    assert n_events(customer) == known
    allowed = guarded.token(headers=guarded.token("both", user_id="user-7", may_erase=True))
    assert erased(allowed) == (200, None)
    assert n_events(allowed) == 0 and erased(allowed) == (404, "unknown_user")
    # A browser of which no server said anything is forgotten as ever.
    visitor = guarded.token()
    guarded.send("POST", "/events", "browser", json={"item_id": "boot-red", "event": "view"}, headers=visitor)
    assert erased(visitor) == (200, None)


def test_a_page_finds_items_by_no_words_that_it_may_not_read(guarded: Guarded) -> None:
    item = {"title": "Samovar", "attributes": {"finish": "hammered brass", "supplier": "Zanzibar traders"}}
    guarded.send("PUT", "/items/samovar", "catalogue", json=item).raise_for_status()
    token = guarded.token()

    def found(key: str, words: str) -> list[str]:
        while (answer := guarded.send("POST", "/search", key, json={"query": words}, headers=token)).status_code == 503:
            time.sleep(0.05)
        return [one["item_id"] for one in answer.json()["items"]]

    for words in ("samovar", "hammered", "brass", "bras"):
        assert found("browser", words) == found("recommend", words) == ["samovar"]
    for words in ("zanzibar", "zanzibra", "zanz", "traders"):
        assert found("recommend", words) == ["samovar"] and found("browser", words) == []
    hidden, unknown = (
        guarded.send("POST", "/search", "browser", json={"query": f"samovar {word}"}, headers=token).json()["items"]
        for word in ("zanzibar", "xylophone")
    )
    assert hidden == unknown and hidden  # not by the score either
    guarded.send("DELETE", "/items/samovar", "catalogue").raise_for_status()


def test_a_page_cannot_take_the_name_of_an_event_to_come(guarded: Guarded) -> None:
    order = {"item_id": "pen-red", "event": "purchase", "event_id": "order-1"}
    guarded.send("POST", "/events", "browser", json=order, headers=guarded.token()).raise_for_status()
    answer = guarded.send("POST", "/events", "events", json={**order, "user_id": "buyer"})
    assert answer.json()["stored"] == 1


def test_pages_of_the_keys_origins_may_read_answers(guarded: Guarded) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    answer = guarded.send("OPTIONS", "/events", headers={"Origin": PAGE, **asked})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "Shelfwise-Visitor" in answer.headers["access-control-allow-headers"]
    for origin in ("https://evil.example", "null", f"{PAGE}.evil.example"):
        answer = guarded.send("OPTIONS", "/events", headers={"Origin": origin, **asked})
        assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers
        answer = guarded.send("POST", "/visitors", "browser", headers={"Origin": origin})
        assert (answer.status_code, answer.json()["code"]) == (403, "other_origin")
        assert "access-control-allow-origin" not in answer.headers
    answer = guarded.send("POST", "/visitors", "browser", headers={"Origin": PAGE})
    assert answer.status_code == 201
    assert (answer.headers["access-control-allow-origin"], answer.headers["vary"]) == (PAGE, "Origin")
    refused = guarded.send("POST", "/events", "wrong", headers={"Origin": PAGE})
    assert refused.headers["access-control-allow-origin"] == PAGE  # a page can read why


def test_a_key_is_made_shown_once_and_revoked_at_once(guarded: Guarded) -> None:
    wanted = {"name": "till", "scopes": ["events"]}
    made = guarded.send("POST", "/keys", "admin", json=wanted)
    assert made.status_code == 201 and made.headers["cache-control"] == "no-store"
    key, key_id = made.json()["key"], made.json()["key_id"]
    event = {"user_id": "u", "item_id": "mug-red", "event": "view"}
    assert guarded.send("POST", "/events", key, json=event).status_code == 202
    listed = guarded.send("GET", "/keys", "admin")
    assert next(one for one in listed.json()["keys"] if one["key_id"] == key_id)["holds"]
    assert key not in listed.text and key.split("_", 2)[2] not in listed.text
    assert guarded.send("DELETE", f"/keys/{key_id}", "admin").status_code == 204
    answer = guarded.send("POST", "/events", key, json=event)
    assert (answer.status_code, answer.json()["code"]) == (401, "revoked_key")
    assert guarded.send("DELETE", "/keys/none-such", "admin").json()["code"] == "unknown_key"
    for path in guarded.folder.rglob("*"):
        if path.is_file():
            assert key.split("_", 2)[2].encode() not in path.read_bytes(), path
    done = [one for one in guarded.send("GET", "/audit", "admin").json()["entries"] if one["subject"] == key_id]
    assert [one["action"] for one in done] == ["key.revoke", "key.create"]
    assert all(one["actor"].startswith("key ") and "(admin)" in one["actor"] for one in done)
    assert done[1]["detail"]["scopes"] == ["events"]


def test_what_another_process_revokes_is_dead_within_a_second(guarded: Guarded) -> None:
    with Shop.open(guarded.folder) as shop:
        stored, key = shop.keys.create(KeyWanted(name="other", scopes=[KeyScope.RECOMMEND]))
        time.sleep(1.1)
        assert guarded.send("POST", "/recommend", key).status_code == 200
        shop.keys.revoke(stored.key_id)
        revoked_at = time.monotonic()
        while guarded.send("POST", "/recommend", key).status_code == 200:
            assert time.monotonic() - revoked_at < 1.5
            time.sleep(0.02)


@pytest.mark.parametrize(
    "wanted",
    [
        {"name": "x", "scopes": []},
        {"name": "", "scopes": ["events"]},
        {"name": "x", "scopes": ["everything"]},
        {"name": "x", "scopes": ["events"], "origins": [PAGE]},
        {"name": "x", "kind": "browser", "scopes": ["events"]},
        {"name": "x", "kind": "browser", "scopes": ["admin"], "origins": [PAGE]},
        {"name": "x", "kind": "browser", "scopes": ["events"], "origins": ["*"]},
        {"name": "x", "kind": "browser", "scopes": ["events"], "origins": [f"{PAGE}/"]},
    ],
)
def test_a_key_that_would_be_too_much_is_not_made(guarded: Guarded, wanted: dict[str, Any]) -> None:
    answer = guarded.send("POST", "/keys", "admin", json=wanted)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_the_audit_log_is_read_page_by_page(guarded: Guarded) -> None:
    entries: list[int] = []
    before: int | None = None
    while True:
        query = {"limit": 3} | ({} if before is None else {"before": before})
        page = guarded.send("GET", "/audit", "admin", params=query).json()
        entries += [one["entry"] for one in page["entries"]]
        before = page["next"]
        if before is None:
            break
    assert entries == sorted(set(entries), reverse=True)
    assert entries[-1] == 1 and len(entries) > 8


def test_rules_are_noted_too(guarded: Guarded) -> None:
    document = {"rules": {"no-pens": {"block": 'item_id = "pen-red"'}}}
    answer = guarded.send("PUT", "/rules", "admin", json={"document": document, "author": "Kim"})
    newest = guarded.send("GET", "/audit", "admin", params={"limit": 1}).json()["entries"][0]
    assert answer.status_code == 200, answer.text
    assert (newest["action"], newest["detail"]["author"]) == ("rules.apply", "Kim")


def test_only_hashes_are_kept(guarded: Guarded) -> None:
    with Shop.open(guarded.folder) as shop, shop.records.read() as connection:
        for stored in api_keys.read_all(connection):
            assert len(stored.digest) == 32
