"""Drafts are right for the files that shops have, or stop with the columns listed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from shelfwise.errors import DataError
from shelfwise.ingest.guess import guess
from shelfwise.ingest.run import ingest_table
from shelfwise.store.records import Records

DEMO = Path(__file__).parents[2] / "src/shelfwise/cli/demo_shop/online_retail.parquet"


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def drafted(spec: Any) -> dict[str, Any]:
    return spec.model_dump(mode="json", exclude_defaults=True, exclude={"path"})


def test_an_order_export_is_catalogue_and_events_at_once() -> None:
    found = guess(DEMO, DEMO)
    assert drafted(found.spec.items) == {
        "format": "parquet",
        "columns": {"item_id": "StockCode", "title": "Description", "price": "UnitPrice"},
        "uppercase": ["item_id"],
        "many_rows": "most-common",
    }
    assert drafted(found.spec.events) == {
        "format": "parquet",
        "columns": {
            "item_id": "StockCode",
            "user_id": "CustomerID",
            "timestamp": "InvoiceDate",
            "session_id": "InvoiceNo",
            "quantity": "Quantity",
            "price": "UnitPrice",
        },
        "uppercase": ["item_id"],
        "timestamp_format": "iso8601",
        "default_event": "purchase",
        "event_when": [{"column": "InvoiceNo", "event": "return", "starts_with": "C"}],
    }
    by_column = {column.theirs: column for column in found.columns if column.table == "events"}
    assert by_column["Country"].ours is None
    assert by_column["CustomerID"].examples == ("17850", "13047", "12583")


def test_canonical_parquet_with_positions_as_times_needs_nothing_but_order(tmp_path: Path) -> None:
    n = 300
    pl.DataFrame(
        {
            "item_id": [str(k) for k in range(20)],
            "title": ["Mug"] * 20,
            "brand": pl.Series([None] * 20, dtype=pl.String),
        }
    ).write_parquet(tmp_path / "items.parquet")
    pl.DataFrame(
        {
            "user_id": [str(k // 10) for k in range(n)],
            "item_id": [str(k % 20) for k in range(n)],
            "event": ["purchase"] * n,
            "timestamp": [k % 10 for k in range(n)],
        }
    ).write_parquet(tmp_path / "events.parquet")
    found = guess(tmp_path / "items.parquet", tmp_path / "events.parquet")
    assert drafted(found.spec.items) == {"format": "parquet"}
    assert drafted(found.spec.events) == {"format": "parquet", "timestamp_format": "order"}
    assert found.spec.events is not None and found.spec.events.is_order_only
    assert all(column.confidence == 1.0 for column in found.columns if column.ours)


def test_a_semicolon_file_in_latin_1_with_decimal_commas(tmp_path: Path) -> None:
    rows = "".join(f"K{n % 3};P{n};{n},50;{n % 28 + 1:02}.03.2024 10:00\n" for n in range(60))
    path = tmp_path / "orders.csv"
    path.write_bytes(("Kunde_é;Sku;Unit Price;Order Date\n" + rows).encode("latin-1"))
    items = write(tmp_path, "items.csv", "sku;Name\n" + "".join(f"P{n};Tasse {n}\n" for n in range(60)))
    with pytest.raises(DataError, match=r"(?s)user_id or session_id; the file has: Kunde_é, Sku"):
        guess(items, path)
    path.write_bytes(path.read_bytes().replace("Kunde_é".encode("latin-1"), "Customer ID é".encode("latin-1"), 1))
    path.write_bytes(
        path.read_bytes().replace(b"Customer ID \xe9", b"Customer ID", 1) + b"K\xe9;P1;1,50;01.03.2024 10:00\n"
    )
    found = guess(items, path)
    assert drafted(found.spec.events) == {
        "format": "csv",
        "delimiter": ";",
        "encoding": "cp1252",
        "decimal": ",",
        "columns": {
            "item_id": "Sku",
            "user_id": "Customer ID",
            "timestamp": "Order Date",
            "price": "Unit Price",
        },
        "timestamp_format": "%d.%m.%Y %H:%M",
        "default_event": "purchase",
    }


def test_event_names_are_mapped_and_strange_ones_noted(tmp_path: Path) -> None:
    rows = "".join(
        f"{n % 7},{n % 5},{name},{1_433_221_000 + n}\n"
        for n, name in enumerate(["view", "addtocart", "transaction", "blink"] * 20)
    )
    found = guess(None, write(tmp_path, "log.csv", "visitorid,itemid,event,timestamp\n" + rows))
    assert found.spec.events is not None and found.spec.items is not None
    assert found.spec.events.event_names == {"addtocart": "cart", "transaction": "purchase"}
    assert found.spec.events.timestamp_format == "epoch_s"
    assert found.spec.items.many_rows == "most-common"
    assert any("'blink'" in note for note in found.notes)


def test_contents_find_what_names_hide(tmp_path: Path) -> None:
    items = write(tmp_path, "i.csv", "sku,name\n" + "".join(f"P{n},Mug {n}\n" for n in range(50)))
    start = datetime(2024, 1, 1)
    rows = "".join(f"u{n % 9},P{n % 50},{start + timedelta(hours=n)}\n" for n in range(90))
    found = guess(items, write(tmp_path, "e.csv", "user,reference,moment_x\n" + rows))
    assert found.spec.events is not None
    assert found.spec.events.columns == {"item_id": "reference", "user_id": "user", "timestamp": "moment_x"}
    low = {column.theirs: column.confidence for column in found.columns if column.table == "events"}
    assert low["reference"] < 0.7 < low["user"]


def test_month_first_dates_are_told_apart_by_the_whole_file(tmp_path: Path) -> None:
    day = date(2024, 1, 1)
    rows = "".join(
        f"u,P{n % 5},{(day if n < 25_000 else day + timedelta(days=20)):%m/%d/%Y} {n % 24:02}:00\n"
        for n in range(25_010)
    )
    found = guess(None, write(tmp_path, "e.csv", "user,sku,order_date\n" + rows))
    assert found.spec.events is not None and found.spec.events.timestamp_format == "%m/%d/%Y %H:%M"


def test_a_file_without_times_lists_its_columns(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)no column is mapped to timestamp; the file has: user, sku, colour"):
        guess(None, write(tmp_path, "e.csv", "user,sku,colour\nu,P,red\n"))


def test_what_is_drafted_can_be_ingested(tmp_path: Path) -> None:
    items = write(tmp_path, "i.csv", "sku,name,colour\n" + "".join(f"P{n},Mug {n},red\n" for n in range(10)))
    log = write(
        tmp_path,
        "e.csv",
        "user,sku,rating,date\n" + "".join(f"u,P{n},{n % 5},2024-01-0{n + 1}\n" for n in range(9)),
    )
    spec = guess(items, log).spec
    assert spec.items is not None and spec.events is not None
    assert spec.items.attributes == ["colour"]
    assert spec.events.default_event == "rating"
    records = Records.open("sqlite:///s.db", tmp_path)
    assert ingest_table(records, spec.items, tmp_path, "items").stored == 10
    assert ingest_table(records, spec.events, tmp_path, "events").stored == 9
    records.close()


def test_what_users_say_in_their_own_words_is_kept_and_what_names_them_is_not(tmp_path: Path) -> None:
    items = write(tmp_path, "items.csv", "item_id,title\n" + "".join(f"i{n},Thing number {n}\n" for n in range(30)))
    people = ["customer_id,email,full_name,about,wishlist_note,tier,billing_address"]
    words = ("tea", "books", "maps", "ships", "trees", "songs")
    people += [
        f"c{n},c{n}@x.org,Ann Mary Smith{'abcdef'[n % 6]}{'ghijkl'[n // 6]},{words[n % 6]} and {words[n // 6]},"
        f"please more {words[n // 6]} with {words[n % 6]},{('gold', 'silver')[n % 2]},"
        f"Long Street of {words[n % 6]} {words[n // 6]} town"
        for n in range(36)
    ]
    found = guess(items, None, write(tmp_path, "people.csv", "\n".join(people) + "\n"))
    assert found.spec.users is not None
    assert found.spec.users.columns == {"user_id": "customer_id"}
    assert found.spec.users.attributes == ["about", "wishlist_note", "tier"]
