"""A real shop's file adds up, and a killed ingest loses and doubles nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from shelfwise.config.ingest import EventsSpec, ItemsSpec
from shelfwise.ingest.guess import guess
from shelfwise.ingest.run import ingest_table
from shelfwise.store import catalogue, event_log, sources
from shelfwise.store.migrations.run import downgrade
from shelfwise.store.records import Records
from shelfwise.store.tables import events, items, users
from shelfwise.testing.databases import of_postgresql, of_sqlite

DEMO = Path(__file__).parents[2] / "src/shelfwise/cli/demo_shop/online_retail.parquet"
LINES = 541_909
KILLS = 20
KILLS_OF_A_CLIENT = 10  # what a server has of a killed client is less than what a file has
LOG_LINES = 16_000


def test_the_demo_shops_file_adds_up(tmp_path: Path) -> None:
    spec = guess(DEMO, DEMO).spec
    assert spec.items is not None and spec.events is not None
    records = Records.open("sqlite:///s.db", tmp_path)
    seen: list[tuple[int, int | None, int, int]] = []

    def show(lines: int, lines_total: int | None, bytes_done: int, bytes_total: int) -> None:
        seen.append((lines, lines_total, bytes_done, bytes_total))

    reports = [
        ingest_table(records, spec.items, tmp_path, "items", progress=show),
        ingest_table(records, spec.events, tmp_path, "events"),
    ]
    for report in reports:
        assert report.lines == LINES == report.stored + report.already_stored + report.quarantined
    assert seen[-1] == (LINES, LINES, DEMO.stat().st_size, DEMO.stat().st_size)
    again = ingest_table(records, spec.events, tmp_path, "events")
    assert again.skipped
    assert (again.stored, again.by_reason) == (reports[1].stored, reports[1].by_reason)
    with records.read() as connection:
        assert event_log.count(connection) == reports[1].stored
        assert sources.refused_by_reason(connection, again.source) == {
            found.reason.value: found.count for found in again.by_reason
        }
        mug = catalogue.get(connection, "85123A")
        assert mug is not None
        # Its rows also say "?" and "wrongly marked carton 22804".
        assert (mug.item.title, mug.item.price) == ("WHITE HANGING HEART T-LIGHT HOLDER", 2.95)
    records.close()


CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from shelfwise.config.ingest import EventsSpec, ItemsSpec
from shelfwise.ingest.run import ingest_table
from shelfwise.store.records import Records

folder = Path(sys.argv[1])
records = Records.open(sys.argv[2], folder)
now = datetime(2024, 6, 1, tzinfo=UTC)
common = {"path": "log.csv", "batch_rows": 500}
print("go", flush=True)
ingest_table(records, ItemsSpec(**common, many_rows="most-common"), folder, "items", now=now)
ingest_table(records, EventsSpec(**common), folder, "events", now=now)
records.close()
"""


def contents(folder: Path, url: str) -> dict[str, Any]:
    """Everything in a store but the moment at which a file was begun, and the numbers that killed writers took."""
    records = Records.open(url, folder)
    with records.read() as connection:
        check_integrity(connection)
        found = {
            "events": [tuple(row)[1:] for row in connection.execute(events.select().order_by(events.c.seq))],
            "items": [tuple(row) for row in connection.execute(items.select().order_by(items.c.row))],
            "users": [tuple(row) for row in connection.execute(users.select().order_by(users.c.row))],
            "refused": list(sources.read_refused(connection)),
            "sources": sources.read_all(connection),
        }
    records.close()
    return found


def check_integrity(connection: Connection) -> None:
    """SQLite's file is ours; PostgreSQL looks after its own."""
    if connection.dialect.name == "sqlite":
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def read_sources(folder: Path, url: str) -> list[sources.Source]:
    """How far the files are, after the store was found to be sound."""
    records = Records.open(url, folder)
    with records.read() as connection:
        check_integrity(connection)
        found = sources.read_all(connection)
    records.close()
    return found


