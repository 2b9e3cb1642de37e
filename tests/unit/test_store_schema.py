"""Migrations bring any database to exactly the tables that the code knows."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, select

from shelfwise.errors import ConfigError, ServiceError, StateError
from shelfwise.schemas.scenario_names import ScenarioNames
from shelfwise.store.engine import HEAD, open_engine
from shelfwise.store.event_log import recent_events
from shelfwise.store.migrations.run import config, upgrade
from shelfwise.store.tables import events, metadata, users


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_engine("sqlite:///s.db", tmp_path)
    yield made
    made.dispose()


def described(engine: Engine) -> dict[str, Any]:
    """Every table's columns, indices and unique constraints, as the database itself tells them."""
    seen = inspect(engine)
    return {
        table: {
            "columns": [
                (
                    column["name"],
                    str(column["type"]),
                    column["nullable"],
                    (column["default"] or "").strip("'"),
                    column["primary_key"],
                )
                for column in seen.get_columns(table)
            ],
            "indices": sorted((index["name"] or "", index["column_names"]) for index in seen.get_indexes(table)),
            "unique": sorted(one["column_names"] for one in seen.get_unique_constraints(table)),
        }
        for table in seen.get_table_names()
        if table != "alembic_version"
    }


def test_head_is_alembics_head() -> None:
    assert ScriptDirectory.from_config(config()).get_heads() == [HEAD]


def test_migrations_give_exactly_the_tables_of_the_code(engine: Engine, tmp_path: Path) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    direct = create_engine(f"sqlite:///{tmp_path / 'direct.db'}")
    metadata.create_all(direct)
    assert described(engine) == described(direct)
    direct.dispose()


def test_down_and_up_again(engine: Engine) -> None:
    before = described(engine)
    with engine.connect().execution_options(shelfwise_write=True) as connection, connection.begin():
        alembic = config()
        alembic.attributes["connection"] = connection
        command.downgrade(alembic, "base")
    assert described(engine) == {}
    upgrade(engine)
    assert described(engine) == before


def test_a_store_of_the_first_schema_is_brought_up_on_opening_and_keeps_its_log(tmp_path: Path) -> None:
    """And goes back: what an earlier release reads is there again."""
    with sqlite3.connect(tmp_path / "s.db", isolation_level=None) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    old = create_engine(f"sqlite:///{tmp_path / 's.db'}")
    with old.begin() as connection:
        alembic = config()
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, "0001")
        connection.execute(users.insert(), {"row": 0, "user_id": "u"})
        connection.execute(
            events.insert(),
            [
                {"event_key": b"%16d" % n, "user_row": 0, "item_row": n, "kind": 6, "timestamp_ms": n, "scenario": name}
                for n, name in enumerate(("home", None, "search"))
            ],
        )
    first = described(old)
    assert first["events"]["indices"] == [("events_by_user", ["user_row", "timestamp_ms", "seq", "item_row", "kind"])]
    old.dispose()
    opened = open_engine("sqlite:///s.db", tmp_path)
    indices = described(opened)["events"]["indices"]
    assert indices == [("events_by_user", ["user_row", "timestamp_ms", "seq", "item_row", "kind", "scenario"])]
    with opened.connect() as connection:
        found = recent_events(connection, "u", 9, ScenarioNames(("search", "home")))
    assert (found.rows.tolist(), found.scenarios.tolist()) == ([0, 1, 2], [2, 0, 1])
    with opened.connect().execution_options(shelfwise_write=True) as connection, connection.begin():
        alembic = config()
        alembic.attributes["connection"] = connection
        command.downgrade(alembic, "0001")
    assert described(opened) == first
    with opened.connect() as connection:
        assert connection.execute(select(events.c.scenario).order_by(events.c.seq)).scalars().all() == [
            "home", None, "search",
        ]  # fmt: skip
    opened.dispose()


def test_opening_twice_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    before = described(engine)
    again = open_engine("sqlite:///s.db", tmp_path)
    assert described(again) == before
    again.dispose()


def test_many_processes_may_make_the_store_at_once(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def make() -> None:
        try:
            open_engine("sqlite:///s.db", tmp_path).dispose()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_commit_is_durable_and_readers_do_not_wait(engine: Engine) -> None:
    with engine.connect() as connection:
        modes = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert modes == ["wal", 2]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "no database URL"),
        ("postgresql://h/d", "starts with 'sqlite:///'"),
        ("sqlite://", "in memory loses everything"),
        ("sqlite:///:memory:", "in memory loses everything"),
    ],
)
def test_a_url_that_cannot_be_kept_in_is_refused(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        open_engine(url, tmp_path)
    assert caught.value.where == "store.records"


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_bytes(b"a shopping list\n" * 100)
    with pytest.raises(ServiceError, match="cannot be opened as a database") as caught:
        open_engine("sqlite:///s.db", tmp_path)
    assert caught.value.exit_code == 3
    assert (tmp_path / "s.db").read_bytes() == b"a shopping list\n" * 100


def test_a_newer_release_made_it(engine: Engine, tmp_path: Path) -> None:
    engine.dispose()
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StateError, match=r"(?s)does not know the schema.*'9999'.*newer release"):
        open_engine("sqlite:///s.db", tmp_path)
