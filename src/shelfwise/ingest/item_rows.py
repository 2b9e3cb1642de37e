"""Blocks of a catalogue file become checked columns, and those become items; users likewise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
import polars as pl

from shelfwise.config.ingest import ItemsSpec, UsersSpec
from shelfwise.ingest.blocks import Block
from shelfwise.ingest.checks import judge
from shelfwise.ingest.reasons import Reason
from shelfwise.ingest.row_reader import BlockReader
from shelfwise.schemas.events import MAX_ID_CHARS
from shelfwise.schemas.items import MAX_CATEGORY_CHARS, MAX_IMAGE_CHARS, MAX_TEXT_CHARS, Item
from shelfwise.store.sources import Refused

ATTRIBUTE_PREFIX = "attribute:"
FREE_ATTRIBUTES = "attributes"
"""A column of JSON objects that some presets make: attributes whose names are not known beforehand."""


class CheckedRows(NamedTuple):
    """Rows that passed, under our names, each with its record's place in the block, and the records refused."""

    frame: pl.DataFrame
    records: list[int]
    refused: list[Refused]


def read_item_rows(
    block: Block,
    spec: ItemsSpec,
    columns: Mapping[str, str],
    formats: Sequence[str],
    *,
    now_ms: int,
    name: str,
) -> CheckedRows:
    """Map and check a block of the catalogue; times are milliseconds in the column `created_at`."""
    reader = BlockReader(block, spec, columns, formats, now_ms, name)
    item_id = reader.ids("item_id")
    reader.check(Reason.MISSING_ITEM, item_id.is_null())
    price, currency = reader.money()
    ours = {
        "item_id": item_id,
        "title": reader.titles("title"),
        "description": reader.texts("description"),
        "category": reader.titles("category"),
        "brand": reader.titles("brand"),
        "price": price,
        "currency": currency,
        "image": reader.texts("image"),
        "available": reader.truths("available"),
        "created_at": reader.moments("created_at"),
        "group_id": reader.ids("group_id"),
    }
    for column, max_chars in (
        ("item_id", MAX_ID_CHARS),
        ("title", MAX_TEXT_CHARS),
        ("description", MAX_TEXT_CHARS),
        ("category", MAX_CATEGORY_CHARS),
        ("brand", MAX_ID_CHARS),
        ("image", MAX_IMAGE_CHARS),
        ("group_id", MAX_ID_CHARS),
    ):
        reader.limit(ours[column], max_chars, f"the {column}")
    reader.require(ours)
    attributes = {ATTRIBUTE_PREFIX + theirs: reader.foreign_texts(theirs) for theirs in spec.attributes}
    if FREE_ATTRIBUTES in block.frame.columns and FREE_ATTRIBUTES not in spec.attributes and not spec.columns:
        attributes[FREE_ATTRIBUTES] = block.frame[FREE_ATTRIBUTES].cast(pl.String)
    return _passed(block, reader, ours | attributes)


def read_user_rows(block: Block, spec: UsersSpec, columns: Mapping[str, str], *, now_ms: int, name: str) -> CheckedRows:
    """Map and check a block of the users' file."""
    reader = BlockReader(block, spec, columns, ("iso8601",), now_ms, name)
    user_id = reader.ids("user_id")
    reader.check(Reason.MISSING_USER, user_id.is_null())
    reader.limit(user_id, MAX_ID_CHARS, "the user's id")
    reader.require({"user_id": user_id})
    attributes = {ATTRIBUTE_PREFIX + theirs: reader.foreign_texts(theirs) for theirs in spec.attributes}
    return _passed(block, reader, {"user_id": user_id} | attributes)


def items_of(frame: pl.DataFrame) -> Iterator[Item]:
    """The items of checked rows."""
    for row in frame.iter_rows(named=True):
        attributes = attributes_of(row)
        created_ms = row["created_at"]
        yield Item(
            item_id=row["item_id"],
            title=row["title"],
            description=row["description"],
            category=row["category"],
            brand=row["brand"],
            price=row["price"],
            currency=row["currency"],
            image=row["image"],
            available=row["available"] is not False,
            created_at=None if created_ms is None else datetime.fromtimestamp(created_ms / 1_000, UTC),
            group_id=row["group_id"],
            attributes=attributes,
        )


def attributes_of(row: Mapping[str, Any]) -> dict[str, str]:
    """The attributes that a checked row has, under the file's names."""
    free = row.get(FREE_ATTRIBUTES)
    found: dict[str, str] = dict(orjson.loads(free)) if free else {}
    for column, value in row.items():
        if column.startswith(ATTRIBUTE_PREFIX) and value is not None:
            found[column.removeprefix(ATTRIBUTE_PREFIX)] = value
    return found


def _passed(block: Block, reader: BlockReader, columns: Mapping[str, pl.Series]) -> CheckedRows:
    judged = judge(block, reader.checks)
    frame = pl.DataFrame([column.alias(name) for name, column in columns.items()])[judged.rows]
    return CheckedRows(frame, [block.record_by_row[row] for row in judged.rows.tolist()], judged.refused)
