"""For any file, however messy: every line is accounted for, twice is once, and the batch size changes
nothing.
"""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shelfwise.config.ingest import EventsSpec, ItemsSpec
from shelfwise.ingest.run import ingest_table
from shelfwise.store import sources
from shelfwise.store.records import Records
from shelfwise.store.tables import events, items, users

NOW = datetime(2024, 6, 1, tzinfo=UTC)
EVENT_COLUMNS = ["user_id", "session_id", "item_id", "event", "timestamp", "quantity", "price"]

messy = st.text(alphabet='ab,"\n\r\t 1-.é', max_size=6)
field_values: dict[str, st.SearchStrategy[str]] = {
    "user_id": st.sampled_from(["u1", "u2", "", "nan", "3.0"]),
    "session_id": st.sampled_from(["", "s1"]),
    "item_id": st.sampled_from(["A", "B", "Z", "", "a"]),
    "event": st.sampled_from(["view", "purchase", "return", "search", "?", ""]),
    "timestamp": st.sampled_from(["2024-01-01", "2024-01-02T10:00:00Z", "1990-01-01", "2999-01-01", "soon", ""]),
    "quantity": st.sampled_from(["", "1", "-1", "0", "x"]),
    "price": st.sampled_from(["", "2.5", "-1", "£3", "x"]),
}
event_rows = st.lists(
    st.tuples(*field_values.values()).map(list)
    | st.lists(messy, max_size=9)
    | st.tuples(st.just("u1"), st.just("s"), messy, st.just("view"), st.just("2024-01-01"), messy, messy).map(list),
    max_size=12,
)
raw_lines = st.lists(messy.map(lambda text: text.replace("\n", "").replace("\r", "")), max_size=4)


def written(rows: list[list[str]], lines: list[str]) -> str:
    """A file of proper CSV records, followed by lines as they come."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(EVENT_COLUMNS)
    writer.writerow(["u0", "", "A", "view", "2024-01-01", "", ""])
    writer.writerows(rows)
    return out.getvalue() + "".join(line + "\n" for line in lines)


def state(records: Records) -> dict[str, Any]:
    """Everything that a store holds, in its order."""
    with records.read() as connection:
        return {
            "events": [tuple(row) for row in connection.execute(events.select().order_by(events.c.seq))],
            "items": [tuple(row) for row in connection.execute(items.select().order_by(items.c.row))],
            "users": [tuple(row) for row in connection.execute(users.select().order_by(users.c.row))],
            "refused": list(sources.read_refused(connection)),
            "sources": sources.read_all(connection),
        }


def ingested(folder: Path, text: str, spec: EventsSpec | ItemsSpec, table: Any, times: int = 1) -> dict[str, Any]:
    """The store after the catalogue and then the file, checked for adding up on the way."""
    (folder / "i.csv").write_text("item_id,title\nA,Mug\nB,Cup\n")
    (folder / spec.path).write_text(text, newline="")
    records = Records.open("sqlite:///s.db", folder)
    try:
        ingest_table(records, ItemsSpec(path="i.csv"), folder, "items", now=NOW)
        for _ in range(times):
            report = ingest_table(records, spec, folder, table, now=NOW)
            assert report.stored + report.already_stored + report.quarantined == report.lines
            assert sum(found.count for found in report.by_reason) == report.quarantined
        return state(records)
    finally:
        records.close()


@settings(max_examples=40, deadline=None)
@given(rows=event_rows, lines=raw_lines, batch=st.integers(1, 5))
def test_events_add_up_and_come_once_whatever_the_batch(rows: list[list[str]], lines: list[str], batch: int) -> None:
    text = written(rows, lines)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        whole = ingested(Path(one), text, EventsSpec(path="e.csv", timestamp_format="iso8601"), "events")
        parts = ingested(
            Path(other),
            text,
            EventsSpec(path="e.csv", timestamp_format="iso8601", batch_rows=batch),
            "events",
            times=2,
        )
    assert parts == whole
    keys = [row[1] for row in whole["events"]]
    assert len(keys) == len(set(keys))


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(*field_values.values()).map(list), max_size=20))
def test_every_proper_record_is_counted(rows: list[list[str]]) -> None:
    text = written(rows, [])
    n_records = sum(1 for row in csv.reader(io.StringIO(text)) if row) - 1
    with tempfile.TemporaryDirectory() as folder:
        found = ingested(Path(folder), text, EventsSpec(path="e.csv", timestamp_format="iso8601"), "events")["sources"][
            -1
        ]
    assert found.lines_done == n_records
    assert found.stored + found.already_stored + found.quarantined == n_records


def literal_most_common(rows: list[list[str]]) -> dict[str, tuple[str | None, float | None]]:
    """The definition, row by row: the value seen most often, the first seen among equals."""
    found: dict[str, tuple[dict[str, int], dict[float, int]]] = {}
    for item_id, title, price in rows:
        if not item_id or price == "-1":
            continue
        titles, prices = found.setdefault(item_id, ({}, {}))
        if title:
            titles[title] = titles.get(title, 0) + 1
        if price:
            prices[float(price)] = prices.get(float(price), 0) + 1
    return {
        item_id: (
            max(titles, key=lambda t: titles[t], default=None),
            max(prices, key=lambda p: prices[p], default=None),
        )
        for item_id, (titles, prices) in found.items()
    }


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["A", "B", "C", ""]),
            st.sampled_from(["Mug", "Cup", "?", ""]),
            st.sampled_from(["1", "2", "", "-1"]),
        ).map(list),
        max_size=20,
    ),
    batch=st.integers(1, 6),
)
def test_most_common_values_are_those_of_the_literal_definition(rows: list[list[str]], batch: int) -> None:
    text = "item_id,title,price\n" + "".join(",".join(row) + "\n" for row in rows)
    spec = ItemsSpec(path="o.csv", many_rows="most-common", batch_rows=batch)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "o.csv").write_text(text)
        records = Records.open("sqlite:///s.db", Path(folder))
        report = ingest_table(records, spec, Path(folder), "items", now=NOW)
        with records.read() as connection:
            stored = {
                row.item_id: (row.title, row.price) for row in connection.execute(items.select().order_by(items.c.row))
            }
        records.close()
    expected = literal_most_common(rows)
    assert stored == expected
    assert list(stored) == list(expected)
    assert (report.stored, report.lines) == (sum(1 for row in rows if row[0] and row[2] != "-1"), len(rows))
