"""The log: append-only, once each, read by one index; a catalogue whose rows never change their meaning."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.event import listen, remove

from shelfwise.schemas.events import CODE_BY_KIND, POSITIVE_KINDS, EventKind
from shelfwise.schemas.items import Item
from shelfwise.schemas.scenario_names import ScenarioNames
from shelfwise.store import catalogue, event_log
from shelfwise.store.event_keys import CONTENT_COLUMNS, event_key
from shelfwise.store.event_log import EventRow, Twin
from shelfwise.store.records import Records
from shelfwise.store.tables import events, users

PURCHASE, VIEW, RETURN = (CODE_BY_KIND[kind] for kind in (EventKind.PURCHASE, EventKind.VIEW, EventKind.RETURN))


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records.open("sqlite:///s.db", tmp_path)
    with opened.write() as connection:
        catalogue.upsert(connection, [Item(item_id=f"i{n}") for n in range(5)])
    yield opened
    opened.close()


def an_event(name: str, user: str = "u", item: str | None = "i0", *, kind: int = PURCHASE, at: int = 0) -> EventRow:
    return EventRow(event_key(name, ()), user, item, kind, at)


def test_what_is_stored_known_and_unknown_is_the_whole_batch(records: Records) -> None:
    with records.write() as connection:
        event_log.append(connection, [an_event("a", at=1)._replace(line=7)], source=3)
        outcome = event_log.append(
            connection,
            [
                an_event("a", at=1),
                an_event("b", item="i1", at=2)._replace(line=8),
                an_event("c", item="nowhere"),
                an_event("b", item="i1", at=2),
                an_event("d", item=None, kind=CODE_BY_KIND[EventKind.SEARCH]),
            ],
            source=4,
        )
    assert outcome.stored == [1, 4]
    assert outcome.twins == {0: Twin(3, 7), 3: Twin(4, 8)}
    assert outcome.unknown_items == [2]
    with records.read() as connection:
        assert event_log.count(connection) == 3


def test_the_same_batch_again_changes_nothing(records: Records) -> None:
    batch = [an_event(f"e{n}", f"u{n % 3}", f"i{n % 5}", at=n) for n in range(20)]
    with records.write() as connection:
        event_log.append(connection, batch, None)
    with records.read() as connection:
        before = connection.execute(events.select().order_by(events.c.seq)).fetchall()
    with records.write() as connection:
        assert event_log.append(connection, batch[::-1], None).stored == []
    with records.read() as connection:
        assert connection.execute(events.select().order_by(events.c.seq)).fetchall() == before


def test_a_write_that_raises_stores_nothing(records: Records) -> None:
    def interrupted() -> None:
        with records.write() as connection:
            event_log.append(connection, [an_event("a")], None)
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        interrupted()
    with records.read() as connection:
        assert event_log.count(connection) == 0
        assert connection.execute(users.select()).fetchall() == []


def test_recent_events_is_one_read_of_the_covering_index(records: Records) -> None:
    ran: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        ran.append((statement, parameters))

    listen(records.engine, "before_cursor_execute", note)
    with records.read() as connection:
        event_log.recent_events(connection, "u", 3)
    remove(records.engine, "before_cursor_execute", note)
    [(statement, parameters)] = [(text, values) for text, values in ran if not text.startswith("BEGIN")]
    with records.read() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    [about_events] = [step for step in plan if "events" in step]
    assert about_events.startswith("SEARCH events USING COVERING INDEX events_by_user (user_row=?")
    assert not any("SCAN" in step or "TEMP B-TREE" in step for step in plan)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["u", "v"]),
            st.sampled_from(["i0", "i1", "i2", None]),
            st.sampled_from([PURCHASE, VIEW, RETURN]),
            st.integers(0, 4),
            st.sampled_from([None, "home", "search", "elsewhere"]),
        ),
        max_size=15,
    ),
    st.integers(1, 6),
)
def test_recent_events_against_its_definition(
    tmp_path_factory: pytest.TempPathFactory, log: list[tuple[str, str | None, int, int, str | None]], n: int
) -> None:
    """The last n that show interest in an item, by time then arrival, oldest first."""
    opened = Records.open("sqlite:///s.db", tmp_path_factory.mktemp("store"))
    with opened.write() as connection:
        catalogue.upsert(connection, [Item(item_id=f"i{number}") for number in range(3)])
        batch = [
            an_event(str(n), user, item, kind=kind, at=at)._replace(scenario=scenario)
            for n, (user, item, kind, at, scenario) in enumerate(log)
        ]
        event_log.append(connection, batch, None)
    with opened.read() as connection:
        found = event_log.recent_events(connection, "u", n, ScenarioNames(("search", "home")))
        assert not event_log.recent_events(connection, "u", n).scenarios.any()
        assert len(event_log.recent_events(connection, "nobody", n)) == 0
    opened.close()
    positive = {CODE_BY_KIND[kind] for kind in POSITIVE_KINDS}
    codes = {"search": 1, "home": 2}
    wanted = [
        (int(item[1]), kind, at, codes.get(scenario or "", 0))
        for user, item, kind, at, scenario in log
        if user == "u" and item and kind in positive
    ]
    wanted.sort(key=lambda event: event[2])
    columns = (found.rows, found.kinds, found.times_ms, found.scenarios)
    got = list(zip(*(column.tolist() for column in columns), strict=True))
    assert got == wanted[-n:]


def test_all_events_come_by_user_then_time_then_arrival(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "READ_CHUNK", 3)
    batch = [
        EventRow(
            event_key(str(n), ()), f"u{n % 3}", f"i{n % 5}", VIEW, (n * 7) % 5, price=n / 2 if n % 2 else None
        )._replace(session_id=f"s{n % 2}" if n % 4 else None, scenario=f"place {n % 3}" if n % 5 else None)
        for n in range(14)
    ]
    with records.write() as connection:
        event_log.append(connection, [*batch, an_event("q", item=None, kind=CODE_BY_KIND[EventKind.SEARCH])], None)
    with records.read() as connection:
        found = event_log.read_all(connection)
    expected = sorted(range(14), key=lambda n: (n % 3, (n * 7) % 5, n))
    assert found.item_rows.tolist() == [n % 5 for n in expected]
    assert found.user_rows.tolist() == [n % 3 for n in expected]
    assert found.times_ms.tolist() == [(n * 7) % 5 for n in expected]
    np.testing.assert_array_equal(found.prices, [n / 2 if n % 2 else np.nan for n in expected])
    assert [None if number < 0 else found.scenario_names[number] for number in found.scenarios.tolist()] == [
        f"place {n % 3}" if n % 5 else None for n in expected
    ]
    assert sorted(found.scenario_names) == ["place 0", "place 1", "place 2"]
    named = {0: -1}
    for n, number in zip(expected, found.sessions.tolist(), strict=True):
        assert (number == -1) == (n % 4 == 0)
        if number >= 0:
            assert named.setdefault(10 + n % 2, number) == number


def test_lists_positions_and_devices_are_read_as_numbers(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "READ_CHUNK", 2)
    told: list[tuple[str | None, int | None, str | None]] = [
        ("slate a", 1, "desktop"),
        ("slate a", 2, "Smartphone"),
        (None, None, None),
        ("slate b", 1, "fridge"),
        ("slate a", 25, "tablet"),
    ]
    with records.write() as connection:
        event_log.append(
            connection,
            [
                an_event(str(n), at=n)._replace(slate_id=slate, position=position, device=device)
                for n, (slate, position, device) in enumerate(told)
            ],
            None,
        )
    with records.read() as connection:
        found = event_log.read_all(connection)
    assert found.slates is not None and found.positions is not None and found.devices is not None
    a, b = event_log.slate_number("slate a"), event_log.slate_number("slate b")
    assert len({a, b, event_log.NO_SLATE}) == 3
    assert found.slates.tolist() == [a, a, event_log.NO_SLATE, b, a]
    assert found.positions.tolist() == [1, 2, 0, 1, 25]
    assert found.devices.tolist() == [1, 2, 0, 5, 3]


def test_an_empty_log_has_typed_columns(records: Records) -> None:
    with records.read() as connection:
        found = event_log.read_all(connection)
    dtypes = [str(getattr(found, field.name).dtype) for field in fields(found) if field.name != "scenario_names"]
    of_all = ["int32", "int32", "int8", "int64", "float32", "float32", "int64", "int32"]
    assert dtypes == [*of_all, "int64", "int32", "int8"]
    assert found.scenario_names == []


def test_readers_see_a_whole_state_while_a_writer_commits(records: Records) -> None:
    """Each write adds two events of one user; whoever reads sees an even number, and numbers never fall."""
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


class TestKeys:
    def test_the_clients_id_decides_alone(self) -> None:
        assert event_key("e1", ("u", "i")) == event_key("e1", ("v", "j"))
        assert event_key("e1", ()) != event_key("e2", ())

    def test_without_an_id_the_whole_content_decides(self) -> None:
        content: list[object] = [f"v{n}" for n in range(len(CONTENT_COLUMNS))]
        keys = {event_key(None, content)}
        for place in range(len(content)):
            keys.add(event_key(None, [*content[:place], None, *content[place + 1 :]]))
        assert len(keys) == len(content) + 1

    def test_neighbouring_fields_do_not_run_together(self) -> None:
        assert event_key(None, ("ab", "c")) != event_key(None, ("a", "bc"))
        assert event_key("x", ()) != event_key(None, ("x",))

    def test_keys_are_stable_over_releases(self) -> None:
        assert event_key("order-1", ()).hex() == "7d4df68962303e0520f5191d984f4ba9"
        assert event_key(None, ("u", "i", 6, 1_700_000_000_000, None, 1.0)).hex() == "714a908a123bc637a5bd709515fff9e2"


class TestCatalogue:
    def test_items_are_replaced_whole_and_keep_their_row(self, records: Records) -> None:
        when = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
        full = Item(
            item_id="i1", title="Mug", price=3.5, created_at=when, attributes={"colour": "red"}, category="A > B"
        )
        with records.write() as connection:
            outcome = catalogue.upsert(connection, [full, Item(item_id="new"), Item(item_id="i2")])
            assert outcome.rows == [1, 5, 2]
            assert (outcome.n_new, outcome.n_changed, outcome.n_unchanged) == (1, 1, 1)
            stored = catalogue.get(connection, "i1")
            assert stored is not None
            assert (stored.row, stored.item) == (1, full)
            catalogue.upsert(connection, [Item(item_id="i1", title="Cup")])
            replaced = catalogue.get(connection, "i1")
        assert replaced is not None
        assert replaced.item == Item(item_id="i1", title="Cup")

    def test_the_last_of_a_repeated_id_wins(self, records: Records) -> None:
        with records.write() as connection:
            outcome = catalogue.upsert(connection, [Item(item_id="x", title="a"), Item(item_id="x", title="b")])
            stored = catalogue.get(connection, "x")
        assert outcome.rows == [5, 5]
        assert stored is not None
        assert stored.item.title == "b"

    def test_a_deleted_item_keeps_its_row_and_comes_back_when_sent_again(self, records: Records) -> None:
        with records.write() as connection:
            assert catalogue.delete(connection, "i3")
            assert not catalogue.delete(connection, "i3")
            assert not catalogue.delete(connection, "nowhere")
            assert catalogue.count(connection) == 4
            assert [entry.deleted for entry in catalogue.read_all(connection)] == [False, False, False, True, False]
            catalogue.upsert(connection, [Item(item_id="i3")])
            back = catalogue.get(connection, "i3")
        assert back is not None
        assert (back.row, back.deleted) == (3, False)

    def test_rows_count_up_without_gaps(self, records: Records) -> None:
        with records.write() as connection:
            catalogue.upsert(connection, [Item(item_id=f"n{n}") for n in range(50)])
            rows = [entry.row for entry in catalogue.read_all(connection)]
            some = [entry.row for entry in catalogue.read_rows(connection, [7, 3, 3, 99])]
        assert rows == list(range(55))
        assert some == [3, 7]
