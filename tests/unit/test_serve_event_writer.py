"""Events of many requests in one batch: each request is told what became of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.errors import ServiceError
from shelfwise.schemas.items import Item
from shelfwise.serve import event_writer
from shelfwise.serve.event_writer import EventWriter, part_of
from shelfwise.serve.writer import Job, Told, Writer
from shelfwise.store import catalogue, event_log
from shelfwise.store.event_log import AppendOutcome, EventRow, Twin
from shelfwise.store.records import Records


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records.open("sqlite:///s.db", tmp_path)
    with opened.write() as connection:
        catalogue.upsert(connection, [Item(item_id="mug", title="Mug")])
    yield opened
    opened.close()


def event(name: str, item: str = "mug") -> EventRow:
    return EventRow(name.ljust(16).encode(), "somebody", item, 1, 1_700_000_000_000)


class CountedWriter(Writer):
    n_jobs = 0

    def submit(self, job: Job, told: Told) -> None:
        self.n_jobs += 1
        super().submit(job, told)


def test_each_request_is_told_of_its_own_events(records: Records) -> None:
    async def run() -> tuple[list[AppendOutcome], int]:
        writer = CountedWriter(records)
        events = EventWriter(writer)
        sent = [[event("first")], *([event(f"e{number}"), event("gone", "nothing")] for number in range(40))]
        sent += [[event("e3"), event("new")], [event("new")]]
        outcomes = await asyncio.gather(*(events.append(rows) for rows in sent))
        await events.close()
        await writer.close()
        return outcomes, writer.n_jobs

    outcomes, n_jobs = asyncio.run(run())
    assert n_jobs <= 2  # what came while the first was stored came together
    assert [outcome.stored for outcome in outcomes[:41]] == [[0]] * 41
    assert [outcome.unknown_items for outcome in outcomes[1:41]] == [[1]] * 40
    assert (outcomes[41].stored, list(outcomes[41].twins)) == ([1], [0])
    assert (outcomes[42].stored, list(outcomes[42].twins)) == ([], [0])
    with records.read() as connection:
        assert event_log.count(connection) == 42


def test_a_refusal_is_told_to_all_who_waited_and_the_next_go_on(records: Records) -> None:
    class Refusing(Writer):
        refuses = True

        def submit(self, job: Job, told: Told) -> None:
            if self.refuses:
                error = ServiceError("the records store refused")
                asyncio.get_running_loop().call_later(0.01, told, error)
            else:
                super().submit(job, told)

    async def run() -> None:
        writer = Refusing(records)
        events = EventWriter(writer)
        outcomes = await asyncio.gather(*(events.append([event(str(n))]) for n in range(5)), return_exceptions=True)
        assert all(isinstance(outcome, ServiceError) for outcome in outcomes)
        writer.refuses = False
        assert (await events.append([event("later")])).stored == [0]

    asyncio.run(run())


def test_more_than_may_wait_is_refused_at_once(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_writer, "MAX_WAITING", 3)

    async def run() -> list[AppendOutcome | BaseException]:
        writer = Writer(records)
        events = EventWriter(writer)
        # The first is being stored, and waits no more.
        return await asyncio.gather(*(events.append([event(str(n))]) for n in range(7)), return_exceptions=True)

    outcomes = asyncio.run(run())
    busy = [one for one in outcomes if isinstance(one, ServiceError)]
    assert [one.code for one in busy] == ["busy"] * 3
    assert sum(isinstance(one, AppendOutcome) for one in outcomes) == 4


@given(st.lists(st.sampled_from("stue"), max_size=30), st.lists(st.integers(0, 5), max_size=8))
def test_parts_are_the_whole(kinds: list[str], lengths: list[int]) -> None:
    whole = AppendOutcome(
        [place for place, kind in enumerate(kinds) if kind == "s"],
        {place: Twin(None, place) for place, kind in enumerate(kinds) if kind == "t"},
        [place for place, kind in enumerate(kinds) if kind == "u"],
        [place for place, kind in enumerate(kinds) if kind == "e"],
    )
    start, found = 0, list[str]()
    for length in lengths:
        end = min(start + length, len(kinds))
        part = part_of(whole, start, end)
        told = dict.fromkeys(part.stored, "s") | dict.fromkeys(part.twins, "t")
        told |= dict.fromkeys(part.unknown_items, "u") | dict.fromkeys(part.erased, "e")
        found += [told[place] for place in range(end - start)]
        start = end
    assert found == kinds[:start]
