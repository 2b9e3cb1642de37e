"""The contract of migrations: any released schema becomes exactly the tables that the code knows, and goes back."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Boolean, Connection, Engine, Float, Integer, LargeBinary, MetaData, Text, inspect, select

from shelfwise.errors import StateError
from shelfwise.schemas.scenario_names import ScenarioNames
from shelfwise.store.engine import HEAD, open_engine
from shelfwise.store.event_log import recent_events
from shelfwise.store.migrations.run import config, downgrade, upgrade
from shelfwise.store.tables import events, metadata
from shelfwise.testing.stores.contract import StoreContract, go_on, line_of, process

REVISIONS = [one.revision for one in reversed(list(ScriptDirectory.from_config(config()).walk_revisions()))]
"""Every released schema, oldest first."""

N_ROWS = 3

OPENS = """
import sys
from pathlib import Path
from shelfwise.store.engine import open_engine

print("ready", flush=True)
sys.stdin.readline()
open_engine(sys.argv[1], Path(sys.argv[2])).dispose()
"""


class MigrationsContract(StoreContract):
    """Databases of earlier releases are brought up on opening and keep what they hold."""

    @pytest.fixture
    def engine(self, url: str, tmp_path: Path) -> Iterator[Engine]:
        """A database of the newest schema."""
        made = open_engine(url, tmp_path)
        yield made
        made.dispose()

    def test_head_is_alembics_head(self) -> None:
        assert ScriptDirectory.from_config(config()).get_heads() == [HEAD]

    def test_migrations_give_exactly_the_tables_of_the_code(self, engine: Engine, tmp_path: Path) -> None:
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            )
            assert compare_metadata(context, metadata) == []
        migrated = described(engine)
        downgrade(engine, "base")
        with _writing(engine) as connection:
            metadata.create_all(connection)
        assert described(engine) == migrated

    def test_opening_twice_changes_nothing(self, engine: Engine, url: str, tmp_path: Path) -> None:
        before = described(engine)
        again = open_engine(url, tmp_path)
        assert described(again) == before
        again.dispose()

    @pytest.mark.parametrize("revision", REVISIONS)
    def test_every_released_schema_is_brought_up_on_opening_and_goes_back_with_its_rows(
        self, engine: Engine, url: str, tmp_path: Path, revision: str
    ) -> None:
        newest = described(engine)
        downgrade(engine, "base")
        assert described(engine) == {}
        _upgrade_to(engine, revision)
        released = described(engine)
        with _writing(engine) as connection:
            _fill(connection)
        held = _rows(engine)
        engine.dispose()

        opened = open_engine(url, tmp_path)
        assert described(opened) == newest
        now = _rows(opened)
        for table, rows in held.items():
            kept = [{name: row[name] for name in rows[0]} for row in now[table]]
            assert kept == rows, table
        downgrade(opened, revision)
        assert described(opened) == released
        assert _rows(opened) == held
        upgrade(opened)
        assert described(opened) == newest
        opened.dispose()

    def test_the_log_of_the_first_schema_is_read_by_this_release(
        self, engine: Engine, url: str, tmp_path: Path
    ) -> None:
        downgrade(engine, REVISIONS[0])
        old = MetaData()
        old.reflect(engine)
        with _writing(engine) as connection:
            connection.execute(old.tables["users"].insert(), {"row": 0, "user_id": "u"})
            for n, name in enumerate(("home", None, "search")):
                event = {"event_key": b"%16d" % n, "user_row": 0, "item_row": n, "kind": 6, "timestamp_ms": n}
                connection.execute(old.tables["events"].insert(), {**event, "scenario": name})
        opened = open_engine(url, tmp_path)
        with opened.connect() as connection:
            found = recent_events(connection, "u", 9, ScenarioNames(("search", "home")))
            assert (found.rows.tolist(), found.scenarios.tolist()) == ([0, 1, 2], [2, 0, 1])
            names = connection.execute(select(events.c.scenario).order_by(events.c.seq)).scalars().all()
        assert names == ["home", None, "search"]
        opened.dispose()

    def test_threads_may_make_the_store_at_once(self, url: str, tmp_path: Path) -> None:
        failures: list[BaseException] = []

        def make() -> None:
            try:
                open_engine(url, tmp_path).dispose()
            except BaseException as failure:
                failures.append(failure)

        threads = [threading.Thread(target=make) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []

    @pytest.mark.parametrize("start", ["nothing", REVISIONS[0]])
    def test_two_processes_may_open_and_migrate_at_once(self, url: str, tmp_path: Path, start: str) -> None:
        if start != "nothing":
            engine = open_engine(url, tmp_path)
            downgrade(engine, start)
            engine.dispose()
        openers = [process(OPENS, url, tmp_path) for _ in range(3)]
        assert [line_of(one) for one in openers] == ["ready"] * 3
        for one in openers:
            go_on(one)
        for one in openers:
            one.communicate(timeout=60)
        assert [one.returncode for one in openers] == [0] * 3
        engine = open_engine(url, tmp_path)
        assert set(metadata.tables) <= set(inspect(engine).get_table_names())
        engine.dispose()

    def test_a_migration_that_fails_changes_nothing(
        self, engine: Engine, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        downgrade(engine, REVISIONS[0])
        before = described(engine)

        def power_cut(*_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("alembic.op.create_table", power_cut)  # a later one than the first to run
        with pytest.raises(KeyboardInterrupt):
            upgrade(engine)
        monkeypatch.undo()
        assert described(engine) == before
        upgrade(engine)
        assert set(described(engine)) == set(metadata.tables)

    def test_a_newer_release_made_it(self, engine: Engine, url: str, tmp_path: Path) -> None:
        with _writing(engine) as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(StateError, match=r"(?s)does not know the schema.*'9999'.*newer release"):
            open_engine(url, tmp_path)


def described(engine: Engine) -> dict[str, Any]:
    """Every table's columns, indices and unique constraints, as the database itself tells them."""
    with engine.connect() as connection:
        seen = inspect(connection)
        return {
            table: {
                "columns": [
                    (
                        column["name"],
                        str(column["type"]),
                        column["nullable"],
                        (column["default"] or "").strip("'"),
                        column.get("primary_key"),
                    )
                    for column in seen.get_columns(table)
                ],
                "key": seen.get_pk_constraint(table)["constrained_columns"],
                "indices": sorted((index["name"] or "", index["column_names"]) for index in seen.get_indexes(table)),
                "unique": sorted(one["column_names"] for one in seen.get_unique_constraints(table)),
            }
            for table in seen.get_table_names()
            if table != "alembic_version"
        }


