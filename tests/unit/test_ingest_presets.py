"""Known exports are read without any mapping."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from sqlalchemy import select

from shelfwise.config.ingest import EventsSpec, ItemsSpec
from shelfwise.ingest.guess import guess
from shelfwise.ingest.report import IngestReport
from shelfwise.ingest.run import ingest_table
from shelfwise.schemas.events import KIND_BY_CODE
from shelfwise.store import catalogue
from shelfwise.store.records import Records
from shelfwise.store.tables import events, items, users


@pytest.fixture
def records(tmp_path: Path) -> Any:
    opened = Records.open("sqlite:///s.db", tmp_path)
    (tmp_path / "i.csv").write_text("item_id\nA\nB\nC\n")
    ingest_table(opened, ItemsSpec(path="i.csv"), tmp_path, "items")
    yield opened
    opened.close()


def ingest(records: Records, folder: Path, preset: Any, lines: list[dict[str, Any]]) -> IngestReport:
    (folder / "e.jsonl").write_bytes(b"\n".join(orjson.dumps(line) for line in lines))
    report = ingest_table(records, EventsSpec(path="e.jsonl", preset=preset), folder, "events")
    assert report.lines == len(lines) == report.stored + report.already_stored + report.quarantined
    return report


def stored(records: Records) -> list[tuple[Any, ...]]:
    """Kind, item, user, price, quantity, session of every event."""
    query = (
        select(
            events.c.kind,
            items.c.item_id,
            users.c.user_id,
            events.c.price,
            events.c.quantity,
            events.c.session_id,
            events.c.query,
        )
        .select_from(events)
        .join(users, users.c.row == events.c.user_row)
        .outerjoin(items, items.c.row == events.c.item_row)
        .order_by(events.c.seq)
    )
    with records.read() as connection:
        found = cast("list[tuple[Any, ...]]", list(cast("Any", connection.execute(query))))
    return [(KIND_BY_CODE[int(row[0])].value, *row[1:]) for row in found]


def ga4(name: str, micros: int, *item_ids: str, **more: Any) -> dict[str, Any]:
    return {
        "event_name": name,
        "event_timestamp": str(micros),
        "user_pseudo_id": "77.88",
        "event_params": [
            {"key": "ga_session_id", "value": {"string_value": None, "int_value": 5}},
            {"key": "currency", "value": {"string_value": "EUR"}},
            {"key": "search_term", "value": {"string_value": "mug"}},
        ],
        "items": [{"item_id": item, "price": 2.5, "quantity": 2} for item in item_ids],
        **more,
    }


def test_ga4_makes_an_event_of_each_item(records: Records, tmp_path: Path) -> None:
    start = 1_700_000_000_000_000
    lines = [
        ga4("view_item", start, "A"),
        ga4("purchase", start + 1, "A", "B", user_id="u9", ecommerce={"transaction_id": "T1"}),
        ga4("purchase", start + 2, "A", "B", user_id="u9", ecommerce={"transaction_id": "T1"}),
        ga4("view_search_results", start + 3),
        ga4("page_view", start + 4),
        ga4("purchase", start + 5, "A", "Z", user_id="u9"),
        ga4("add_to_cart", start + 6),
    ]
    report = ingest(records, tmp_path, "ga4", lines)
    visitor = "visitor:77.88"
    assert stored(records) == [
        ("view", "A", visitor, 2.5, 2.0, "77.88.5", None),
        ("purchase", "A", "u9", 2.5, 2.0, "77.88.5", None),
        ("purchase", "B", "u9", 2.5, 2.0, "77.88.5", None),
        ("search", None, visitor, None, None, "77.88.5", "mug"),
    ]
    refused = {found.reason.value: found.sample.line for found in report.by_reason}
    # The order sent twice, the event without use, the line with one unknown item, the empty cart.
    assert refused == {"duplicate": 3, "ignored_event": 5, "unknown_item": 6, "missing_item": 7}
    assert ingest(records, tmp_path, "ga4", [*lines, ga4("select_item", start + 7, "C")]).already_stored == 4


def devices_of(records: Records) -> list[str | None]:
    with records.read() as connection:
        return list(connection.execute(select(events.c.device).order_by(events.c.seq)).scalars())


def test_devices_are_read_where_exports_name_them(records: Records, tmp_path: Path) -> None:
    start = 1_700_000_000_000_000
    ingest(
        records,
        tmp_path,
        "ga4",
        [
            ga4("view_item", start, "A", device={"category": "mobile", "operating_system": "Android"}),
            ga4("view_item", start + 1, "B"),
        ],
    )
    assert devices_of(records) == ["mobile", None]


def test_a_line_is_refused_by_its_first_bad_item(records: Records, tmp_path: Path) -> None:
    line = ga4("view_item", 1_700_000_000_000_000, "A", "B")
    line["items"][0]["price"] = -1
    line["items"][1]["quantity"] = 0
    report = ingest(records, tmp_path, "ga4", [line])
    assert [found.reason.value for found in report.by_reason] == ["negative_price"]
    assert stored(records) == []


def test_google_retail(records: Records, tmp_path: Path) -> None:
    line = {
        "eventType": "purchase-complete",
        "visitorId": "v1",
        "userInfo": {"userId": "u1"},
        "eventTime": "2024-01-05T10:00:00Z",
        "purchaseTransaction": {"id": "T", "currencyCode": "USD"},
        "productDetails": [
            {"product": {"id": "A", "priceInfo": {"price": 3}}, "quantity": 2},
            {"product": {"name": "projects/p/products/B"}},
        ],
    }
    view = {
        "eventType": "detail-page-view",
        "visitorId": "v1",
        "eventTime": "2024-01-05T09:00:00Z",
        "productDetails": [{"product": {"id": "C"}}],
    }
    ingest(records, tmp_path, "google-retail", [view, line])
    assert stored(records) == [
        ("view", "C", "visitor:v1", None, None, "v1", None),
        ("purchase", "A", "u1", 3.0, 2.0, "v1", None),
        ("purchase", "B", "u1", None, None, "v1", None),
    ]


def test_segment(records: Records, tmp_path: Path) -> None:
    base = {"type": "track", "anonymousId": "a1", "timestamp": "2024-01-05T09:00:00.000Z"}
    lines = [
        {**base, "event": "Product Viewed", "messageId": "m1", "properties": {"product_id": "A", "price": 9}},
        {
            **base,
            "event": "Order Completed",
            "messageId": "m2",
            "userId": "u1",
            "properties": {"products": [{"product_id": "A"}, {"sku": "B"}]},
        },
        {**base, "event": "Product Viewed", "messageId": "m1", "properties": {"product_id": "B"}},
        {"type": "identify", "userId": "u1"},
    ]
    report = ingest(records, tmp_path, "segment", lines)
    assert [row[:3] for row in stored(records)] == [
        ("view", "A", "visitor:a1"),
        ("purchase", "A", "u1"),
        ("purchase", "B", "u1"),
    ]
    assert {found.reason.value for found in report.by_reason} == {"duplicate", "ignored_event"}


def test_schema_org(records: Records, tmp_path: Path) -> None:
    product = {
        "@context": "https://schema.org",
        "@type": "Product",
        "sku": "P1",
        "name": "Mug",
        "brand": {"@type": "Brand", "name": "Acme"},
        "category": ["Home", "Kitchen"],
        "image": ["https://x/1.jpg"],
        "color": "red",
        "additionalProperty": [{"name": "Volume", "value": "0.3 l"}],
        "offers": [{"price": "4.50", "priceCurrency": "EUR", "availability": "https://schema.org/OutOfStock"}],
    }
    (tmp_path / "p.jsonl").write_bytes(orjson.dumps(product) + b"\n" + orjson.dumps({"@type": "Organization"}))
    report = ingest_table(records, ItemsSpec(path="p.jsonl", preset="schema-org"), tmp_path, "items")
    assert (report.stored, [found.reason.value for found in report.by_reason]) == (1, ["no_product"])
    with records.read() as connection:
        found = catalogue.get(connection, "P1")
    assert found is not None
    item = found.item
    assert (item.title, item.brand, item.category, item.price, item.currency, item.available) == (
        "Mug", "Acme", "Home > Kitchen", 4.5, "EUR", False,
    )  # fmt: skip
    assert item.attributes == {"color": "red", "Volume": "0.3 l"}


def test_merchant_feed_is_recognised_and_read(records: Records, tmp_path: Path) -> None:
    feed = (
        "id\ttitle\tdescription\tlink\timage_link\tprice\tavailability\tbrand\t"
        "product_type\titem_group_id\tcolor\n"
        "P1\tMug\tA mug\thttps://x\thttps://x/1.jpg\t12.99 EUR\tin_stock\tAcme\tHome > Mugs\tG1\tred\n"
    )
    (tmp_path / "feed.tsv").write_text(feed)
    drafted = guess(tmp_path / "feed.tsv", None).spec.items
    assert drafted is not None and drafted.preset == "merchant"
    ingest_table(records, drafted, tmp_path, "items")
    with records.read() as connection:
        found = catalogue.get(connection, "P1")
    assert found is not None
    item = found.item
    assert (item.price, item.currency, item.available, item.category, item.group_id, item.attributes) == (
        12.99, "EUR", True, "Home > Mugs", "G1", {"color": "red"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("preset", "line"),
    [
        ("ga4", ga4("view_item", 1_700_000_000_000_000, "A")),
        ("google-retail", {"eventType": "search", "visitorId": "v", "eventTime": "2024-01-05T09:00:00Z"}),
        (
            "segment",
            {
                "event": "Product Viewed",
                "messageId": "m",
                "timestamp": "2024-01-05T09:00:00Z",
                "anonymousId": "a",
            },
        ),
    ],
)
def test_event_exports_are_recognised(tmp_path: Path, preset: str, line: dict[str, Any]) -> None:
    (tmp_path / "e.jsonl").write_bytes(orjson.dumps(line))
    drafted = guess(None, tmp_path / "e.jsonl").spec.events
    assert drafted is not None and drafted.preset == preset
