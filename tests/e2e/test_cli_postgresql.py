"""A shop whose records are in PostgreSQL: every verb, and the answers that the same shop gives on SQLite."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from sqlalchemy import make_url

from shelfwise.testing.databases import of_postgresql

pytestmark = pytest.mark.online

Cli = Callable[..., Any]

PASSWORD = "hush-hush"
"""Given to a server that asks for none, or for its own."""

OF_THIS_TIME = ("slate_id", "model_version", "version")


def in_postgresql(folder: Path, url: str) -> None:
    address = make_url(url)
    address = address if address.password is not None else address.set(password=PASSWORD)
    lines = (folder / "shop.toml").read_text(encoding="utf-8").splitlines()
    written = f'records = "{address.render_as_string(hide_password=False)}"'
    assert any(line.startswith("# records = ") for line in lines)
    kept = [written if line.startswith("# records = ") else line for line in lines]
    (folder / "shop.toml").write_text("\n".join(kept) + "\n", encoding="utf-8")


def lasting(document: Any) -> Any:
    """A document without what differs from one run to the next."""
    if isinstance(document, dict):
        return {
            key: lasting(value)
            for key, value in document.items()
            if key not in OF_THIS_TIME and not key.endswith(("_s", "_ms"))
        }
    return [lasting(one) for one in document] if isinstance(document, list) else document


@pytest.fixture(scope="module")
def shop(trained_template: Path, tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Iterator[Path]:
    """The trained shop of the other tests, ingested and trained anew over PostgreSQL."""
    with of_postgresql() as url:
        folder = tmp_path_factory.mktemp("postgresql") / "shop"
        shutil.copytree(trained_template, folder, ignore=shutil.ignore_patterns("models", "vectors", "*.db*", "runs"))
        in_postgresql(folder, url)
        ran = cli("ingest", "--shop", folder, "--json")
        assert ran.code == 0, ran.err
        assert [(one["table"], one["stored"], one["quarantined"]) for one in ran.document] == [
            ("items", 40, 0),
            ("events", 280, 0),
        ]
        ran = cli("train", "--shop", folder, "--json")
        assert ran.code == 0, ran.err
        yield folder


def test_nothing_is_read_twice(cli: Cli, shop: Path) -> None:
    assert all(one["skipped"] for one in cli("ingest", "--shop", shop, "--json").document)


@pytest.mark.parametrize(
    "asked",
    [
        ("--user", "user-0"),
        ("--user", "user-17", "--k", "40"),
        ("--user", "nobody"),
        ("--scenario", "item", "--item", "boot-red"),
        ("--scenario", "cart", "--item", "mug-red", "--item", "lamp-blue"),
        ("--scenario", "trending",),
        ("--scenario", "email", "--user", "user-5"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_answers_are_those_of_sqlite(cli: Cli, shop: Path, trained_template: Path, asked: tuple[str, ...]) -> None:
    ours = cli("recommend", "--shop", shop, *asked, "--json")
    theirs = cli("recommend", "--shop", trained_template, *asked, "--json")
    assert (ours.code, theirs.code) == (0, 0), ours.err + theirs.err
    assert lasting(ours.document) == lasting(theirs.document)
    assert ours.document["items"]


def test_everybodys_lists_are_those_of_sqlite(cli: Cli, shop: Path, trained_template: Path, tmp_path: Path) -> None:
    lists: list[pl.DataFrame] = []
    for place, folder in enumerate((shop, trained_template)):
        output = tmp_path / f"{place}.parquet"
        assert cli("recommend", "--shop", folder, "--all-users", "--output", output, "--k", "10").code == 0
        lists.append(pl.read_parquet(output))
    assert lists[0].height == 400
    assert lists[0].equals(lists[1])


@pytest.mark.parametrize("protocol", ["leave-one-out", "time-split"])
def test_evaluations_are_those_of_sqlite(cli: Cli, shop: Path, trained_template: Path, protocol: str) -> None:
    ours, theirs = (
        cli("evaluate", "--shop", folder, "--protocol", protocol, "--json").document
        for folder in (shop, trained_template)
    )
    assert lasting(ours["rows"]) == lasting(theirs["rows"])


def test_doctor_and_models(cli: Cli, shop: Path) -> None:
    findings = {one["what"]: one for one in cli("doctor", "--shop", shop, "--json").document}
    assert findings["records"]["ok"]
    assert findings["model"]["ok"]
    assert [one["in_service"] for one in cli("models", "list", "--shop", shop, "--json").document] == [True]


def test_a_shop_moves_from_sqlite_with_its_model(
    cli: Cli, trained: Path, trained_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with of_postgresql() as url:
        monkeypatch.setenv("NEW_PLACE", url)
        ran = cli("records", "copy", "${NEW_PLACE}", "--shop", trained, "--json")
        assert ran.code == 0, ran.err
        assert (ran.document["items"], ran.document["events"]) == (40, 280)
        again = cli("records", "copy", "${NEW_PLACE}", "--shop", trained, "--json")
        assert (again.code, again.document["error"]["code"]) == (2, "target_not_empty")
        in_postgresql(trained, url)
        (trained / "shelfwise.db").unlink()
        for asked in (("--user", "user-0"), ("--scenario", "item", "--item", "boot-red")):
            ours, theirs = (
                cli("recommend", "--shop", folder, *asked, "--json").document for folder in (trained, trained_template)
            )
            assert lasting(ours) == lasting(theirs)
        assert all(one["skipped"] for one in cli("ingest", "--shop", trained, "--json").document)
        ran = cli("records", "downgrade", "9999", "--shop", trained, "--json")
        assert (ran.code, ran.document["error"]["code"]) == (2, "unknown_revision")
        assert cli("records", "downgrade", "0003", "--shop", trained, "--json").document == {"revision": "0003"}
        assert cli("doctor", "--shop", trained).code == 0


def test_no_file_beside_the_shops_own_holds_the_password(cli: Cli, shop: Path) -> None:
    ran = cli("check", "--shop", shop)
    assert PASSWORD not in ran.out + ran.err
    files = [path for path in shop.rglob("*") if path.is_file() and path.name != "shop.toml"]
    manifests = [json.loads(path.read_text()) for path in files if path.name == "manifest.json"]
    assert ["***@" in one["config"]["store"]["records"] for one in manifests] == [True]
    for path in files:
        assert PASSWORD.encode() not in path.read_bytes(), path


def test_a_database_that_is_down_is_exit_code_3(cli: Cli, shop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(shop, folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = probe.getsockname()[1]
    text = (folder / "shop.toml").read_text(encoding="utf-8").splitlines()
    written = f'records = "postgresql://shop:{PASSWORD}@127.0.0.1:{nobody}/shop"'
    (folder / "shop.toml").write_text("\n".join(written if line.startswith("records = ") else line for line in text))
    for verb in ("ingest", "train", "recommend", "evaluate", "serve"):
        ran = cli(verb, "--shop", folder)
        assert ran.code == 3, (verb, ran.err)
        assert PASSWORD not in ran.err
        assert "is the server running" in " ".join(ran.err.split())


def test_serve_answers_learns_and_stops(cli: Cli, shop: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    at = ("--port", str(port), "--workers", "2")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    with (shop.parent / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*(sys.executable, "-m", "shelfwise.cli.main"), *("serve", "--shop", str(shop)), *at],
            stdout=log,
            stderr=log,
            env=environment,
        )
    told = shop.parent / "server.log"
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/v1", timeout=20) as http:
        try:
            _wait_for(http, process, told)
            before = http.post("/recommend", json={"user_id": "user-0", "k": 3}).json()
            assert before["items"][0]["item_id"] == "mug-brown"
            event = {"event_id": "one", "user_id": "new", "item_id": "kite-red", "event": "purchase"}
            assert http.post("/events", json=[event, event]).status_code == 202
            after = http.post("/recommend", json={"user_id": "new", "k": 3}).json()
            assert after["items"][0]["item_id"] == "kite-blue"
            assert http.put("/items/kite-gold", json={"title": "Gold kite"}).status_code in (200, 201)
            assert http.get("/items/kite-gold").json()["title"] == "Gold kite"
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0, told.read_text()
    assert "Traceback" not in told.read_text()
    assert PASSWORD not in told.read_text()
    findings = {one["what"]: one for one in cli("doctor", "--shop", shop, "--json").document}
    assert findings["records"]["found"] == "41 items, 281 events"


def _wait_for(http: httpx.Client, process: subprocess.Popen[bytes], told: Path) -> None:
    started = time.monotonic()
    while True:
        try:
            if http.get("/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert process.poll() is None and time.monotonic() - started < 60, told.read_text()
        time.sleep(0.05)
