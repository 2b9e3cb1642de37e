"""The contract of the log: append-only, once each, read in an order that does not change."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfwise.schemas.events import CODE_BY_KIND, POSITIVE_KINDS
from shelfwise.schemas.items import Item
from shelfwise.schemas.scenario_names import ScenarioNames
from shelfwise.store import bulk, catalogue, event_log
from shelfwise.store.event_keys import event_key
from shelfwise.store.event_log import EventRow, Twin
from shelfwise.store.marks import marks
from shelfwise.store.records import Records
from shelfwise.store.tables import events
from shelfwise.testing.stores.contract import IMPRESSION, PURCHASE, RETURN, SEARCH, VIEW, StoreContract, an_event


class EventLogContract(StoreContract):
    """What is appended is there once, and is read back as it was sent."""

    @pytest.fixture
    def records(self, url: str, tmp_path: Path) -> Iterator[Records]:
        """A store of five items."""
        opened = Records.open(url, tmp_path)
        with opened.write() as connection:
            catalogue.upsert(connection, [Item(item_id=f"i{n}") for n in range(5)])
        yield opened
        opened.close()

    def test_what_is_stored_known_and_unknown_is_the_whole_batch(self, records: Records) -> None:
        with records.write() as connection:
            event_log.append(connection, [an_event("a", at=1)._replace(line=7)], source=3)
            outcome = event_log.append(
                connection,
                [
                    an_event("a", at=1),
                    an_event("b", item="i1", at=2)._replace(line=8),
                    an_event("c", item="nowhere"),
                    an_event("b", item="i1", at=2),
                    an_event("d", item=None, kind=SEARCH),
                ],
                source=4,
            )
        assert outcome.stored == [1, 4]
        assert outcome.twins == {0: Twin(3, 7), 3: Twin(4, 8)}
        assert outcome.unknown_items == [2]
        with records.read() as connection:
            assert event_log.count(connection) == 3

    def test_the_same_batch_again_changes_nothing(self, records: Records) -> None:
        batch = [an_event(f"e{n}", f"u{n % 3}", f"i{n % 5}", at=n) for n in range(20)]
        with records.write() as connection:
            event_log.append(connection, batch, None)
        with records.read() as connection:
            before = connection.execute(events.select().order_by(events.c.seq)).fetchall()
        with records.write() as connection:
            assert event_log.append(connection, batch[::-1], None).stored == []
        with records.read() as connection:
            assert connection.execute(events.select().order_by(events.c.seq)).fetchall() == before

    def test_batches_longer_than_one_look_up(self, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bulk, "LOOKUP_CHUNK", 3)
        batch = [an_event(f"e{n}", f"u{n}", f"i{n % 5}", at=n) for n in range(20)]
        with records.write() as connection:
            event_log.append(connection, batch[::2], None)
            outcome = event_log.append(connection, batch, None)
        assert outcome.stored == list(range(1, 20, 2))
        assert sorted(outcome.twins) == list(range(0, 20, 2))

    def test_every_column_comes_back(self, records: Records) -> None:
        sent = EventRow(
            event_key("full", ()), "Zoë 😀", "i2", PURCHASE, 1_700_000_000_123, 2.5, 3.0, 1e-300, "EUR", "s\t1\\N",
            "home", 2**31 - 1, "slate", 'a\nb"c\\d', "TV", 2**40,
        )  # fmt: skip
        plain = an_event("plain", at=-1)
        with records.write() as connection:
            event_log.append(connection, [sent, plain], source=2**31 - 1)
        with records.read() as connection:
            full, bare = connection.execute(events.select().order_by(events.c.seq)).mappings()
        assert {name: full[name] for name in EventRow._fields[3:]} == dict(
            zip(EventRow._fields[3:], sent[3:], strict=True)
        )
        assert (bytes(full["event_key"]), full["source"], full["item_row"]) == (sent.event_key, 2**31 - 1, 2)
        assert [name for name in EventRow._fields[5:] if bare[name] is not None] == []

    def test_the_character_nul_does_no_harm(self, records: Records) -> None:
        with records.write() as connection:
            event = an_event("nul", kind=SEARCH, item=None)._replace(query="red\0mug", session_id="\0")
            assert event_log.append(connection, [event], None).stored == [0]
        with records.read() as connection:
            [found] = event_log.read_queries(connection)
        assert found.query in ("red\0mug", "red\ufffdmug")

    def test_recent_events_against_its_definition(self, records: Records) -> None:
        """The last n that show interest in an item, by time then arrival, oldest first."""
        number = itertools.count()

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
        def holds(log: list[tuple[str, str | None, int, int, str | None]], n: int) -> None:
            example = f"{next(number)}-"
            batch = [
                an_event(f"{example}{place}", example + user, item, kind=kind, at=at)._replace(scenario=scenario)
                for place, (user, item, kind, at, scenario) in enumerate(log)
            ]
            with records.write() as connection:
                event_log.append(connection, batch, None)
            with records.read() as connection:
                found = event_log.recent_events(connection, f"{example}u", n, ScenarioNames(("search", "home")))
                assert not event_log.recent_events(connection, f"{example}u", n).scenarios.any()
                assert len(event_log.recent_events(connection, f"{example}nobody", n)) == 0
            positive = {CODE_BY_KIND[kind] for kind in POSITIVE_KINDS}
            codes = {"search": 1, "home": 2}
            wanted = [
                (int(item[1]), kind, at, codes.get(scenario or "", 0))
                for user, item, kind, at, scenario in log
                if user == "u" and item and kind in positive
            ]
            wanted.sort(key=lambda event: event[2])
            columns = (found.rows, found.kinds, found.times_ms, found.scenarios)
            assert list(zip(*(column.tolist() for column in columns), strict=True)) == wanted[-n:]

        holds()

    def test_all_events_come_by_user_then_time_then_arrival(
        self, records: Records, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(event_log, "READ_CHUNK", 3)
        batch = [
            EventRow(
                event_key(str(n), ()), f"u{n % 3}", f"i{n % 5}", VIEW, (n * 7) % 5, price=n / 2 if n % 2 else None
            )._replace(session_id=f"s{n % 2}" if n % 4 else None, scenario=f"place {n % 3}" if n % 5 else None)
            for n in range(14)
        ]
        with records.write() as connection:
            event_log.append(connection, [*batch, an_event("q", item=None, kind=SEARCH)], None)
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

    def test_lists_positions_and_devices_are_read_as_numbers(
        self, records: Records, monkeypatch: pytest.MonkeyPatch
    ) -> None:
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

    def test_an_empty_log_has_typed_columns(self, records: Records) -> None:
        with records.read() as connection:
            found = event_log.read_all(connection)
            assert (event_log.newest_ms(connection), event_log.count(connection)) == (0, 0)
        dtypes = [str(getattr(found, field.name).dtype) for field in fields(found) if field.name != "scenario_names"]
        of_all = ["int32", "int32", "int8", "int64", "float32", "float32", "int64", "int32"]
        assert dtypes == [*of_all, "int64", "int32", "int8"]
        assert found.scenario_names == []

    def test_what_else_is_asked_of_the_log(self, records: Records) -> None:
        batch = [
            an_event("a", "u", "i0", at=10),
            an_event("b", "v", "i1", at=30),
            an_event("c", "u", "i2", kind=IMPRESSION, at=40)._replace(scenario="email"),
            an_event("d", "v", "i3", kind=IMPRESSION, at=50)._replace(scenario="email"),
            an_event("e", "u", "i4", kind=IMPRESSION, at=5)._replace(scenario="email"),
            an_event("f", "v", None, kind=SEARCH, at=60)._replace(query="mug"),
            an_event("g", "w", "i1", kind=VIEW, at=30)._replace(query="cup"),
        ]
        with records.write() as connection:
            event_log.append(connection, batch, None)
        with records.read() as connection:
            assert event_log.newest_ms(connection) == 60
            assert event_log.interest_since(connection, 11) == [(1, 1, 30), (2, 1, 30)]
            assert event_log.interest_unseen(connection, marks(connection).events - 3) == [(2, 1, 30)]
            assert event_log.interest_unseen(connection, marks(connection).events, 30) == [(1, 1, 30), (2, 1, 30)]
            assert event_log.latest_users(connection, 2) == ["v", "w"]
            assert event_log.shown_since(connection, "u", "email", 6) == [2]
            assert event_log.shown_to_each_since(connection, "email", 6) == {"u": [2], "v": [3]}
            queries: list[tuple[Any, ...]] = [tuple(row) for row in event_log.read_queries(connection)]
            assert queries == [(1, None, 60, "mug"), (2, 1, 30, "cup")]

    def test_who_follows_the_log_sees_every_event_once(self, records: Records) -> None:
        with records.read() as connection:
            before = marks(connection)
            assert (before.events, before.rules) == (0, 0)
            assert before.items > 0
        with records.write() as connection:
            event_log.append(connection, [an_event("a", "v", "i1", at=9), an_event("b", item=None, kind=SEARCH)], None)
        with records.write() as connection:
            event_log.append(connection, [an_event("c", "u", "i2", at=3), an_event("a", "v", "i1", at=9)], None)
        with records.read() as connection:
            found = event_log.interest_after(connection, before.events, 10)
            assert [one[1:] for one in found] == [("v", 1, 9), ("u", 2, 3)]
            assert event_log.interest_after(connection, found[0].seq, 10) == found[1:]
            assert event_log.interest_after(connection, before.events, 1) == found[:1]
            assert marks(connection).events == found[-1].seq
