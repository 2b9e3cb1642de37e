"""What is SQLite's own; what holds for every database stands in its contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shelfwise.errors import ConfigError, ServiceError
from shelfwise.store import event_log
from shelfwise.store.engine import open_engine
from shelfwise.store.records import Records


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records.open("sqlite:///s.db", tmp_path)
    yield opened
    opened.close()


def test_recent_events_is_one_read_of_the_covering_index(records: Records) -> None:
    ran: list[str] = []
    with records.read() as connection:
        driver: Any = connection.connection.dbapi_connection
        driver.set_trace_callback(ran.append)
        event_log.recent_events(connection, "u", 3)
        driver.set_trace_callback(None)
        [statement] = [text for text in ran if text.startswith("SELECT")]
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
    [about_events] = [step for step in plan if "events" in step]
    assert about_events.startswith("SEARCH events USING COVERING INDEX events_by_user (user_row=?")
    assert not any("SCAN" in step or "TEMP B-TREE" in step for step in plan)


def test_a_commit_is_durable_and_readers_do_not_wait(records: Records) -> None:
    with records.read() as connection:
        modes = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert modes == ["wal", 2]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="in memory loses everything") as caught:
        open_engine(url, tmp_path)
    assert caught.value.where == "store.records"


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_bytes(b"a shopping list\n" * 100)
    with pytest.raises(ServiceError, match="cannot be opened as a database") as caught:
        open_engine("sqlite:///s.db", tmp_path)
    assert caught.value.exit_code == 3
    assert (tmp_path / "s.db").read_bytes() == b"a shopping list\n" * 100
