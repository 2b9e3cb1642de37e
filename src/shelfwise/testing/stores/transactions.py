"""The contract of transactions: whole or not at all, durable, one writer at a time, readers of one moment."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from shelfwise.errors import ServiceError
from shelfwise.schemas.items import Item
from shelfwise.store import catalogue, event_log, people, rule_versions
from shelfwise.store.marks import marks
from shelfwise.store.records import Records
from shelfwise.store.tables import events, items, users
from shelfwise.testing.stores.contract import StoreContract, an_event, go_on, line_of, process

START = """
import os, sys
from pathlib import Path
from shelfwise.schemas.items import Item
from shelfwise.store import catalogue, event_log, people, rule_versions
from shelfwise.store.records import Records
from shelfwise.testing.stores.contract import an_event

url, folder, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
records = Records.open(url, folder)
print("open", flush=True)
sys.stdin.readline()
"""

WRITES = (
    START
    + """
for n in range(25):
    with records.write() as connection:
        catalogue.upsert(connection, [Item(item_id=f"{name}-{n}"), Item(item_id=f"both-{n}")])
        people.upsert(connection, [(f"{name}-{n}", {"by": name})])
        event_log.append(connection, [an_event(f"{name}-{n}", f"both-{n}", f"both-{n}", at=n),
                                      an_event(f"both-{n}", f"{name}-{n}", f"{name}-{n}", at=n)], None)
        rule_versions.put(connection, {"n": n}, author=name)
"""
)

DIES = (
    START
    + """
with records.write() as connection:
    catalogue.upsert(connection, [Item(item_id="committed")])
print("committed", flush=True)
with records.write() as connection:
    catalogue.upsert(connection, [Item(item_id="lost")])
    event_log.append(connection, [an_event("lost", "lost", "lost")], None)
    print("in the middle", flush=True)
    sys.stdin.readline()