@contextmanager
def _writing(engine: Engine) -> Generator[Connection]:
    with engine.connect().execution_options(shelfwise_write=True) as connection, connection.begin():
        yield connection


def _upgrade_to(engine: Engine, revision: str) -> None:
    with _writing(engine) as connection:
        alembic = config()
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, revision)


def _fill(connection: Connection) -> None:
    """Some rows in every table, whichever schema it has."""
    found = MetaData()
    found.reflect(connection)
    for table in found.sorted_tables:
        if table.name != "alembic_version":
            for n in range(N_ROWS):
                values = {column.name: _value(column.type, n) for column in table.columns}
                connection.execute(table.insert(), values)


def _value(kind: Any, n: int) -> Any:
    if isinstance(kind, Boolean):
        return n % 2 == 0
    if isinstance(kind, LargeBinary):
        return b"%16d" % n
    if isinstance(kind, Float):
        return n / 4
    if isinstance(kind, Integer):
        return n
    assert isinstance(kind, Text), kind
    return f"text {n}"


def _rows(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    with engine.connect() as connection:
        found = MetaData()
        found.reflect(connection)
        return {
            table.name: sorted((dict(row) for row in connection.execute(select(table)).mappings()), key=repr)
            for table in found.sorted_tables
            if table.name != "alembic_version"
        }
