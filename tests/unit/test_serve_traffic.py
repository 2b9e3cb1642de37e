"""What a process counts is added to the store beside the requests; nothing is lost while the store is away."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection

from shelfwise.errors import ServiceError
from shelfwise.insight.latency import bucket_of
from shelfwise.pipeline.shortfalls import Shortfall
from shelfwise.serve.traffic import Traffic, TrafficWriter
from shelfwise.serve.writer import Writer
from shelfwise.store import traffic
from shelfwise.store.records import Records
from shelfwise.store.traffic import HOUR_S, Counted, Measure


class Away(Records):
    """Records of a store that can be away."""

    is_away = False

    @contextmanager
    def write(self) -> Generator[Connection]:
        if self.is_away:
            raise ServiceError("the store is away")
        with super().write() as connection:
            yield connection


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Away]:
    opened = Away(Records.open("sqlite:///s.db", tmp_path).engine, tmp_path)
    yield opened
    opened.close()


def test_what_is_counted_waits_while_the_store_is_away(records: Away) -> None:
    counted = Traffic()

    async def run() -> None:
        writer = TrafficWriter(counted, Writer(records))
        counted.answer("home", 0.004, [])
        records.is_away = True
        await writer.flush()
        counted.answer("home", 0.004, [Shortfall.LATE, Shortfall.FEW_CANDIDATES])
        await writer.flush()
        records.is_away = False
        await writer.flush()
        await writer.flush()
        counted.count(Measure.EVENT, {"click": 2})
        await writer.close()

    asyncio.run(run())
    with records.read() as connection:
        found = traffic.read(connection, 0, 2**40 // HOUR_S * HOUR_S, 2**40 // HOUR_S * HOUR_S)
    assert {(one.measure, one.label, one.bucket): one.n for one in found} == {
        (Measure.ANSWER, "home", bucket_of(0.004)): 2,
        (Measure.DEGRADED, "home", -1): 1,  # one answer, however much was short
        (Measure.SHORTFALL, "late", -1): 1,
        (Measure.SHORTFALL, "few_candidates", -1): 1,
        (Measure.EVENT, "click", -1): 2,
    }


@pytest.mark.parametrize(
    ("path", "is_traffic"),
    [
        ("/v1/recommend", True),
        ("/v1/no-such", True),
        ("/v1/insight/traffic", False),
        ("/v1/health/ready", False),
        ("/metrics", False),
        ("/console", False),
    ],
)
def test_who_looks_at_the_figures_is_not_in_them(path: str, is_traffic: bool) -> None:
    counted = Traffic()
    counted.request(path, "a route", "GET", 404, 0.001)
    expected = {Counted(Measure.REQUEST, "GET a route", bucket_of(0.001)): 1, Counted(Measure.STATUS, "4xx"): 1}
    assert dict(counted.take()) == (expected if is_traffic else {})
    assert dict(counted.take()) == {}
