"""Imports, the quarantine and the check of events, at a real server of a shop that reads files of its own."""

from __future__ import annotations

import csv
import io
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shelfwise.shop import Shop
from shelfwise.store import sources
from shelfwise.testing.servers import Server, serving

pytestmark = pytest.mark.online

INGEST = """
[ingest.items]
path = "items.csv"
attributes = ["colour"]
[ingest.events]
path = "events.csv"
default_event = "view"
columns = { user_id = "who", item_id = "what", timestamp = "at" }
"""
ITEMS = "item_id,title,price,colour\nkettle,Kettle,19.5,red\npan,Pan,cheap,blue\n"
EVENTS = """\
who,what,at,price,note
ann,mug-red,2024-05-01T10:00:00Z,5,"a, b"
ann,teapot,2024-05-01T10:01:00Z,5,
ann,kettle,2024-05-01T10:02:00Z,minus,
ben,mug-blue,yesterday,5,
ben,mug-blue,2024-05-01T10:02:00Z,5,"not closed
cat,kettle,2024-05-01T10:03:00Z,5
"""


@pytest.fixture(scope="module")
def shop(tiny_shop_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = shutil.copytree(tiny_shop_template, tmp_path_factory.mktemp("imports") / "shop")
    with (folder / "shop.toml").open("a") as file:
        file.write(INGEST)
    (folder / "items.csv").write_text(ITEMS)
    (folder / "events.csv").write_text(EVENTS)
    with Shop.open(folder) as opened:
        opened.ingest()
    return folder


@pytest.fixture(scope="module")
def server(shop: Path) -> Iterator[Server]:
    with serving(shop) as running:
        yield running


def ended(server: Any, answer: Any) -> Any:
    assert answer.status_code == 202, answer.text
    started = answer.json()
    deadline = time.monotonic() + 20
    while started["state"] == "running" and time.monotonic() < deadline:
        time.sleep(0.05)
        started = server.http.get(f"/imports/{started['import_id']}").json()
    return started


def counts(server: Any) -> dict[tuple[str, str], int]:
    found = server.http.get("/quarantine").json()
    return {(one["table"], one["reason"]): one["count"] for one in found["counts"]}


def test_files_lines_and_another_try(server: Any, shop: Path) -> None:
    """One story: what was read is listed, what was refused is seen, mended and stored, and the counts add up."""
    events, items = server.http.get("/imports").json()["imports"]
    assert (items["table"], items["lines"], items["stored"], items["quarantined"]) == ("items", 2, 1, 1)
    assert (events["lines"], events["stored"], events["quarantined"], events["state"]) == (6, 1, 5, "done")
    assert counts(server) == {
        ("items", "bad_number"): 1,
        ("events", "bad_number"): 1,
        ("events", "bad_quotes"): 1,
        ("events", "bad_time"): 1,
        ("events", "too_few_fields"): 1,
        ("events", "unknown_item"): 1,
    }
    source = events["source"]
    page = server.http.get("/quarantine/lines", params={"source": source, "limit": 2}).json()
    assert page["columns"][str(source)] == ["who", "what", "at", "price", "note"]
    assert [(one["line"], one["reason"]) for one in page["lines"]] == [(3, "unknown_item"), (4, "bad_number")]
    behind = server.http.get("/quarantine/lines", params={"source": source, "after": page["next"]}).json()
    assert [one["line"] for one in behind["lines"]] == [5, 6, 7] and behind["next"] is None

    # The reason is gone: the item came.
    server.http.put("/items/teapot", json={"title": "Teapot"}).raise_for_status()
    again = ended(server, server.http.post("/quarantine/retry", json={"source": source, "reason": "unknown_item"}))
    assert (again["kind"], again["lines"], again["stored"], again["quarantined"]) == ("again", 1, 1, 0)
    # Somebody corrects lines, one of them wrongly.
    corrected = [
        {"line": 4, "raw": "ann,kettle,2024-05-01T10:02:00Z,7,"},
        {"line": 6, "raw": 'ben,mug-blue,2024-05-01T10:02:00Z,5,"closed"'},
        {"line": 5, "raw": "ben,mug-blue,tomorrow,5,"},
    ]
    again = ended(server, server.http.post("/quarantine/retry", json={"source": source, "corrected": corrected}))
    assert (again["lines"], again["stored"], again["quarantined"]) == (3, 2, 1)
    assert counts(server)[("events", "bad_time")] == 1 and ("events", "bad_quotes") not in counts(server)
    # The mapping is mended.
    config = shop / "shop.toml"
    config.write_text(config.read_text().replace('path = "items.csv"', 'path = "items.csv"\nmissing = ["cheap"]'))
    of_items = server.http.post("/quarantine/retry", json={"source": items["source"]})
    assert ended(server, of_items)["stored"] == 1
    assert server.http.get("/items/pan").json()["price"] is None
    assert ended(server, server.http.post("/quarantine/retry", json={"source": source}))["quarantined"] == 2
    with Shop.open(shop) as opened, opened.records.read() as connection:
        for one in sources.read_all(connection):
            assert one.lines_done == one.stored + one.already_stored + one.quarantined
    none = server.http.post("/quarantine/retry", json={"source": source, "reason": "bad_json"})
    assert (none.status_code, none.json()["code"]) == (409, "nothing_refused")
    assert server.http.post("/quarantine/retry", json={"source": 99}).status_code == 404


def test_the_quarantine_is_downloaded(server: Any) -> None:
    answer = server.http.get("/quarantine/download", params={"reason": "too_few_fields"})
    assert answer.headers["Content-Disposition"].startswith("attachment")
    [row] = csv.DictReader(io.StringIO(answer.text))
    assert (row["file"], row["line"], row["raw"]) == ("events.csv", "7", "cat,kettle,2024-05-01T10:03:00Z,5")
    lines = server.http.get("/quarantine/download", params={"format": "jsonl"}).text.splitlines()
    assert "too_few_fields" in {json.loads(one)["reason"] for one in lines}


def test_a_file_is_sent_and_read_in_the_background(server: Any) -> None:
    sent = b"who,what,at,price,note\ndan,mug-red,2024-06-01T10:00:00Z,5,\ndan,nothing,2024-06-01T10:00:00Z,5,\n"

    def send(content: bytes, **params: Any) -> Any:
        headers = {"Content-Type": params.pop("kind", "text/csv")}
        return server.http.post("/imports", params={"table": "events", **params}, content=content, headers=headers)

    done = ended(server, send(sent, name="../../fix 1.csv"))
    assert (done["kind"], done["lines"], done["stored"], done["quarantined"]) == ("upload", 2, 1, 1)
    assert done["name"].endswith("fix_1.csv") and ".." not in done["name"]
    assert send(sent).json()["code"] == "ingested_before"
    assert send(b"a,b\n1,2\n").json()["code"] == "missing_column"
    assert send(sent, table="users").json()["code"] == "no_mapping"
    assert send(sent, kind="text/plain").status_code == 415
    as_lines = b'{"who": "eve", "what": "mug-red", "at": "2024-06-02T10:00:00Z"}\n'
    assert ended(server, send(as_lines, kind="application/x-ndjson", name="x"))["stored"] == 1
    assert "mug-red" in server.http.get("/users/eve/export").text


def test_an_event_is_looked_through_field_by_field(server: Any) -> None:
    def check(event: Any) -> Any:
        [found] = server.http.post("/events/check", json=event).json()["events"]
        return found

    good = check({"user_id": "ann", "item_id": "mug-red", "event": "view", "timestamp": "2024-05-01T12:00:00+02:00"})
    assert good["outcome"] == "stored" and good["stored"]["timestamp"] == "2024-05-01T10:00:00.000+00:00"
    bad = check({"user": "ann", "item_id": "mug-red", "event": "bought", "price": -1})
    by_field = {one["field"]: one for one in bad["fields"]}
    assert bad["outcome"] == "refused" and bad["stored"] is None
    assert by_field["user"]["is_known"] is False and "user_id" in by_field["user"]["hint"]
    assert by_field["event"]["errors"] and by_field["price"]["errors"] and not by_field["item_id"]["errors"]
    unknown = check({"user_id": "ann", "item_id": "no-such", "event": "view"})
    assert unknown["fields"][1]["errors"][0]["code"] == "unknown_item"
    assert check({"user_id": "nobody", "event": "view"})["outcome"] == "refused"
    assert server.http.get("/users/nobody/export").status_code == 404
