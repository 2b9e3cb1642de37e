"""Files that are sent are answered at once, read one after the other, and leave nothing on the disk."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shelfwise.errors import StateError
from shelfwise.ingest.run import FileImport
from shelfwise.serve import import_jobs, uploads
from shelfwise.serve.import_jobs import MAX_WAITING, UPLOADS, ImportJobs
from shelfwise.serve.uploads import LOCK, Upload, safe_name, sweep
from shelfwise.store import imports
from shelfwise.store.imports import Import
from shelfwise.store.records import Records

USERS = "user_id,city\nu,Bonn\n"


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    (tmp_path / "shop.toml").write_text('version = 1\n[ingest.users]\npath = "users.csv"\nattributes = ["city"]\n')
    found = Records.open("sqlite:///shop.db", tmp_path)
    yield found
    found.close()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Files that were sent are not read before it is set."""
    opened, run = threading.Event(), FileImport.run

    def held_up(self: FileImport, *arguments: object) -> object:
        assert opened.wait(20)
        return run(self, *arguments)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(FileImport, "run", held_up)
    return opened


async def body(text: str) -> AsyncIterator[bytes]:
    yield text.encode()


async def send(jobs: ImportJobs, text: str, name: str = "users.csv") -> int:
    async with asyncio.timeout(5):
        return await jobs.upload("users", name, body(text), "csv", "Kim")


def kept(records: Records) -> list[str]:
    return sorted(one.name for one in (records.folder / UPLOADS).iterdir() if one.name != LOCK)


def listed(records: Records, number: int) -> Import:
    with records.read() as connection:
        return imports.get(connection, number)


async def ended(records: Records, *numbers: int) -> None:
    async with asyncio.timeout(20):
        while any(listed(records, number).finished_at is None for number in numbers):
            await asyncio.sleep(0.01)


def test_the_same_file_twice_is_answered_twice_and_read_once(records: Records, gate: threading.Event) -> None:
    async def story() -> tuple[int, int]:
        jobs = ImportJobs(records)
        first, second = await send(jobs, USERS), await send(jobs, USERS)
        assert [listed(records, one).state for one in (first, second)] == ["running", "running"]
        gate.set()
        await ended(records, first, second)
        with pytest.raises(StateError, match="ingested before"):
            await send(jobs, USERS)
        await jobs.close()
        return first, second

    first, second = asyncio.run(story())
    assert (listed(records, first).state, listed(records, first).stored) == ("done", 1)
    assert listed(records, second).state == "failed"
    assert "ingested before" in (listed(records, second).failure or "")
    assert kept(records) == []


def test_a_full_queue_refuses_before_it_receives(records: Records, gate: threading.Event) -> None:
    async def story() -> None:
        jobs = ImportJobs(records)
        for number in range(MAX_WAITING):
            await send(jobs, USERS + f"{number},Bonn\n")
        assert len(kept(records)) == MAX_WAITING

        async def unread() -> AsyncIterator[bytes]:
            raise AssertionError("it was received")
            yield b""

        with pytest.raises(StateError, match="other imports wait"):
            await jobs.upload("users", "more.csv", unread(), "csv", "Kim")
        assert len(kept(records)) == MAX_WAITING
        gate.set()
        await jobs.close()
        assert kept(records) == []
        await send(jobs, USERS)  # places are free again
        await jobs.close()

    asyncio.run(story())


def test_an_import_that_waits_is_not_taken_for_interrupted(
    records: Records, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_jobs, "TOUCH_S", 0.02)
    monkeypatch.setattr(imports, "SILENT_MS", 1_000)

    async def story() -> None:
        jobs = ImportJobs(records)
        first, second = await send(jobs, USERS), await send(jobs, USERS + "v,Bonn\n")
        await asyncio.sleep(1.3)
        assert [listed(records, one).state for one in (first, second)] == ["interrupted", "running"]
        gate.set()
        await jobs.close()

    asyncio.run(story())


@pytest.mark.parametrize("name", ["é" * 200 + ".csv", "商" * 256, "../" + "." * 300, "a/b\\c d.csv", ""])
def test_whatever_the_name_the_file_is_kept_under_it(records: Records, name: str) -> None:
    async def story() -> int:
        jobs = ImportJobs(records)
        number = await send(jobs, USERS, name)
        await ended(records, number)
        await jobs.close()
        return number

    found = listed(records, asyncio.run(story()))
    assert found.state == "done" and found.name == f"uploads/{found.name.split('/')[1]}/{safe_name(name)}"
    assert len(safe_name(name).encode()) <= uploads.MAX_NAME_BYTES


def test_what_a_killed_process_left_is_swept_at_the_start_and_nothing_else(records: Records) -> None:
    folder = records.folder / UPLOADS
    killed = """
import os, pathlib, sys
from shelfwise.serve.uploads import Upload
Upload.make(pathlib.Path(sys.argv[1]), "x.csv").path.write_text("x")
os._exit(9)
"""
    subprocess.run([sys.executable, "-c", killed, folder], check=False)
    (folder / "of-an-earlier-release").mkdir()
    assert len(kept(records)) == 2
    mine = Upload.make(folder, "mine.csv")

    async def story() -> None:
        jobs = ImportJobs(records)
        jobs.start()
        await jobs.close()

    asyncio.run(story())
    assert kept(records) == [mine.path.parent.name]
    mine.remove()
    sweep(folder)
    assert kept(records) == []
