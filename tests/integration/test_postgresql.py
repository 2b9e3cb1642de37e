"""What is PostgreSQL's own: servers that stop, passwords, rights, several shops in one database."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, make_url

from shelfwise.errors import ConfigError, ServiceError, ShelfwiseError
from shelfwise.schemas.items import Item
from shelfwise.store import catalogue, event_log, people, personal, slate_log, sources
from shelfwise.store.event_log import EventRow
from shelfwise.store.records import Records
from shelfwise.store.scrub import scrub
from shelfwise.testing.databases import of_postgresql
from shelfwise.testing.own_postgresql import PASSWORD, OwnPostgreSQL, own_postgresql
from shelfwise.testing.stores.rules_and_slates import a_slate

pytestmark = pytest.mark.online


@pytest.fixture
def url() -> Iterator[str]:
    with of_postgresql() as found:
        yield found


@pytest.fixture
def records(url: str, tmp_path: Path) -> Iterator[Records]:
    opened = Records.open(url, tmp_path)
    yield opened
    opened.close()


def with_options(url: str, **options: str) -> str:
    return make_url(url).update_query_dict(options).render_as_string(hide_password=False)


def put(records: Records, *user_ids: str) -> None:
    with records.write() as connection:
        people.upsert(connection, [(user_id, {}) for user_id in user_ids])


def n_users(records: Records) -> int:
    with records.read() as connection:
        return people.count(connection)


def refused(attempt: Callable[[], object], *parts: str, kind: type[ShelfwiseError] = ServiceError) -> None:
    with pytest.raises(kind) as caught:
        attempt()
    for part in parts:
        assert part in str(caught.value)
    assert caught.value.where == "store.records"
    assert caught.value.hint
    assert "hush" not in str(caught.value)


class TestTransactions:
    def test_a_read_is_a_snapshot_and_a_write_is_not(self, records: Records) -> None:
        def settings(connection: Any) -> list[str]:
            names = ("transaction_isolation", "transaction_read_only", "idle_in_transaction_session_timeout")
            return [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names]

        with records.read() as connection:
            assert settings(connection) == ["repeatable read", "on", "0"]
        with records.write() as connection:
            assert settings(connection) == ["read committed", "off", "10min"]
        with records.read() as connection:  # the same connection from the pool
            assert settings(connection) == ["repeatable read", "on", "0"]

    def test_a_machine_that_vanishes_is_soon_found_out(self, records: Records) -> None:
        with records.read() as connection:
            names = ("idle", "interval", "count")
            found = [connection.exec_driver_sql(f"SHOW tcp_keepalives_{name}").scalar() for name in names]
        assert found in (["10", "5", "3"], ["10s", "5s", "3"], ["0", "0", "0"])  # none over a socket of the file system

    @pytest.mark.parametrize(("asked", "found"), [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")])
    def test_a_commit_is_durable_whatever_the_servers_default(
        self, url: str, tmp_path: Path, asked: str, found: str
    ) -> None:
        records = Records.open(with_options(url, options=f"-c synchronous_commit={asked}"), tmp_path)
        with records.write() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == found
        records.close()

    def test_who_waits_too_long_is_told_so(self, records: Records, url: str, tmp_path: Path) -> None:
        impatient = Records.open(with_options(url, options="-c lock_timeout=100"), tmp_path)
        with records.write():
            refused(lambda: put(impatient, "u"), "lock timeout", "another process")
            assert n_users(impatient) == 0  # readers never wait
        put(impatient, "u")
        impatient.close()

    def test_a_glance_gives_up_where_somebody_holds_a_table_and_a_read_waits(
        self, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shelfwise.store.postgresql.GLANCE_MS", 200)
        records = Records.open(url, tmp_path)

        def glance() -> None:
            with records.glance() as connection:
                people.count(connection)

        with records.write() as holder:
            holder.exec_driver_sql("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
            refused(glance, "statement timeout", "too long")
        glance()
        with records.read() as connection, records.glance() as quick:
            found = [one.exec_driver_sql("SHOW statement_timeout").scalar() for one in (connection, quick)]
        assert found == ["0", "200ms"]
        records.close()

    def test_shops_in_one_database_share_nothing_and_do_not_wait(self, records: Records, tmp_path: Path) -> None:
        with of_postgresql() as other_url:
            other = Records.open(with_options(other_url, options="-c lock_timeout=2000"), tmp_path)
            with records.write() as connection:
                people.upsert(connection, [("a", {}), ("b", {})])
                put(other, "c")
            assert (n_users(records), n_users(other)) == (2, 1)
            other.close()

    def test_the_last_events_of_a_user_are_read_from_the_index(
        self, records: Records, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with records.write() as connection:
            catalogue.upsert(connection, [Item(item_id="i")])
            event_log.append(connection, [EventRow(b"%16d" % n, f"u{n % 50}", "i", 6, n) for n in range(5_000)], None)
            connection.exec_driver_sql("ANALYZE")
        ran: list[tuple[Any, Any]] = []
        execute = psycopg.Cursor.execute

        def noted(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:
            ran.append((query, params))
            return execute(cursor, query, params, **options)

        with records.read() as connection:
            with monkeypatch.context() as patched:
                patched.setattr(psycopg.Cursor, "execute", noted)
                assert len(event_log.recent_events(connection, "u7", 3)) == 3
            [(statement, parameters)] = [one for one in ran if "SELECT" in str(one[0])]
            plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())
        assert "using events_by_user" in plan
        assert "Seq Scan on events" not in plan


class TestLostConnections:
    @pytest.fixture
    def named(self, url: str, tmp_path: Path) -> Iterator[Records]:
        """Records whose connections can be told from everybody else's."""
        opened = Records.open(with_options(url, application_name=f"cut-{secrets.token_hex(4)}"), tmp_path)
        yield opened
        opened.close()

    @staticmethod
    def cut(records: Records) -> int:
        """End all connections of one store from the server's side."""
        name = records.engine.url.query["application_name"]
        admin = create_engine(records.engine.url.difference_update_query(["application_name"]))
        with admin.connect() as connection:
            found = connection.exec_driver_sql(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = %s", (name,)
            )
            n = int(found.scalar_one())
        admin.dispose()
        return n

    def test_a_connection_that_was_lost_meanwhile_is_replaced(self, named: Records) -> None:
        put(named, "a")
        assert self.cut(named) > 0
        put(named, "b")
        assert self.cut(named) > 0
        assert n_users(named) == 2

    def test_of_several_that_stood_ready_when_all_were_lost_at_most_one_glance_hears(self, named: Records) -> None:
        with ExitStack() as several:
            for _ in range(4):
                event_log.count(several.enter_context(named.glance()))
        assert self.cut(named) >= 4

        def glance() -> None:
            with named.glance() as connection:
                event_log.count(connection)

        refused(glance, "terminating connection", "ask again")
        for _ in range(4):
            glance()

    def test_a_glance_long_after_the_last_one_asks_whether_the_server_is_there(
        self, named: Records, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shelfwise.store.standing_reads.FRESH_S", 0.0)
        for _ in range(2):
            with named.glance() as connection:
                event_log.count(connection)
            assert self.cut(named) > 0

    def test_one_that_is_lost_within_a_read_is_told_and_the_next_works(self, named: Records) -> None:
        def read() -> None:
            with named.read() as connection:
                people.count(connection)
                self.cut(named)
                people.count(connection)

        refused(read, "terminating connection", "ask again")
        assert n_users(named) == 0

    @pytest.mark.parametrize("how", ["statement", "copy", "commit"])
    def test_one_that_is_lost_within_a_write_stores_nothing_and_the_next_works(self, named: Records, how: str) -> None:
        def write() -> None:
            with named.write() as connection:
                people.upsert(connection, [("a", {})])
                self.cut(named)
                if how == "statement":
                    people.count(connection)
                elif how == "copy":
                    from shelfwise.store.bulk import insert_rows
                    from shelfwise.store.tables import users

                    insert_rows(connection, users, ("row", "user_id"), [(7, "x")])

        refused(write, "ask again")
        assert n_users(named) == 0
        put(named, "b")
        assert n_users(named) == 1

    def test_a_schema_that_is_gone_is_named(self, records: Records) -> None:
        with records.write() as connection:
            schema = connection.exec_driver_sql("SELECT current_schema()").scalar_one()
            connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
        refused(lambda: n_users(records), "does not exist", "restore")


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgreSQL]:
    with own_postgresql() as made:
        yield made


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_PASSWORD", PASSWORD)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", "/nonexistent")


