"""What machines do to a server: a disk without room, a clock that is set back. Nothing acknowledged is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from shelfwise.store.records import Records
from shelfwise.store.tables import events

pytestmark = pytest.mark.online

ROOM = "24m"
FAKETIME = next(iter(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that a test may fill."""
    folder = tmp_path / "small-disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        reason = "this user may not mount a small file system"
        (pytest.fail if os.environ.get("SHELFWISE_REQUIRE_SERVICES") else pytest.skip)(reason)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def send(server: Any, number: int, **fields: Any) -> int:
    event = {"event_id": f"e{number}", "user_id": "user-1", "item_id": "mug-red", "event": "view"}
    answer = server.http.post("/events", json=event | fields)
    assert answer.status_code in (202, 503), answer.text
    if answer.status_code == 503:
        assert answer.json()["code"] == "service_down"
        assert int(answer.headers["retry-after"]) >= 1
    return answer.status_code


def stored(url: str, shop: Path) -> int:
    records = Records.open(url, shop)
    with records.read() as connection:
        found = connection.execute(select(events.c.seq)).fetchall()
    records.close()
    return len(found)


def test_a_full_disk_refuses_events_and_answers_go_on(tiny_shop: Path, small_disk: Path, serve: Any) -> None:
    for part in tiny_shop.glob("shelfwise.db*"):
        shutil.move(part, small_disk / part.name)
    url = f"sqlite:///{small_disk}/shelfwise.db"
    with (tiny_shop / "shop.toml").open("a") as file:
        file.write(f'[store]\nrecords = "{url}"\n')
    before, acknowledged = stored(url, tiny_shop), 0
    with serve(tiny_shop) as server:
        assert send(server, 0) == 202
        ballast = small_disk / "ballast"
        with ballast.open("wb", buffering=0) as file:
            while True:
                try:
                    file.write(bytes(65_536))
                except OSError:
                    break
        answers = [send(server, number, session_id="s" * 200) for number in range(1, 120)]
        assert answers[-1] == 503
        acknowledged = 1 + answers.count(202)  # the log had some room left
        for user in ("user-1", "user-2", "nobody"):
            answer = server.http.post("/recommend", json={"user_id": user, "k": 5})
            assert answer.status_code == 200
            assert len(answer.json()["items"]) == 5
        ballast.unlink()
        ends_at = time.monotonic() + 20
        while send(server, 500) != 202:
            assert time.monotonic() < ends_at
            time.sleep(0.1)
        # What was refused comes once more, as clients send it: all of it is there now, once.
        assert all(send(server, number, session_id="s" * 200) == 202 for number in range(120))
    assert acknowledged <= 120
    assert stored(url, tiny_shop) == before + 121


@pytest.mark.skipif(
    FAKETIME is None and not os.environ.get("SHELFWISE_REQUIRE_SERVICES"),
    reason="clocks are set by libfaketime (Debian's package faketime)",
)
def test_a_clock_that_is_set_back_loses_nothing(tiny_shop: Path, serve: Any, tmp_path: Path) -> None:
    assert FAKETIME is not None
    clock = tmp_path / "clock"
    clock.write_text("+0")
    # Of those who answer. The supervisor stops them between sleeps of a millisecond: the library refuses a sleep that
    # is over before it looks, which is so now and then on a busy machine.
    set_back = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    before = stored("sqlite:///shelfwise.db", tiny_shop)
    with serve(tiny_shop, of_workers=set_back) as server:
        asked = {"user_id": "traveller", "k": 5}
        server.http.post("/events", json={"user_id": "traveller", "item_id": "pen-red", "event": "purchase"})
        of_pens = server.http.post("/recommend", json=asked).json()
        clock.write_text("-6h")
        assert send(server, 1) == 202
        # Of the shop's server, whose clock was right: it is told of what is still to come, and takes it.
        assert send(server, 2, timestamp=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())) == 202
        for item in ("kite-red", "kite-blue", "kite-green"):
            event = {"user_id": "traveller", "item_id": item, "event": "purchase"}
            assert server.http.post("/events", json=event).status_code == 202
        of_kites = server.http.post("/recommend", json=asked).json()
        shown = [item["item_id"].partition("-")[0] for item in of_kites["items"]]
        assert of_kites["items"] != of_pens["items"]
        assert "kite" in shown
        assert not {"kite-red", "kite-blue", "kite-green"} & {item["item_id"] for item in of_kites["items"]}
        ends_at = time.monotonic() + 20
        while (kept := server.http.get(f"/slates/{of_kites['slate_id']}")).status_code != 200:
            assert time.monotonic() < ends_at
            time.sleep(0.1)
        told_at = datetime.fromisoformat(kept.json()["at"])
        assert datetime.now(UTC) - told_at > timedelta(hours=5)  # the clock was set back indeed
    assert stored("sqlite:///shelfwise.db", tiny_shop) == before + 6