def write_log(folder: Path, n: int) -> None:
    """A log with repeated, impossible and unfinished rows in it."""
    draw = random.Random(7)
    with (folder / "log.csv").open("w") as out:
        out.write("user_id,item_id,title,event,timestamp,price\n")
        for k in range(n):
            minute = f"2024-01-{draw.randrange(1, 29):02} {draw.randrange(24):02}:{draw.randrange(60):02}"
            item = draw.randrange(400)
            row = f"u{draw.randrange(900)},P{item},Mug {item},view,{minute},{draw.randrange(1, 9)}"
            kind = k % 50
            out.write({7: row.rsplit(",", 1)[0], 9: row + "x", 11: row.replace(",view", ",gaze")}.get(kind, row) + "\n")
            if kind == 13:
                out.write(row + "\n")


def start(folder: Path, url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CHILD, str(folder), url], stdout=subprocess.PIPE)


def begin_anew(folder: Path, url: str) -> None:
    """As if nothing had been ingested."""
    records = Records.open(url, folder)
    downgrade(records.engine, "base")
    records.close()


@pytest.mark.parametrize(
    ("database", "kills"),
    [(of_sqlite, KILLS), pytest.param(of_postgresql, KILLS_OF_A_CLIENT, marks=pytest.mark.online)],
)
def test_kills_lose_and_double_nothing(
    tmp_path: Path, database: Callable[[], AbstractContextManager[str]], kills: int
) -> None:
    with database() as calm_url, database() as killed_url:
        kill(kills, tmp_path, calm_url, killed_url)


def kill(kills: int, tmp_path: Path, calm_url: str, killed_url: str) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
        write_log(folder, LOG_LINES)
    began = time.monotonic()
    calm = start(whole, calm_url)
    assert calm.stdout is not None
    calm.stdout.readline()
    working_s = -(time.monotonic() - began)
    assert calm.wait() == 0
    working_s += time.monotonic() - began
    draw = random.Random(11)
    killed = in_the_middle = 0
    while killed < kills:
        child = start(broken, killed_url)
        assert child.stdout is not None
        assert child.stdout.readline() == b"go\n"
        # A file that is finished is begun anew, so that every kill hits work.
        time.sleep(draw.uniform(0, working_s / 4))
        if child.poll() is None:
            os.kill(child.pid, signal.SIGKILL)
            killed += 1
        child.wait()
        child.stdout.close()
        states = read_sources(broken, killed_url)
        in_the_middle += any(state.lines_done > 0 and not state.finished for state in states)
        if len(states) == 2 and states[1].finished:
            begin_anew(broken, killed_url)
    # The test means something only where kills met a half-read file.
    assert in_the_middle >= kills // 4
    last = start(broken, killed_url)
    assert last.wait() == 0
    calm.stdout.close()
    assert contents(broken, killed_url) == contents(whole, calm_url)


@pytest.mark.parametrize("table", ["items", "events"])
def test_memory_does_not_follow_the_file(tmp_path: Path, table: str) -> None:
    # The same 300 items over and over: three times the lines must not take more than a little more memory.
    script = CHILD.replace('"batch_rows": 500', '"batch_rows": 5000') + (
        "import resource\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    if table == "items":
        script = script.replace("ingest_table(records, EventsSpec", "0 and ingest_table(records, EventsSpec")
    peaks: list[int] = []
    for n in (40_000, 160_000):
        folder = tmp_path / str(n)
        folder.mkdir()
        write_log(folder, n)
        done = subprocess.run(
            [sys.executable, "-c", script, str(folder), "sqlite:///s.db"], capture_output=True, check=True
        )
        peaks.append(int(done.stdout.split()[-1]))
    assert peaks[1] - peaks[0] < 60_000, peaks


def test_events_and_items_specs_are_two_sources_of_one_file(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id,event,timestamp\nu,A,view,2024-01-01\n")
    records = Records.open("sqlite:///s.db", tmp_path)
    ingest_table(records, ItemsSpec(path="log.csv"), tmp_path, "items")
    assert not ingest_table(records, EventsSpec(path="log.csv"), tmp_path, "events").skipped
    with records.read() as connection:
        assert len(sources.read_all(connection)) == 2
    records.close()