class TestAServerThatStops:
    def test_what_was_acknowledged_is_there_and_the_next_call_works(
        self, server: OwnPostgreSQL, tmp_path: Path
    ) -> None:
        records = Records.open(server.url(), tmp_path)
        for round_ in range(3):
            put(records, f"a{round_}")
            server.stop()
            try:
                refused(lambda: put(records, "lost"), "ask again when it is up")
                refused(lambda: n_users(records), "ask again when it is up")
            finally:
                server.start()
            assert n_users(records) == round_ + 1
        with records.write() as connection:
            assert catalogue.upsert(connection, [Item(item_id="i")]).rows == [0]
        records.close()

    def test_a_write_that_it_interrupts_is_undone(self, server: OwnPostgreSQL, tmp_path: Path) -> None:
        records = Records.open(server.url(), tmp_path)

        def write() -> None:
            with records.write() as connection:
                people.upsert(connection, [("lost", {})])
                server.stop()
                try:
                    people.upsert(connection, [("lost too", {})])
                finally:
                    server.start()

        refused(write, "ask again when it is up")
        assert n_users(records) == 0
        put(records, "kept")
        assert n_users(records) == 1
        records.close()

    def test_a_server_that_may_lose_everything_is_warned_of(
        self, server: OwnPostgreSQL, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING, "shelfwise.store"):
            Records.open(server.url(), tmp_path).close()
        assert "fsync = off" in caplog.text
        assert "hush" not in caplog.text


