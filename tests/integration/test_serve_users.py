"""A person gets what the shop knows of them, and is forgotten to the last byte."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.shop import Shop
from shelfwise.store import event_log, people, sources
from shelfwise.store.event_log import EventRow
from shelfwise.store.sources import Refused

pytestmark = pytest.mark.online

ID = "jo/ann@example.org ü"
ABOUT = "collects enamelled lighthouses"
SEARCHED = "zeppelin-shaped teapot"
SESSION = "browser-of-joann"


def traces(folder: Path, *texts: str) -> list[tuple[str, str]]:
    """Files of a shop in which any of these stands, in the forms in which it may be written."""
    found: list[tuple[str, str]] = []
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for text in texts:
                for form in {text, quote(text, safe=""), json.dumps(text)[1:-1]}:
                    if form.encode() in content:
                        found.append((str(path.relative_to(folder)), form))
    return found


def prepare(folder: Path) -> None:
    """Attributes, and two lines in quarantine of which one is about the person."""
    with Shop.open(folder) as shop, shop.records.write() as connection:
        people.upsert(connection, [(ID, {"about": ABOUT}), ("someone", {"about": "likes tea"})])
        state = sources.find_or_start(connection, "f", "events", "events.csv", 0)
        lines = [
            Refused(1, "bad_time", "'never' is no time", f"{ID},mug-red,view,never"),
            Refused(2, "bad_time", "'never' is no time", f"not{ID}x,mug-red,view,never"),
        ]
        sources.refuse(connection, state.source, lines)


def events(n: int) -> list[dict[str, Any]]:
    kinds = ["mug-red", "lamp-blue", "boot-green", "pen-black"]
    bought = [{"item_id": kinds[place % 4], "event": "purchase"} for place in range(n)]
    return [{"user_id": ID, "session_id": SESSION, **one} for one in (*bought, {"event": "search", "query": SEARCHED})]


def crowd(server: Any, n: int) -> None:
    """Others, so that pages of the store are split and copied."""
    for start in range(0, n, 500):
        sent = [
            {
                "user_id": f"other-{(start + place) % 97}",
                "item_id": "kite-red",
                "event": "view",
                "query": f"q{place}" * 9,
            }
            for place in range(500)
        ]
        server.http.post("/events", json=sent).raise_for_status()


def test_export_then_erasure_then_no_byte_is_left(tiny_shop: Path, serve: Any) -> None:
    prepare(tiny_shop)
    with serve(tiny_shop) as server:
        crowd(server, 1_000)
        for one in events(12):
            server.http.post("/events", json=one).raise_for_status()
            crowd(server, 500)
        slate = server.http.post("/recommend", json={"user_id": ID}).json()
        time.sleep(1.5)
        path = f"/users/{quote(ID, safe='')}"
        found = server.http.get(f"{path}/export").json()
        assert found["given"]["attributes"] == {"about": ABOUT}
        assert [one["event"] for one in found["given"]["events"]] == ["purchase"] * 12 + ["search"]
        assert found["given"]["events"][-1]["query"] == SEARCHED
        assert found["given"]["events"][0]["title"] == "Red mug"
        assert [one["slate_id"] for one in found["shown"]] == [slate["slate_id"]]
        shown = [one["item_id"] for one in found["shown"][0]["items"]]
        assert shown == [one["item_id"] for one in slate["items"]]
        assert found["derived"]["interests"]["categories"]["Kitchen > Mugs"] == 0.25
        assert found["derived"]["recommended_now"]
        assert traces(tiny_shop, ID, ABOUT, SEARCHED, SESSION)

        server.http.post("/recommend", json={"user_id": ID}).raise_for_status()  # waits to be written
        receipt = server.http.delete(path)
        assert receipt.status_code == 200, receipt.text
        told = receipt.json()
        assert (told["attributes"], told["events"], told["slates"], told["quarantined_lines"]) == (1, 13, 1, 1)
        assert told["store_rebuilt"] and len(told["models_trained_before"]) == 1
        assert traces(tiny_shop, f",{ID},", f"'{ID}", ABOUT, SEARCHED, SESSION) == []
        time.sleep(1.5)
        left = traces(tiny_shop, ABOUT, SEARCHED, SESSION, ID)
        # The other line's id only contains this one.
        assert {form for _, form in left} <= {ID} and all(name.startswith("shelfwise.db") for name, _ in left)
        for method in ("get", "delete"):
            answer = getattr(server.http, method)(f"{path}/export" if method == "get" else "/users/nobody")
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_user")

        # What happened before stays out; what happens now is stored.
        old = {"user_id": ID, "item_id": "mug-red", "event": "purchase", "timestamp": "2026-01-01T00:00:00Z"}
        answer = server.http.post("/events", json=[old, {"user_id": "u", "item_id": "mug-red", "event": "view"}]).json()
        assert [one["status"] for one in answer["events"]] == ["refused", "stored"]
        assert answer["events"][0]["errors"][0]["code"] == "erased_user"
        now = {"user_id": ID, "item_id": "mug-red", "event": "view"}
        assert server.http.post("/events", json=now).json()["stored"] == 1
        again = server.http.get(f"{path}/export").json()
        assert len(again["given"]["events"]) == 1 and again["given"]["attributes"] == {}
        done = [one["action"] for one in server.http.get("/audit").json()["entries"]]
        assert done[:3] == ["user.export", "user.erase", "user.export"]
        assert ID not in server.http.get("/audit").text and ID not in server.log()


def test_no_training_learns_of_who_was_erased(tiny_shop: Path) -> None:
    prepare(tiny_shop)
    happened = 1_700_000_000_000
    row = EventRow(b"k" * 16, ID, "mug-red", CODE_BY_KIND[EventKind.PURCHASE], happened)
    with Shop.open(tiny_shop) as shop:
        with shop.records.write() as connection:
            event_log.append(connection, [row], None)
        n_before = len(shop.recommender.catalogue)
        receipt = shop.erase_user(ID)
        assert receipt.rows.events == 1
        with shop.records.write() as connection:
            people.upsert(connection, [(ID, {"about": ABOUT}), ("someone", {"about": "likes coffee"})])
            outcome = event_log.append(connection, [row, row._replace(event_key=b"j" * 16, user_id="new")], 0)
            assert (outcome.erased, outcome.stored) == ([0], [1])
            assert people.attributes_of_one(connection, ID) == {}
            assert people.attributes_of_one(connection, "someone") == {"about": "likes coffee"}
            arrays = event_log.read_all(connection)
        assert happened in arrays.times_ms.tolist()
        assert n_before == len(shop.recommender.catalogue)
        assert shop.erase_user(ID).rows.events == 0
        # Users keep their rows: what a model learned of the others still fits.
        assert int(arrays.user_rows.max()) == int(np.unique(arrays.user_rows).max())
    assert traces(tiny_shop, ABOUT) == []
