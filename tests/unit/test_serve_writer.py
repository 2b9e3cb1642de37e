"""Group commit: many waiting requests, few transactions, and one that fails costs no other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Connection

from shelfwise.errors import ServiceError
from shelfwise.schemas.items import Item
from shelfwise.serve.writer import MAX_JOBS, Writer
from shelfwise.store import catalogue
from shelfwise.store.records import Records


class Counting(Records):
    """Records that count their transactions."""

    n_transactions = 0

    @contextmanager
    def write(self) -> Iterator[Connection]:
        self.n_transactions += 1
        with super().write() as connection:
            yield connection


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Counting]:
    opened = Counting(Records.open("sqlite:///s.db", tmp_path).engine, tmp_path)
    yield opened
    opened.close()


def put(number: int, *, fails: bool = False) -> Callable[[Connection], int]:
    def job(connection: Connection) -> int:
        catalogue.upsert(connection, [Item(item_id=str(number))])
        if fails:
            raise ValueError(f"job {number}")
        return number

    return job


def stored(records: Records) -> set[str]:
    with records.read() as connection:
        return {entry.item.item_id for entry in catalogue.read_all(connection)}


def test_what_waits_together_is_committed_together(records: Counting) -> None:
    async def run() -> list[int]:
        writer = Writer(records)
        return await asyncio.gather(*(writer.run(put(number)) for number in range(3 * MAX_JOBS)))

    assert asyncio.run(run()) == list(range(3 * MAX_JOBS))
    assert records.n_transactions == 4  # the first began at once, alone
    assert len(stored(records)) == 3 * MAX_JOBS


def test_a_job_that_fails_costs_no_other(records: Counting) -> None:
    async def run() -> list[int | BaseException]:
        writer = Writer(records)
        jobs = [writer.run(put(number, fails=number == 3)) for number in range(6)]
        return await asyncio.gather(*jobs, return_exceptions=True)

    found = asyncio.run(run())
    assert [one for one in found if isinstance(one, int)] == [0, 1, 2, 4, 5]
    assert isinstance(found[3], ValueError)
    assert stored(records) == {"0", "1", "2", "4", "5"}


def test_a_store_that_refuses_fails_all_and_the_writer_goes_on(records: Counting) -> None:
    def refuse(_: Connection) -> int:
        raise ServiceError("full")

    async def run() -> list[int | BaseException]:
        writer = Writer(records)
        jobs = (put(0), put(1), refuse)  # the first begins at once, alone
        first = await asyncio.gather(*(writer.run(job) for job in jobs), return_exceptions=True)
        return [*first, await writer.run(put(2))]

    alone, *together, later = asyncio.run(run())
    assert all(isinstance(one, ServiceError) for one in together)
    assert (alone, later) == (0, 2)
    assert stored(records) == {"0", "2"}


def test_closing_waits_for_what_was_asked(records: Counting) -> None:
    go = Event()

    def slow(connection: Connection) -> int:
        go.wait(5)
        return put(1)(connection)

    async def run() -> None:
        writer = Writer(records)
        tasks = [asyncio.create_task(writer.run(job)) for job in (slow, put(2))]
        await asyncio.sleep(0.01)
        go.set()
        await writer.close()
        assert stored(records) == {"1", "2"}
        await asyncio.gather(*tasks)

    asyncio.run(run())


def test_a_caller_that_goes_away_stops_nobody(records: Counting) -> None:
    go = Event()

    def slow(connection: Connection) -> int:
        go.wait(5)
        return put(1)(connection)

    async def run() -> int:
        writer = Writer(records)
        leaving = asyncio.create_task(writer.run(slow))
        await asyncio.sleep(0.01)
        leaving.cancel()
        go.set()
        return await writer.run(put(2))

    assert asyncio.run(run()) == 2
    assert stored(records) == {"1", "2"}


def test_who_holds_all_threads_that_others_share_does_not_hold_the_writer(records: Counting) -> None:
    async def run() -> int:
        loop, released = asyncio.get_running_loop(), threading.Event()
        loop.set_default_executor(ThreadPoolExecutor(1))
        held = asyncio.create_task(asyncio.to_thread(released.wait, 30))  # an import, say
        await asyncio.sleep(0)
        try:
            return await asyncio.wait_for(Writer(records).run(put(1)), 10)
        finally:
            released.set()
            await held

    assert asyncio.run(run()) == 1


def test_who_cannot_be_told_costs_nobody_what_he_waits_for(records: Counting) -> None:
    def deaf(_: object) -> None:
        raise ValueError("not listening")

    def stops(_: Connection) -> int:
        raise StopIteration  # which no future takes

    async def run() -> int:
        writer = Writer(records)
        writer.submit(put(0), deaf)
        lost = asyncio.create_task(writer.run(stops))
        writer.submit(put(1), deaf)
        found = await asyncio.wait_for(writer.run(put(2)), 10)
        lost.cancel()
        await writer.close()
        return found

    assert asyncio.run(run()) == 2
    assert stored(records) == {"0", "1", "2"}
