"""Files that cannot be read at all: each stops with its own message and the next step."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from shelfwise.config.ingest import EventsSpec, ItemsSpec
from shelfwise.errors import DataError
from shelfwise.ingest.run import ingest_table
from shelfwise.store import catalogue, event_log
from shelfwise.store.records import Records

ITEMS = "item_id,title\nA,Mug\nB,Cup\n"
EVENTS = "user_id,item_id,event,timestamp\nu1,A,view,2024-01-01T10:00:00\n"


def ingest(folder: Path, data: str | bytes, *, name: str = "f.csv", table: str = "items", **fields: Any) -> Any:
    """Write a file and ingest it into a store of the folder."""
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return ingest_path(folder, name, table, **fields)


def ingest_path(folder: Path, name: str, table: str = "items", **fields: Any) -> Any:
    records = Records.open("sqlite:///s.db", folder)
    try:
        spec = (ItemsSpec if table == "items" else EventsSpec)(path=name, **fields)
        return ingest_table(records, spec, folder, table)  # pyright: ignore[reportArgumentType]
    finally:
        records.close()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file .*nowhere\.csv") as caught:
        ingest_path(tmp_path, "nowhere.csv")
    assert caught.value.exit_code == 2
    assert caught.value.hint == "a relative path starts from the shop's folder"


def test_a_folder_lists_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "june.csv").write_text(ITEMS)
    with pytest.raises(DataError, match=r"(?s)is a folder.*june\.csv"):
        ingest_path(tmp_path, "export")


@pytest.mark.parametrize("data", [b"", b"\n\n  \n"])
def test_an_empty_file_is_no_table(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DataError, match="is empty|holds nothing") as caught:
        ingest(tmp_path, data)
    assert caught.value.code == "empty_file"


def test_an_empty_compressed_file_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds nothing"):
        ingest(tmp_path, gzip.compress(b""), name="f.csv.gz")


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    report = ingest(tmp_path, "item_id,title\n")
    assert (report.lines, report.stored, report.quarantined) == (0, 0, 0)


def test_a_wrong_delimiter_names_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)delimiter ','.*3 columns, as a semicolon.*delimiter = \";\""):
        ingest(tmp_path, "item_id;title;price\nA;Mug;1\n", delimiter=",")


def test_no_column_for_item_id_suggests_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)no column is mapped to item_id; the file has: StockCode, Text") as caught:
        ingest(tmp_path, "StockCode,Text\nA,Mug\n")
    assert caught.value.hint == 'add to [ingest.items.columns]: item_id = "StockCode"'


def test_a_mapped_column_that_is_not_there_names_the_near_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)no column 'StokCode'.*did you mean 'StockCode'"):
        ingest(tmp_path, "StockCode,Text\nA,Mug\n", columns={"item_id": "StokCode"})


def test_a_column_of_ours_that_does_not_exist_names_the_near_one() -> None:
    with pytest.raises(ValidationError, match=r"no column of ours is called 'itemid'.*did you mean 'item_id'"):
        ItemsSpec(path="f", columns={"itemid": "x"})


def test_a_line_of_100_mb_stops_before_it_is_in_memory(tmp_path: Path) -> None:
    import resource

    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (tmp_path / "long.csv").open("wb") as file:
        file.write(b"item_id,title\nA,")
        for _ in range(100):
            file.write(b"x" * 1_000_000)
    with pytest.raises(DataError, match=r"long\.csv:2: the line is longer than 1,048,576 bytes"):
        ingest_path(tmp_path, "long.csv")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 60_000


def test_bytes_that_are_no_utf8_name_line_and_offset(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r'(?s)f\.csv:3: byte 25 \(0xe9\).*encoding = "latin-1"'):
        ingest(tmp_path, b"item_id,title\nA,Mug\nB,Caf\xe9\n")


def test_the_declared_encoding_is_used(tmp_path: Path) -> None:
    assert ingest(tmp_path, b"item_id,title\nB,Caf\xe9\n", encoding="latin-1").stored == 1
    records = Records.open("sqlite:///s.db", tmp_path)
    with records.read() as connection:
        assert [item.item.title for item in catalogue.read_all(connection)] == ["Café"]
    records.close()


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    assert ingest(tmp_path, b"\xef\xbb\xbf" + ITEMS.encode()).stored == 2


def test_dates_in_two_formats_name_both_lines(tmp_path: Path) -> None:
    ingest(tmp_path, ITEMS)
    rows = EVENTS + "u1,B,view,31/12/2023 09:00\n"
    with pytest.raises(DataError, match=r"two formats: line 2 .*iso8601, line 3 .*%d/%m/%Y %H:%M") as caught:
        ingest(tmp_path, rows, name="e.csv", table="events")
    assert 'timestamp_format = ["iso8601", "%d/%m/%Y %H:%M"]' in str(caught.value)
    allowed = ingest(tmp_path, rows, name="e.csv", table="events", timestamp_format=["iso8601", "%d/%m/%Y %H:%M"])
    assert allowed.stored == 2


def test_dates_whose_day_and_month_can_be_swapped_are_not_guessed(tmp_path: Path) -> None:
    ingest(tmp_path, ITEMS)
    rows = "user_id,item_id,event,timestamp\nu1,A,view,01/02/2024 10:00\nu1,B,view,03/04/2024 10:00\n"
    with pytest.raises(DataError, match=r"can be read as %d/%m/%Y %H:%M and as %m/%d/%Y %H:%M"):
        ingest(tmp_path, rows, name="e.csv", table="events")
    later = rows + "u1,B,view,05/31/2024 10:00\n"
    assert ingest(tmp_path, later, name="e.csv", table="events").stored == 3


def test_small_whole_numbers_as_times_want_to_be_declared(tmp_path: Path) -> None:
    ingest(tmp_path, ITEMS)
    rows = "user_id,item_id,event,timestamp\nu1,A,view,0\nu1,B,view,1\n"
    with pytest.raises(DataError, match='timestamp_format = "order"'):
        ingest(tmp_path, rows, name="e.csv", table="events")
    assert ingest(tmp_path, rows, name="e.csv", table="events", timestamp_format="order").stored == 2
    records = Records.open("sqlite:///s.db", tmp_path)
    with records.read() as connection:
        assert event_log.recent_events(connection, "u1", 5).rows.tolist() == [0, 1]
    records.close()


def test_a_cut_off_gzip_says_so(tmp_path: Path) -> None:
    whole = gzip.compress(("item_id,title\n" + "".join(f"{n},Mug {n}\n" for n in range(20_000))).encode())
    with pytest.raises(DataError, match=r"cut off or damaged \(gzip"):
        ingest(tmp_path, whole[: len(whole) // 2], name="f.csv.gz")


def test_a_corrupt_parquet_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        ingest(tmp_path, b"PAR1" + b"\0" * 100, name="f.parquet")


def test_a_json_array_is_told_how_to_become_lines(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one JSON array"):
        ingest(tmp_path, '[{"item_id": "A"}]', name="f.json")


@pytest.mark.parametrize(("data", "what"), [(b"PK\x03\x04xxxx", "ZIP"), (b"\xff\xfei\0t\0", "UTF-16")])
def test_other_kinds_of_file_are_named(tmp_path: Path, data: bytes, what: str) -> None:
    with pytest.raises(DataError, match=what):
        ingest(tmp_path, data)


def test_a_header_with_a_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="names 'title' twice"):
        ingest(tmp_path, "item_id,title,title\nA,B,C\n")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"delimiter": "ab"}, "one character"),
        ({"encoding": "klingon"}, "no encoding is called 'klingon'"),
        ({"encoding": "utf-16"}, "line by line"),
        ({"timezone": "Mars/Base"}, "no time zone"),
        ({"timestamp_format": "iso"}, "did you mean 'iso8601'"),
        ({"timestamp_format": ["order", "epoch_s"]}, "stand alone"),
        ({"require": {"item_id": "("}}, "no regular expression"),
        ({"preset": "ga4"}, "not for this table"),
        ({"delimeter": ","}, "Extra inputs"),
    ],
)
def test_a_wrong_spec_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ItemsSpec(path="f", **fields)
