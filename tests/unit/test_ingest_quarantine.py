"""What was refused comes out again, can be repaired, and goes in."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterator
from pathlib import Path

import orjson
import polars as pl
import pytest

from shelfwise.config.ingest import ItemsSpec
from shelfwise.ingest.quarantine import FIELDS, export_lines, export_quarantine
from shelfwise.ingest.run import ingest_table
from shelfwise.ingest.table_file import look_at
from shelfwise.serve.quarantine_routes import streamed
from shelfwise.store import catalogue, sources
from shelfwise.store.records import Records
from shelfwise.store.sources import Refused

TEXT = 'item_id;price;title\nA;-1;"Big;\nMug"\nB;2;Cup\nC;x;"Tray"\n'


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records.open("sqlite:///s.db", tmp_path)
    yield opened
    opened.close()


def test_the_export_has_file_line_reason_message_and_raw(records: Records, tmp_path: Path) -> None:
    (tmp_path / "i.csv").write_text(TEXT)
    ingest_table(records, ItemsSpec(path="i.csv"), tmp_path, "items")
    assert export_quarantine(records, tmp_path / "q.csv") == 2
    with (tmp_path / "q.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == FIELDS
    assert rows[1] == ["i.csv", "2", "negative_price", "the price is -1.0", 'A;-1;"Big;\nMug"']
    assert export_quarantine(records, tmp_path / "q.jsonl", "jsonl") == 2
    second = orjson.loads((tmp_path / "q.jsonl").read_bytes().splitlines()[1])
    assert second == {
        "file": "i.csv",
        "line": 5,
        "reason": "bad_number",
        "message": "price 'x' is no price",
        "raw": 'C;x;"Tray"',
    }


def test_repaired_lines_are_ingested_with_the_same_spec(records: Records, tmp_path: Path) -> None:
    (tmp_path / "i.csv").write_text(TEXT)
    spec = ItemsSpec(path="i.csv")
    report = ingest_table(records, spec, tmp_path, "items")
    assert export_lines(records, look_at(spec, tmp_path), report.source, tmp_path / "fix.csv") == 2
    fixed = (tmp_path / "fix.csv").read_text().replace("-1", "1").replace(";x;", ";3;")
    (tmp_path / "fix.csv").write_text(fixed)
    again = ingest_table(records, spec.model_copy(update={"path": "fix.csv"}), tmp_path, "items")
    assert (again.stored, again.quarantined) == (2, 0)
    with records.read() as connection:
        found = [(item.item.item_id, item.item.title, item.item.price) for item in catalogue.read_all(connection)]
    assert found == [("B", "Cup", 2.0), ("A", "Big; Mug", 1.0), ("C", "Tray", 3.0)]


@pytest.mark.parametrize("suffix", [".csv.zst", ".csv.gz", ".jsonl", ".parquet"])
def test_every_format_stores_the_same(records: Records, tmp_path: Path, suffix: str) -> None:
    import gzip

    import pyarrow  # pyright: ignore[reportMissingTypeStubs]

    frame = pl.DataFrame({"item_id": ["A", "B", None], "title": ["Mug", None, "Cup"], "price": [1.5, 2.0, 3.0]})
    path = tmp_path / f"i{suffix}"
    if suffix == ".parquet":
        frame.write_parquet(path)
    elif suffix == ".jsonl":
        path.write_text("\n\n".join(orjson.dumps(row).decode() for row in frame.to_dicts()))
    elif suffix == ".csv.gz":
        path.write_bytes(gzip.compress(frame.write_csv().encode()))
    else:
        with pyarrow.output_stream(str(path), compression="zstd") as out:  # pyright: ignore
            out.write(frame.write_csv().encode())  # pyright: ignore
    report = ingest_table(records, ItemsSpec(path=path.name), tmp_path, "items")
    assert (report.lines, report.stored, report.quarantined) == (3, 2, 1)
    assert report.by_reason[0].sample.line == {".csv.zst": 4, ".csv.gz": 4, ".jsonl": 5, ".parquet": 3}[suffix]
    with records.read() as connection:
        found = [(item.item.item_id, item.item.title, item.item.price) for item in catalogue.read_all(connection)]
    assert found == [("A", "Mug", 1.5), ("B", None, 2.0)]


def test_nested_values_are_mapped_by_dotted_path(records: Records, tmp_path: Path) -> None:
    (tmp_path / "i.jsonl").write_text('{"p": {"id": 7, "tags": ["a", "b"]}, "p.name": "Mug"}\n[1]\n{"p": {}}\n{oops\n')
    spec = ItemsSpec(path="i.jsonl", columns={"item_id": "p.id", "title": "p.name"}, attributes=["p.tags"])
    report = ingest_table(records, spec, tmp_path, "items")
    assert {found.reason.value: found.sample.line for found in report.by_reason} == {
        "bad_json": 2,
        "missing_item": 3,
    }
    with records.read() as connection:
        found = catalogue.get(connection, "7")
    assert found is not None
    assert (found.item.title, found.item.attributes) == ("Mug", {"p.tags": "a; b"})


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_the_csv_is_a_formula(records: Records, tmp_path: Path, start: str) -> None:
    raw = f"{start}HYPERLINK(1)"
    with records.write() as connection:
        state = sources.find_or_start(connection, "f", "events", f"{start}e.csv", 0)
        sources.refuse(connection, state.source, [Refused(2, "bad_time", f"{start}x", raw)])

    async def downloaded() -> bytes:
        return b"".join([part async for part in streamed(records, None, None, "csv")])

    export_quarantine(records, tmp_path / "q.csv")
    with (tmp_path / "q.csv").open(newline="", encoding="utf-8") as file:
        exported = list(csv.reader(file))
    for rows in (exported, list(csv.reader(io.StringIO(asyncio.run(downloaded()).decode(), newline="")))):
        assert rows[1] == [f"'{start}e.csv", "2", "bad_time", f"'{start}x", f"'{raw}"]
    export_quarantine(records, tmp_path / "q.jsonl", "jsonl")
    assert orjson.loads((tmp_path / "q.jsonl").read_bytes())["raw"] == raw