class TestWhoIsLetIn:
    def test_the_password_may_come_from_libpqs_own_places(
        self, server: OwnPostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refused(lambda: Records.open(server.url(password=None), tmp_path), "no password supplied", "PGPASSWORD")
        file = tmp_path / "pgpass"
        file.write_text(f"127.0.0.1:*:*:shop:{PASSWORD.replace(':', chr(92) + ':')}\n")
        file.chmod(0o600)
        with monkeypatch.context() as patched:
            patched.setenv("PGPASSFILE", str(file))
            Records.open(server.url(password=None), tmp_path).close()
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        Records.open(server.url(password=None), tmp_path).close()

    def test_who_is_not_known_is_told_what_to_look_at(
        self, server: OwnPostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refused(lambda: Records.open(server.url(database="none"), tmp_path), '"none" does not exist', "createdb")
        refused(lambda: Records.open(server.url(user="nobody"), tmp_path), "authentication failed", "check user")
        monkeypatch.setenv("TEST_PASSWORD", "hush, but wrong")
        refused(lambda: Records.open(server.url(), tmp_path), "authentication failed", "check user and password")

    def test_who_may_not_make_tables_is_told_what_to_grant(self, server: OwnPostgreSQL, tmp_path: Path) -> None:
        server.admin(f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'", "CREATE SCHEMA closed")
        refused(lambda: Records.open(server.url(user="guest"), tmp_path), "permission denied", "grant")
        server.admin("CREATE SCHEMA own AUTHORIZATION guest")
        own = make_url(server.url(user="guest", password="x")).set(password=PASSWORD)
        Records.open(own.update_query_dict({"schema": "own"}).render_as_string(hide_password=False), tmp_path).close()

    def test_a_database_that_cannot_hold_every_text_is_refused(self, server: OwnPostgreSQL, tmp_path: Path) -> None:
        server.admin("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
        refused(
            lambda: Records.open(server.url(database="latin"), tmp_path), "LATIN1", "expected UTF8", kind=ConfigError
        )


class TestErasure:
    NAMED = 30

    def left(self, server: OwnPostgreSQL) -> set[str]:
        """Files of the cluster that name somebody who was erased; the write-ahead log is the server's own affair."""
        server.admin("CHECKPOINT")
        data = server.folder / "data"
        return {
            str(path.relative_to(data))
            for path in data.rglob("*")
            if path.is_file() and "pg_wal" not in path.parts and b"erase-me" in path.read_bytes()
        }

    def test_no_file_of_the_cluster_still_names_who_was_erased(self, server: OwnPostgreSQL, tmp_path: Path) -> None:
        records = Records.open(server.url(), tmp_path)
        gone = [f"erase-me-{n}" for n in range(self.NAMED)]
        with records.write() as connection:
            catalogue.upsert(connection, [Item(item_id="i")])
            people.upsert(connection, [(f"kept-{n}", {"about": f"of kept-{n}"}) for n in range(500)])
            people.upsert(connection, [(user_id, {"about": f"words of {user_id}"}) for user_id in gone])
            rows = [
                EventRow(b"%16d" % n, gone[n // 3 % self.NAMED] if n % 3 == 0 else f"kept-{n % 500}", "i", 6, n)
                for n in range(3_000)
            ]
            searched = [
                row._replace(event_key=b"s%15d" % n, query=f"{row.user_id} size 9") for n, row in enumerate(rows)
            ]
            event_log.append(connection, rows + searched, None)
            slate_log.append(connection, [a_slate(f"s{n}", n, user_id) for n, user_id in enumerate(gone)])
            source = sources.find_or_start(connection, "f", "events", "a.csv", 5).source
            sources.refuse(connection, source, [sources.Refused(n, "x", "no time", f"{gone[n]},y") for n in range(9)])
            connection.exec_driver_sql("ANALYZE")  # the planner notes frequent values, and these are among them
        assert self.left(server)
        with records.write() as connection:
            for n, user_id in enumerate(gone):
                assert personal.erase(connection, user_id, f"receipt-{n}").events
        assert self.left(server)  # deleted is not gone
        assert scrub(records.engine)
        assert self.left(server) == set()
        with records.read() as connection:
            assert (event_log.count(connection), people.count(connection)) == (4_000, 530)
        put(records, "afterwards")
        records.close()

    def test_large_tables_are_not_locked_while_a_server_runs(
        self, records: Records, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(records, "a")
        assert scrub(records.engine, up_to_bytes=1_000_000_000)
        monkeypatch.setattr("shelfwise.store.scrub.MAX_LOCKED_BYTES", 1_000)
        assert not scrub(records.engine, up_to_bytes=1_000_000_000)
        assert scrub(records.engine)
        assert n_users(records) == 1

    def test_who_reads_an_earlier_state_is_waited_for_and_told_of(
        self, server: OwnPostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        records = Records.open(server.url(), tmp_path)
        with records.read() as connection:
            people.count(connection)
            put(records, "meanwhile")
            monkeypatch.setattr("shelfwise.store.scrub.PATIENCE_S", 0.2)
            with pytest.raises(ServiceError, match="reading an earlier state") as caught:
                scrub(records.engine)
        assert caught.value.code == "still_read"
        assert scrub(records.engine)
        records.close()

    def test_readers_go_first_while_a_table_cannot_be_had(
        self, server: OwnPostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        records = Records.open(server.url(), tmp_path)
        put(records, "a")
        with records.read() as holder:
            # Holds a table, and reads no earlier state of it.
            holder.exec_driver_sql("LOCK TABLE users IN ACCESS SHARE MODE")
            with ThreadPoolExecutor(1) as pool:
                scrubbed = pool.submit(scrub, records.engine)
                for _ in range(20):
                    with records.glance() as connection:  # which would give up behind somebody who waits
                        assert people.count(connection) == 1
                    time.sleep(0.05)
                assert not scrubbed.done()
                holder.rollback()
                assert scrubbed.result(30)
        with records.read() as holder:
            holder.exec_driver_sql("LOCK TABLE users IN ACCESS SHARE MODE")
            monkeypatch.setattr("shelfwise.store.scrub.PATIENCE_S", 0.3)
            with pytest.raises(ServiceError, match="others hold the table") as caught:
                scrub(records.engine)
        assert caught.value.code == "table_held"
        records.close()
