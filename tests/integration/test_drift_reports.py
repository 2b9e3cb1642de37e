"""Whoever looks at drift how often: a store that hangs holds one thread, and nobody waits for it at length."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url

from shelfwise.errors import ServiceError
from shelfwise.pipeline.as_trained import Asked, Asker, AsTrained, PlaceAsTrained
from shelfwise.pipeline.category_groups import CategoryGroups
from shelfwise.serve import drift_reports
from shelfwise.serve.drift_reports import DriftReports
from shelfwise.store.records import Records
from shelfwise.testing.databases import of_postgresql

pytestmark = pytest.mark.online


@pytest.fixture
def url() -> Iterator[str]:
    with of_postgresql() as found:
        yield found


@contextmanager
def opened(url: str, folder: Path) -> Generator[Records]:
    records = Records.open(url, folder)
    try:
        yield records
    finally:
        records.close()


@contextmanager
def held(url: str) -> Generator[None]:
    """Somebody writes the table anew in which drift is counted."""
    address = make_url(url)
    schema = address.query["schema"]
    engine = create_engine(address.difference_update_query(["schema"]))
    with engine.begin() as connection:
        connection.exec_driver_sql(f"LOCK TABLE {schema}.traffic IN ACCESS EXCLUSIVE MODE")
        yield
    engine.dispose()


def model(name: str = "v1") -> Any:
    answers = [Asked(Asker.BACK, [0.9, 0.1], [0, 1], 1.0), Asked(Asker.BACK, [0.8, 0.2], [1, 0], 1.0)]
    place = PlaceAsTrained.of(answers, is_about_items=False, has_scores=True, n_groups=4, share=1.0)
    assert place is not None
    return SimpleNamespace(name=name, as_trained=AsTrained(CategoryGroups(("A", "B"), 1), {"home": place}, None))


def threads() -> int:
    return sum(one.name.startswith("asyncio") for one in threading.enumerate())


async def all_late(reports: DriftReports, n: int) -> None:
    found = await asyncio.gather(*(reports.of(model()) for _ in range(n)), return_exceptions=True)
    assert all(isinstance(one, ServiceError) for one in found), found


def test_a_store_that_hangs_holds_one_thread_whoever_looks_how_often(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that does not even say that it gives up: without the end that glances have."""
    monkeypatch.setattr(drift_reports, "PATIENCE_S", 0.2)
    endless = make_url(url).update_query_dict({"options": "-c statement_timeout=0 -c lock_timeout=0"})

    async def run(records: Records) -> None:
        reports = DriftReports(records)
        with held(url):
            started = time.monotonic()
            for _ in range(5):
                await all_late(reports, 20)
            assert time.monotonic() - started < 5
            assert threads() == 1
            await asyncio.to_thread(lambda: None)  # another thread is still to be had
        ends_at = time.monotonic() + 10
        while True:
            try:
                assert (await reports.of(model())).version == "v1"
                break
            except ServiceError:
                assert time.monotonic() < ends_at
        await reports.close()

    with opened(endless.render_as_string(hide_password=False), tmp_path) as records:
        asyncio.run(run(records))


def test_a_look_at_a_held_table_gives_up_by_itself(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift_reports, "PATIENCE_S", 9.0)

    async def run(records: Records) -> None:
        reports = DriftReports(records)
        with held(url):
            started = time.monotonic()
            await all_late(reports, 3)
            assert time.monotonic() - started < 6
        assert (await reports.of(model())).is_stated

    with opened(url, tmp_path) as records:
        asyncio.run(run(records))


def test_a_report_is_told_again_for_some_seconds_and_of_its_version_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(records: Records) -> None:
        reports = DriftReports(records)
        first, same = await asyncio.gather(reports.of(model()), reports.of(model()))
        assert first is same and await reports.of(model()) is first
        other, nothing = await asyncio.gather(reports.of(model("v2")), reports.of(None))
        assert (other.version, other.is_stated) == ("v2", True)
        assert (nothing.version, nothing.is_stated) == (None, False)
        monkeypatch.setattr(drift_reports, "KEPT_S", 0.0)
        assert await reports.of(None) is not nothing

    with opened("sqlite:///s.db", tmp_path) as records:
        asyncio.run(run(records))