"""
)


class TransactionsContract(StoreContract):
    """What happens within one `write()` happens wholly or not at all."""

    def test_a_write_that_raises_stores_nothing(self, records: Records) -> None:
        def interrupted() -> None:
            with records.write() as connection:
                catalogue.upsert(connection, [Item(item_id="i0")])
                event_log.append(connection, [an_event("a")], None)
                raise RuntimeError("power cut")

        with pytest.raises(RuntimeError, match="power cut"):
            interrupted()
        with records.read() as connection:
            assert event_log.count(connection) == 0
            assert connection.execute(users.select()).fetchall() == []
            assert list(catalogue.read_all(connection)) == []

    def test_a_row_that_an_undone_write_gave_is_given_again(self, records: Records) -> None:
        def interrupted() -> None:
            with records.write() as connection:
                assert catalogue.upsert(connection, [Item(item_id="a"), Item(item_id="b")]).rows == [0, 1]
                raise RuntimeError("power cut")

        with pytest.raises(RuntimeError, match="power cut"):
            interrupted()
        with records.write() as connection:
            assert catalogue.upsert(connection, [Item(item_id="c")]).rows == [0]

    def test_each_glance_sees_what_was_committed_before_it_and_nothing_later(self, records: Records) -> None:
        """By its first question, whichever way that is asked: connections stay open between glances."""
        seen: list[int] = []
        for n in range(3):
            with records.write() as connection:
                event_log.append(connection, [an_event(f"e{n}", item=None, at=n)], None)
            with records.glance() as connection:
                seen.append(marks(connection).events)
                assert event_log.count(connection) == n + 1
            with records.glance() as connection:
                assert event_log.count(connection) == n + 1
                assert marks(connection).events == seen[-1]
        assert seen == sorted(set(seen))
        with records.glance() as connection:
            before = marks(connection)
            with records.write() as other:
                event_log.append(other, [an_event("later", item=None, at=9)], None)
            assert (marks(connection), event_log.count(connection)) == (before, 3)

    def test_a_glance_that_asked_the_driver_alone_is_over_with_its_block(self, records: Records) -> None:
        with records.glance() as connection:
            before = marks(connection)
        with records.write() as other:
            event_log.append(other, [an_event("later", item=None)], None)
        with records.glance() as connection:
            assert marks(connection).events > before.events

    def test_a_glance_that_failed_is_followed_by_one_that_works(self, records: Records) -> None:
        def failed() -> None:
            with records.glance() as connection:
                marks(connection)
                connection.exec_driver_sql("SELECT nothing FROM nowhere")

        for _ in range(8):
            with pytest.raises(ServiceError, match="refused"):
                failed()
            with records.glance() as connection:
                assert event_log.count(connection) == 0

    def test_many_glance_at_once(self, records: Records) -> None:
        """More than connections are kept, each in its own view."""
        with records.write() as connection:
            event_log.append(connection, [an_event("a", item=None)], None)
        together = threading.Barrier(7)
        found: list[int] = []

        def glance() -> None:
            for _ in range(5):
                with records.glance() as connection:
                    together.wait(30)
                    found.append(event_log.count(connection))

        threads = [threading.Thread(target=glance) for _ in range(7)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert found == [1] * 35

    def test_readers_see_a_whole_state_while_a_writer_commits(self, records: Records) -> None:
        """Each write adds two events of one user; whoever reads sees an even number, and numbers never fall."""
        with records.write() as connection:
            catalogue.upsert(connection, [Item(item_id="i0")])
        failures: list[str] = []
        done = threading.Event()

        def read() -> None:
            seen = 0
            while not done.is_set():
                with records.read() as connection:
                    first, second = event_log.count(connection), event_log.count(connection)
                if first != second or first % 2 or first < seen:
                    failures.append(f"{seen} {first} {second}")
                seen = first

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for n in range(30):
            with records.write() as connection:
                event_log.append(connection, [an_event(f"a{n}", at=n)], None)
                event_log.append(connection, [an_event(f"b{n}", at=n)], None)
        done.set()
        for reader in readers:
            reader.join()
        assert failures == []
        with records.read() as connection:
            assert event_log.count(connection) == 60

    def test_a_reader_keeps_the_moment_at_which_it_began(self, records: Records) -> None:
        with records.write() as connection:
            people.upsert(connection, [("u", {})])
        with records.read() as before:
            assert people.count(before) == 1
            with records.write() as connection:
                people.upsert(connection, [("v", {})])
            assert people.count(before) == 1
            with records.read() as after:
                assert people.count(after) == 2

    def test_threads_that_write_at_once_wait_for_each_other(self, records: Records) -> None:
        failures: list[BaseException] = []

        def write(name: int) -> None:
            try:
                for n in range(10):
                    with records.write() as connection:
                        people.upsert(connection, [(f"{name}-{n}", {}), (f"all-{n}", {"last": str(name)})])
            except BaseException as failure:
                failures.append(failure)

        _together([lambda name=name: write(name) for name in range(6)])
        assert failures == []
        with records.read() as connection:
            rows = connection.execute(select(users.c.row).order_by(users.c.row)).scalars().all()
        assert rows == list(range(70))

    def test_two_processes_that_write_at_once_leave_rows_without_gaps(
        self, records: Records, url: str, tmp_path: Path
    ) -> None:
        writers = [process(WRITES, url, tmp_path, name) for name in ("left", "right")]
        assert [line_of(writer) for writer in writers] == ["open", "open"]
        for writer in writers:
            go_on(writer)
        for writer in writers:
            writer.communicate(timeout=60)
        assert [writer.returncode for writer in writers] == [0, 0]
        with records.read() as connection:
            for table in (items, users):
                rows = connection.execute(select(table.c.row).order_by(table.c.row)).scalars().all()
                assert rows == list(range(75)), table.name
            assert event_log.count(connection) == 75  # of the 100, 25 are told by both
            assert [one.version for one in rule_versions.history(connection)] == list(range(50, 0, -1))

    def test_a_process_that_is_killed_leaves_what_it_committed_and_nothing_else(
        self, records: Records, url: str, tmp_path: Path
    ) -> None:
        writer = process(DIES, url, tmp_path, "dies")
        assert line_of(writer) == "open"
        go_on(writer)
        assert [line_of(writer), line_of(writer)] == ["committed", "in the middle"]
        with records.read() as connection:
            assert [one.item.item_id for one in catalogue.read_all(connection)] == ["committed"]
        writer.send_signal(signal.SIGKILL)
        writer.communicate(timeout=20)
        with records.write() as connection:  # nobody holds the store
            assert catalogue.upsert(connection, [Item(item_id="next")]).rows == [1]
        with records.read() as connection:
            assert [one.item.item_id for one in catalogue.read_all(connection)] == ["committed", "next"]
            assert connection.execute(select(events.c.seq)).fetchall() == []

    def test_a_store_that_was_closed_opens_again(self, records: Records, url: str, tmp_path: Path) -> None:
        with records.write() as connection:
            people.upsert(connection, [("u", {})])
        records.close()
        again = Records.open(url, tmp_path)
        with again.read() as connection:
            assert people.count(connection) == 1
        again.close()


def _together(jobs: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
