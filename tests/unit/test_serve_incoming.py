"""Events and items as they come over the API."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shelfwise.config.ingest import EventsSpec
from shelfwise.ingest.run import ingest_table
from shelfwise.schemas.items import Item
from shelfwise.serve.incoming import check_event, check_item
from shelfwise.store import catalogue, event_log
from shelfwise.store.event_log import EventRow
from shelfwise.store.records import Records

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1_000)


def accepted(sent: dict[str, Any], *, has_clock: bool = True) -> EventRow:
    found = check_event(sent, now_ms=NOW_MS, has_clock=has_clock)
    assert isinstance(found, EventRow), found
    return found


def refused(sent: Any, *, has_clock: bool = True) -> list[tuple[str, str]]:
    found = check_event(sent, now_ms=NOW_MS, has_clock=has_clock)
    assert not isinstance(found, EventRow)
    return [(problem.field, problem.code) for problem in found]


VIEW = {"user_id": "u", "item_id": "i", "event": "view"}


def test_an_event_without_time_gets_the_shops() -> None:
    assert accepted(VIEW).timestamp_ms == NOW_MS


def test_times_are_exact_to_the_millisecond() -> None:
    for ms in range(1_000):
        at = f"2024-05-31T23:59:59.{ms:03d}+02:00"
        assert accepted({**VIEW, "timestamp": at}).timestamp_ms % 1_000 == ms


def test_keys() -> None:
    at = {"timestamp": "2024-05-01T00:00:00Z"}
    assert accepted(VIEW).event_key != accepted(VIEW).event_key
    assert accepted({**VIEW, **at}).event_key == accepted({**VIEW, **at}).event_key
    assert accepted({**VIEW, **at}).event_key != accepted({**VIEW, **at, "price": 1}).event_key
    # A device is told, and names no other event: what came before devices were kept stays the same event.
    assert accepted({**VIEW, **at}).event_key == accepted({**VIEW, **at, "device": "tablet"}).event_key
    assert accepted({**VIEW, "device": "tablet"}).device == "tablet"
    assert accepted({**VIEW, "event_id": "e"}).event_key == accepted({**VIEW, **at, "event_id": "e"}).event_key


@pytest.mark.parametrize(
    ("timestamp", "has_clock", "fine"),
    [
        ("2024-06-02T12:00:00Z", True, True),
        ("2100-01-01T00:00:00Z", True, False),
        ("1995-01-01T00:00:00Z", True, True),
        ("1994-12-31T23:59:59.999Z", True, False),
        ("1970-01-01T00:00:05Z", False, True),
        ("1969-12-31T23:59:59Z", False, False),
        ("0001-01-01T00:00:00+14:00", True, False),
        ("9999-12-31T23:59:59-14:00", True, False),
    ],
)
def test_impossible_times(timestamp: str, has_clock: bool, fine: bool) -> None:
    sent = {**VIEW, "timestamp": timestamp}
    if fine:
        accepted(sent, has_clock=has_clock)
    else:
        assert refused(sent, has_clock=has_clock) == [("timestamp", "impossible_time")]


def test_a_visitor_is_named_by_session() -> None:
    event = {"session_id": "tab", "item_id": "i", "event": "view"}
    assert (accepted(event).user_id, accepted(event).session_id) == ("visitor:tab", "tab")
    assert accepted({**event, "user_id": "u"}).user_id == "u"


@pytest.mark.parametrize(
    ("sent", "where"),
    [
        ({}, "event"),
        ({**VIEW, "event": "stare"}, "event"),
        ({**VIEW, "timestamp": "2024-05-01T00:00:00"}, "timestamp"),
        ({**VIEW, "prize": 3}, "prize"),
        ({**VIEW, "price": -1}, "price"),
        ({**VIEW, "position": 0}, "position"),
        ({**VIEW, "position": 2**31}, "position"),
        ({**VIEW, "user_id": " "}, "user_id"),
        ({**VIEW, "user_id": "u\0"}, "user_id"),
        ({**VIEW, "event_id": "\0"}, "event_id"),
        ({"user_id": "u", "event": "view"}, ""),
        (None, ""),
        ([VIEW], ""),
    ],
)
def test_what_is_wrong_is_named(sent: Any, where: str) -> None:
    assert where in [field for field, _ in refused(sent)]


def test_an_ingested_event_that_comes_again_over_the_api_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(
        "user_id,item_id,event,timestamp,value,quantity,price,currency,session_id,position\n"
        "u,mug,purchase,2024-05-01T08:26:00Z,15.5,2,2.55,GBP,s1,3\n"
        ",mug,view,2024-05-01T08:25:00Z,,,,,s1,\n"
    )
    records = Records.open("sqlite:///s.db", tmp_path)
    with records.write() as connection:
        catalogue.upsert(connection, [Item(item_id="mug")])
    ingest_table(records, EventsSpec(path="log.csv"), tmp_path, "events", now=NOW)
    sent = [
        {
            "user_id": "u",
            "item_id": "mug",
            "event": "purchase",
            "timestamp": "2024-05-01T10:26:00+02:00",
            "value": 15.5,
            "quantity": 2,
            "price": 2.55,
            "currency": "GBP",
            "session_id": "s1",
            "position": 3,
        },
        {"session_id": "s1", "item_id": "mug", "event": "view", "timestamp": "2024-05-01T08:25:00Z"},
    ]
    with records.write() as connection:
        outcome = event_log.append(connection, [accepted(event) for event in sent], None)
    records.close()
    assert sorted(outcome.twins) == [0, 1]


def test_items() -> None:
    found = check_item({"title": "x"}, item_id="a/b")
    assert isinstance(found, Item) and found.item_id == "a/b"
    assert isinstance(check_item({"item_id": "a", "title": "x"}, item_id="a"), Item)
    for sent, item_id in (
        ({"item_id": "b"}, "a"),
        ({"title": "x"}, None),
        ([], "a"),
        ({"price": -1}, "a"),
        ({}, " "),
    ):
        assert not isinstance(check_item(sent, item_id=item_id), Item)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59.999999-00:01"])
def test_an_item_from_beyond_the_calendar_is_refused(at: str) -> None:
    found = check_item({"item_id": "a", "created_at": at})
    assert not isinstance(found, Item)
    assert found[0].field == "created_at"
