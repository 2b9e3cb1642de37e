"""Rows that cannot be stored are quarantined with their reason; the others are stored."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shelfwise.config.ingest import EventsSpec, ItemsSpec, TableSpec, UsersSpec
from shelfwise.ingest.report import IngestReport
from shelfwise.ingest.run import ingest_table
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.store import catalogue, sources
from shelfwise.store.records import Records
from shelfwise.store.tables import events, users

NOW = datetime(2024, 6, 1, tzinfo=UTC)
HEADER = "user_id,session_id,item_id,event,timestamp,quantity,price,value,position,currency"


@pytest.fixture
def records(tmp_path: Path) -> Any:
    opened = Records.open("sqlite:///s.db", tmp_path)
    yield opened
    opened.close()


def run(records: Records, folder: Path, spec: TableSpec, text: str, table: Any) -> IngestReport:
    (folder / spec.path).write_text(text)
    report = ingest_table(records, spec, folder, table, now=NOW)
    assert report.stored + report.already_stored + report.quarantined == report.lines
    return report


def with_items(records: Records, folder: Path) -> None:
    run(records, folder, ItemsSpec(path="items.csv"), "item_id,title\nA,Mug\nB,Cup\n", "items")


@pytest.mark.parametrize(
    ("row", "reason", "message"),
    [
        ("u,s,,view,2024-01-01,,,,,", "missing_item", "names no item"),
        (",,A,view,2024-01-01,,,,,", "missing_user", "neither a user nor a session"),
        ("NaN,n/a,A,view,2024-01-01,,,,,", "missing_user", "neither"),
        ("u,s,Z,view,2024-01-01,,,,,", "unknown_item", "'Z' is not in the catalogue"),
        ("u,s,A,glance,2024-01-01,,,,,", "unknown_event", "no event is called 'glance'"),
        ("u,s,A,,2024-01-01,,,,,", "unknown_event", "names no event"),
        ("u,s,A,view,,,,,,", "missing_time", "no time"),
        ("u,s,A,view,yesterday,,,,,", "bad_time", "'yesterday' is no time as iso8601"),
        ("u,s,A,view,2024-02-30,,,,,", "bad_time", "2024-02-30"),
        ("u,s,A,view,1994-12-31,,,,,", "impossible_time", "1994-12-31"),
        ("u,s,A,view,2024-06-03,,,,,", "impossible_time", "in the future"),
        ("u,s,A,view,2024-01-01,,-1,,,", "negative_price", "-1.0"),
        ("u,s,A,view,2024-01-01,,free,,,", "bad_number", "price 'free' is no price"),
        ("u,s,A,view,2024-01-01,,,inf,,", "bad_number", "value 'inf' is no number"),
        ("u,s,A,purchase,2024-01-01,two,,,,", "bad_number", "quantity 'two'"),
        ("u,s,A,purchase,2024-01-01,0,,,,", "bad_quantity", "the quantity is 0"),
        ("u,s,A,purchase,2024-01-01,-3,,,,", "bad_quantity", "the quantity is -3"),
        ("u,s,A,view,2024-01-01,,,,0,", "bad_number", "position is 0"),
        ("u,s,A,view,2024-01-01,,,,1.5,", "bad_number", "position is 1.5"),
        ("u,s,A,view,2024-01-01,,,,,EURO", "bad_currency", "'EURO'"),
        (f"{'u' * 257},s,A,view,2024-01-01,,,,,", "too_long", "257 characters"),
        (f",{'s' * 250},A,view,2024-01-01,,,,,", "too_long", "258 characters"),
        ("u,s,A,view,2024-01-01", "too_few_fields", "5 fields where the header has 10"),
        ("u,s,A,view,2024-01-01,,,,,,,", "too_many_fields", "12 fields where the header has 10"),
        ('"u"x,s,A,view,2024-01-01,,,,,', "bad_quotes", "cannot be split"),
    ],
)
def test_a_bad_row_is_quarantined_and_its_neighbours_are_stored(
    records: Records, tmp_path: Path, row: str, reason: str, message: str
) -> None:
    with_items(records, tmp_path)
    text = f"{HEADER}\nu,s,A,view,2024-01-01,,,,,\n{row}\nu,s,B,view,2024-01-02,,,,,\n"
    report = run(records, tmp_path, EventsSpec(path="e.csv"), text, "events")
    assert (report.stored, report.quarantined) == (2, 1)
    found = report.by_reason[0]
    assert found.reason == reason
    assert message in found.sample.message
    assert (found.sample.line, found.sample.raw) == (3, row)


@pytest.mark.parametrize(
    ("row", "column", "expected"),
    [
        ("u,s,A,return,2024-01-01,-3,,,,", "quantity", 3.0),
        ("17850.0,s,A,view,2024-01-01,,,,,", "user_row", 0),
        ("u,s,A,VIEW,2024-01-01,,,,,", "kind", CODE_BY_KIND[EventKind.VIEW]),
        ('u,s,A,view,2024-01-01,,"1,250.50",,,', "price", 1250.5),
        ("u,s,A,view,2024-01-01,,£2.55,,,", "currency", "GBP"),
        ("u,s,A,view,2024-01-01,,12.99 EUR,,,", "price", 12.99),
        ("u,s,A,view,2024-06-01 23:00,,,,,", "timestamp_ms", 1_717_282_800_000),
        ("u,s,A,view,2024-01-01T00:00:00+02:00,,,,,", "timestamp_ms", 1_704_060_000_000),
        ("u,s,A,view,2024-01-01T00:00:00.123Z,,,,,", "timestamp_ms", 1_704_067_200_123),
        ("u,s,,search,2024-01-01,,,,,", "item_row", None),
    ],
)
def test_a_good_row_is_stored_as_meant(
    records: Records, tmp_path: Path, row: str, column: str, expected: object
) -> None:
    with_items(records, tmp_path)
    report = run(records, tmp_path, EventsSpec(path="e.csv"), f"{HEADER}\n{row}\n", "events")
    assert report.stored == 1, report.by_reason
    with records.read() as connection:
        assert connection.execute(events.select()).mappings().one()[column] == expected


def test_the_character_nul_becomes_one_that_every_database_keeps(records: Records, tmp_path: Path) -> None:
    run(records, tmp_path, ItemsSpec(path="items.csv"), "item_id,title\nA\0,Mug\0red\n", "items")
    text = f"{HEADER}\nu\0,,A\0,view,2024-01-01,,,,,\n"
    assert run(records, tmp_path, EventsSpec(path="events.csv"), text, "events").stored == 1
    with records.read() as connection:
        [stored] = catalogue.read_all(connection)
    assert (stored.item.item_id, stored.item.title) == ("A\ufffd", "Mug\ufffdred")


def test_a_visitor_is_named_by_the_session(records: Records, tmp_path: Path) -> None:
    with_items(records, tmp_path)
    text = f"{HEADER}\n,s7,A,view,2024-01-01,,,,,\n17850.0,,A,view,2024-01-01,,,,,\n"
    run(records, tmp_path, EventsSpec(path="e.csv"), text, "events")
    with records.read() as connection:
        assert [row.user_id for row in connection.execute(users.select())] == ["visitor:s7", "17850"]


def test_naive_times_are_in_the_shops_zone(records: Records, tmp_path: Path) -> None:
    with_items(records, tmp_path)
    text = f"{HEADER}\nu,,A,view,2024-01-01T12:00,,,,,\n"
    run(records, tmp_path, EventsSpec(path="e.csv", timezone="Europe/Berlin"), text, "events")
    with records.read() as connection:
        found = connection.execute(events.select()).mappings().one()["timestamp_ms"]
    assert datetime.fromtimestamp(found / 1000, UTC) == datetime(2024, 1, 1, 11, tzinfo=UTC)


def test_the_first_rule_that_holds_names_the_event(records: Records, tmp_path: Path) -> None:
    with_items(records, tmp_path)
    spec = EventsSpec(
        path="e.csv",
        default_event=EventKind.PURCHASE,
        event_when=[
            {"column": "invoice", "starts_with": "C", "event": "return"},
            {"column": "quantity", "above": 10, "event": "cart"},
            {"column": "invoice", "equals": "C2", "event": "view"},
        ],  # pyright: ignore[reportArgumentType]
    )
    text = "invoice,user_id,item_id,timestamp,quantity\n" + "".join(
        f"{invoice},u,A,2024-01-0{day},{n}\n"
        for day, (invoice, n) in enumerate([("1", 2), ("C2", -20), ("3", 11)], start=1)
    )
    run(records, tmp_path, spec, text, "events")
    with records.read() as connection:
        kinds = [row.kind for row in connection.execute(events.select().order_by(events.c.seq))]
    assert kinds == [CODE_BY_KIND[kind] for kind in (EventKind.PURCHASE, EventKind.RETURN, EventKind.CART)]


def test_a_duplicate_names_the_first_line_and_another_files_twin_is_no_error(records: Records, tmp_path: Path) -> None:
    with_items(records, tmp_path)
    first = f"{HEADER}\nu,s,A,view,2024-01-01,,,,,\nu,s,B,view,2024-01-01,,,,,\nu,s,A,view,2024-01-01,,,,,\n"
    report = run(records, tmp_path, EventsSpec(path="e.csv", batch_rows=1), first, "events")
    assert (report.stored, report.already_stored, report.quarantined) == (2, 0, 1)
    assert report.by_reason[0].sample.message == "the same event stands on line 2"
    grown = run(records, tmp_path, EventsSpec(path="e.csv"), first + "u,s,A,view,2024-01-05,,,,,\n", "events")
    # The repeated line's twin lies in the earlier file: it is there already, and no fault of this one.
    assert (grown.stored, grown.already_stored, grown.quarantined) == (1, 3, 0)


def test_event_ids_make_an_event_the_same(records: Records, tmp_path: Path) -> None:
    with_items(records, tmp_path)
    rows = "1,u,A,view,2024-01-01\n1,u,B,view,2024-01-02\n2,u,A,view,2024-01-01\n"
    text = f"event_id,user_id,item_id,event,timestamp\n{rows}"
    report = run(records, tmp_path, EventsSpec(path="e.csv"), text, "events")
    assert (report.stored, report.quarantined) == (2, 1)
    assert report.by_reason[0].sample.line == 3


def test_require_keeps_what_matches_as_a_whole(records: Records, tmp_path: Path) -> None:
    spec = ItemsSpec(path="i.csv", require={"item_id": r"\d{5}[A-Z]*"}, uppercase=["item_id"])
    report = run(records, tmp_path, spec, "item_id,title\n12345a,Mug\nPOST,Postage\n12345-X,Odd\n", "items")
    assert (report.stored, report.quarantined) == (1, 2)
    assert report.by_reason[0].reason == "not_allowed"
    assert report.by_reason[0].sample.message == r"item_id 'POST' does not match \d{5}[A-Z]*"
    with records.read() as connection:
        assert catalogue.get(connection, "12345A") is not None


def test_an_unclosed_quote_spoils_its_own_line_only(records: Records, tmp_path: Path) -> None:
    text = 'item_id,title\nA,"Mug\nB,Cup\nC,"Big\nBowl"\nD,"4"" plate"\n'
    report = run(records, tmp_path, ItemsSpec(path="i.csv"), text, "items")
    with records.read() as connection:
        titles = {item.item.item_id: item.item.title for item in catalogue.read_all(connection)}
        refused = [row.line for _, row in sources.read_refused(connection)]
    assert titles == {"B": "Cup", "C": "Big Bowl", "D": '4" plate'}
    assert refused == [2]
    assert report.lines == 4


def test_the_last_row_of_an_item_wins_or_the_most_common(records: Records, tmp_path: Path) -> None:
    text = "item_id,title,price,brand\n" + "".join(
        f"A,{title},{price},{brand}\n"
        for title, price, brand in [("?", 3, ""), ("Mug", 2, "Acme"), ("Mug", 4, ""), ("", 4, "Zed")]
    )
    run(records, tmp_path, ItemsSpec(path="i.csv"), text, "items")
    with records.read() as connection:
        last = catalogue.get(connection, "A")
    assert last is not None
    assert (last.item.title, last.item.price, last.item.brand) == (None, 4.0, "Zed")
    report = run(records, tmp_path, ItemsSpec(path="i.csv", many_rows="most-common", batch_rows=1), text, "items")
    assert report.stored == 4
    with records.read() as connection:
        common = catalogue.get(connection, "A")
    assert common is not None
    # Equal counts fall to the value seen first.
    assert (common.item.title, common.item.price, common.item.brand) == ("Mug", 4.0, "Acme")


@pytest.mark.parametrize(
    ("word", "available"),
    [("in stock", True), ("out_of_stock", False), ("https://schema.org/InStock", True), ("0", False)],
)
def test_availability_is_read_in_many_words(records: Records, tmp_path: Path, word: str, available: bool) -> None:
    run(records, tmp_path, ItemsSpec(path="i.csv"), f"item_id,available\nA,{word}\n", "items")
    with records.read() as connection:
        found = catalogue.get(connection, "A")
    assert found is not None and found.item.available is available


def test_attributes_and_decimal_commas(records: Records, tmp_path: Path) -> None:
    spec = ItemsSpec(path="i.csv", attributes=["colour", "size"], decimal=",")
    run(records, tmp_path, spec, "item_id;price;colour;size\nA;1.299,50;red;\nB;3,5;;L\n", "items")
    with records.read() as connection:
        found = [(item.item.price, item.item.attributes) for item in catalogue.read_all(connection)]
    assert found == [(1299.5, {"colour": "red"}), (3.5, {"size": "L"})]


def test_users_have_attributes(records: Records, tmp_path: Path) -> None:
    spec = UsersSpec(path="u.csv", attributes=["age"])
    report = run(records, tmp_path, spec, "user_id,age\nu1,30\n,40\nu1,31\n", "users")
    assert (report.stored, report.quarantined) == (2, 1)
    with records.read() as connection:
        assert [(row.user_id, row.attributes) for row in connection.execute(users.select())] == [
            ("u1", '{"age": "31"}')
        ]
