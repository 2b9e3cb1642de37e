"""Limits of a real server: who sends too much is told when to go on, and nobody else pays for it."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from shelfwise.schemas.keys import KeyKind, KeyScope, KeyWanted
from shelfwise.shop import Shop

pytestmark = pytest.mark.online

PAGE = "https://shop.example"
SCOPES = [KeyScope.EVENTS, KeyScope.RECOMMEND]


def test_who_sends_too_much_is_told_when_to_go_on(serve: Any, tiny_shop: Path) -> None:
    path = tiny_shop / "shop.toml"
    path.write_text(path.read_text() + "\n[serve]\nrequests_per_s = 4\nvisitor_requests_per_s = 1\n")
    with Shop.open(tiny_shop) as shop:
        pages = shop.keys.create(KeyWanted(name="pages", kind=KeyKind.BROWSER, scopes=SCOPES, origins=[PAGE]))[1]
        server_key = shop.keys.create(KeyWanted(name="shop", scopes=SCOPES))[1]
        admin = shop.keys.create(KeyWanted(name="admin", scopes=[KeyScope.ADMIN]))[1]
    with serve(tiny_shop, ready=401) as server:

        def send(method: str, path: str, key: str, **more: Any) -> Any:
            headers = {"Authorization": f"Bearer {key}", **more.pop("headers", {})}
            return server.http.request(method, path, headers=headers, **more)

        while send("GET", "/health/ready", admin).is_error:
            time.sleep(0.5)
        tokens = [send("POST", "/visitors", pages, json={}).json()["token"] for _ in range(2)]
        page = {"Shelfwise-Visitor": tokens[0], "Origin": PAGE}
        answers = [send("POST", "/recommend", pages, json={}, headers=page) for _ in range(12)]
        codes = [one.status_code for one in answers]
        assert codes[:5] == [200] * 5 and 429 in codes[5:7]
        refused = next(one for one in answers if one.status_code == 429)
        assert refused.json()["code"] == "too_many_of_visitor"
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["access-control-allow-origin"] == PAGE  # so that the page can read it
        wait_s = int(refused.headers["retry-after"])
        assert wait_s == 1
        other = {"Shelfwise-Visitor": tokens[1]}
        assert send("POST", "/recommend", pages, json={}, headers=other).status_code == 200
        time.sleep(wait_s)
        assert send("POST", "/recommend", pages, json={}, headers=page).status_code == 200

        found = Counter(send("POST", "/recommend", server_key, json={"k": 1}).status_code for _ in range(60))
        assert set(found) == {200, 429} and found[200] >= 20
        # Another key is not concerned, and the numbers tell of it.
        text = send("GET", str(server.http.base_url.copy_with(path="/metrics")), admin).text
        assert 'shelfwise_limited_requests_total{whose="key"}' in text
        assert 'shelfwise_limited_requests_total{whose="visitor"}' in text
        assert send("GET", "/health/live", "none").status_code == 200
