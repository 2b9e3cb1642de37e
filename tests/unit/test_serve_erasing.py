"""People who wait to be erased are seen to together: all users are read, and the store is rebuilt, once for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from shelfwise.config.shop import ShopConfig
from shelfwise.errors import ServiceError
from shelfwise.pipeline import erasure
from shelfwise.pipeline.erasure import Erased, Eraser, Receipt
from shelfwise.serve.erasing import Erasing
from shelfwise.serve.writer import Writer
from shelfwise.store import people, unfinished_erasures
from shelfwise.store.records import Records

USERS = [f"user-{n}" for n in range(6)]


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records.open("sqlite:///shop.db", tmp_path)
    with opened.write() as connection:
        people.upsert(connection, [(user, {"about": f"likes {user}"}) for user in (*USERS, "visitor:x")])
    yield opened
    opened.close()


class Watched:
    """What erasing does, in its order; the first look at files waits until it may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.may_go_on, self.is_at_it = threading.Event(), threading.Event()
        self.together: list[list[str]] = []
        self.n_read = 0
        self.fails = False
        clean_up, read = Eraser.clean_up, erasure.speaking_of_all

        def cleaned(eraser: Eraser, erased: Sequence[Erased], up_to_bytes: int | None = None) -> list[Receipt]:
            self.together.append(sorted(one.user_id for one in erased))
            self.is_at_it.set()
            assert self.may_go_on.wait(10)
            if self.fails:
                self.fails = False
                raise ServiceError("others are reading")
            return clean_up(eraser, erased, up_to_bytes)

        def of_all(records: Records) -> tuple[str, ...]:
            self.n_read += 1
            return read(records)

        monkeypatch.setattr(Eraser, "clean_up", cleaned)
        monkeypatch.setattr(erasure, "speaking_of_all", of_all)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


def erasing(records: Records) -> Erasing:
    return Erasing(records, ShopConfig(version=1), Writer(records))


async def waits_behind_the_first(
    started: Erasing, watched: Watched, others: list[str]
) -> tuple[asyncio.Task[Receipt], list[asyncio.Task[Receipt]]]:
    """One is being seen to, and these others wait, their records gone."""

    def begin(user: str) -> asyncio.Task[Receipt]:
        return asyncio.create_task(started.erase(user, "somebody", gone.append))

    gone = list[Erased]()
    first = begin(USERS[0])
    await asyncio.to_thread(watched.is_at_it.wait, 10)
    rest = [begin(user) for user in others]
    while len(gone) <= len(others):
        await asyncio.sleep(0.01)
    return first, rest


def test_who_waits_is_seen_to_together_and_gets_a_receipt_of_his_own(records: Records, watched: Watched) -> None:
    async def run() -> list[Receipt]:
        started = erasing(records)
        others = [*USERS[1:], "visitor:x"]
        first, rest = await waits_behind_the_first(started, watched, others)
        assert started.n_waiting == 7
        watched.may_go_on.set()
        receipts = await asyncio.gather(first, *rest)
        assert started.n_waiting == 0
        await started.close()
        return receipts

    receipts = asyncio.run(run())
    assert watched.together == [[USERS[0]], [*USERS[1:], "visitor:x"]]
    assert watched.n_read == 2
    assert len({one.receipt for one in receipts}) == 7
    with records.read() as connection:
        assert people.read_attributes(connection) == {}
        assert unfinished_erasures.read_all(connection) == []


def test_nothing_is_read_for_a_browser(records: Records, watched: Watched) -> None:
    async def run() -> None:
        watched.may_go_on.set()
        await erasing(records).erase("visitor:x", "somebody", lambda _: None)

    asyncio.run(run())
    assert watched.n_read == 0


def test_all_users_are_read_once_for_whoever_asks_meanwhile(records: Records, watched: Watched) -> None:
    async def run() -> None:
        watched.may_go_on.set()
        started = erasing(records)
        await asyncio.gather(*(started.erase(user, "somebody", lambda _: None) for user in USERS))

    asyncio.run(run())
    assert watched.n_read == 1


def test_whose_connection_breaks_holds_up_nobody(records: Records, watched: Watched) -> None:
    async def run() -> Receipt:
        started = erasing(records)
        first, [second, third] = await waits_behind_the_first(started, watched, USERS[1:3])
        for one in (first, second):
            one.cancel()
        await asyncio.sleep(0.05)
        watched.may_go_on.set()
        receipt = await asyncio.wait_for(third, 10)
        await started.close()
        return receipt

    assert asyncio.run(run()).rows.attributes == 1
    with records.read() as connection:
        assert unfinished_erasures.read_all(connection) == []


def test_what_fails_is_told_to_those_it_failed_for_and_the_next_go_on(records: Records, watched: Watched) -> None:
    async def run() -> Receipt:
        started = erasing(records)
        watched.fails = True
        first, [second] = await waits_behind_the_first(started, watched, USERS[1:2])
        watched.may_go_on.set()
        with pytest.raises(ServiceError, match="others are reading"):
            await first
        receipt = await asyncio.wait_for(second, 10)
        await started.close()
        return receipt

    assert asyncio.run(run()).rows.attributes == 1
