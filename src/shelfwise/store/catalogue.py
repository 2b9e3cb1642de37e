"""Items: stored whole, replaced whole, deleted by mark so that a row never changes its meaning."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, or_, select, update

from shelfwise.schemas.items import Item
from shelfwise.store.bulk import LOOKUP_CHUNK, insert_rows, rows_where_in
from shelfwise.store.identities import next_row
from shelfwise.store.tables import items

CONTENT = ("title", "description", "category", "brand", "image", "attributes")
"""Columns that encoders read."""


@dataclass(frozen=True, slots=True)
class UpsertOutcome:
    """What became of a batch of items; rows in the order of the batch."""

    rows: list[int]
    n_new: int
    n_changed: int
    n_unchanged: int


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item with its row; `deleted` items keep both."""

    row: int
    item: Item
    deleted: bool


def upsert(connection: Connection, batch: Sequence[Item]) -> UpsertOutcome:
    """Store items, replacing those of the same id; the last of a repeated id wins; inside a write transaction."""
    latest = {item.item_id: _columns(item) for item in batch}
    names = items.columns.keys()
    stored: dict[str, dict[str, Any]] = {}
    for row in rows_where_in(connection, items.c.item_id, list(latest), items.columns.values()):
        before = dict(zip(names, row, strict=True))
        stored[before["item_id"]] = before
    free, seq = next_row(connection, items), newest_change(connection) + 1
    row_by_id: dict[str, int] = {}
    added: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for item_id, columns in latest.items():
        before = stored.get(item_id)
        if before is None:
            row_by_id[item_id] = free + len(added)
            added.append({"row": row_by_id[item_id], "changed_seq": seq, "content_seq": seq, **columns})
            continue
        row_by_id[item_id] = before["row"]
        if any(before[name] != value for name, value in columns.items()):
            is_new_content = before["deleted"] or any(before[name] != columns[name] for name in CONTENT)
            content_seq = seq if is_new_content else before["content_seq"]
            changed.append({"at_row": before["row"], "changed_seq": seq, "content_seq": content_seq, **columns})
    insert_rows(connection, items, names, [tuple(one[name] for name in names) for one in added])
    if changed:
        connection.execute(update(items).where(items.c.row == bindparam("at_row")), changed)
    return UpsertOutcome(
        [row_by_id[item.item_id] for item in batch],
        len(added),
        len(changed),
        len(latest) - len(added) - len(changed),
    )


def delete(connection: Connection, item_id: str) -> bool:
    """Mark an item as deleted: kept for its events, never recommended; False where there is none."""
    done = connection.execute(
        update(items)
        .where(items.c.item_id == item_id, items.c.deleted.is_(False))
        .values(deleted=True, changed_seq=newest_change(connection) + 1)
    )
    return done.rowcount > 0


def get(connection: Connection, item_id: str) -> StoredItem | None:
    """One item, deleted or not."""
    row = connection.execute(select(items).where(items.c.item_id == item_id)).first()
    return None if row is None else _stored(row)


def get_many(connection: Connection, item_ids: Iterable[str]) -> list[StoredItem]:
    """Items, deleted or not, each once and in the order of their ids; those that do not exist are left out."""
    wanted = list(dict.fromkeys(item_ids))
    found: dict[str, StoredItem] = {}
    for start in range(0, len(wanted), LOOKUP_CHUNK):
        query = select(items).where(items.c.item_id.in_(wanted[start : start + LOOKUP_CHUNK]))
        found |= {row.item_id: _stored(row) for row in connection.execute(query)}
    return [found[item_id] for item_id in wanted if item_id in found]


def read_all(connection: Connection) -> Iterator[StoredItem]:
    """Every item in the order of rows, streamed: the first has row 0."""
    for row in connection.execute(select(items).order_by(items.c.row), execution_options={"yield_per": 10_000}):
        yield _stored(row)


def read_rows(connection: Connection, rows: Iterable[int]) -> list[StoredItem]:
    """The items at these rows, ascending; rows that do not exist are left out."""
    wanted = sorted(set(rows))
    found: list[StoredItem] = []
    for start in range(0, len(wanted), LOOKUP_CHUNK):
        chunk = wanted[start : start + LOOKUP_CHUNK]
        query = select(items).where(items.c.row.in_(chunk)).order_by(items.c.row)
        found.extend(_stored(row) for row in connection.execute(query))
    return found


def newest_change(connection: Connection) -> int:
    """The number of the latest change of any item; 0 before the first. One look at the end of an index."""
    return int(connection.execute(select(func.max(items.c.changed_seq))).scalar() or 0)


@dataclass(frozen=True, slots=True)
class ChangedItem:
    """An item as it is now, with the numbers of its latest change, and of the latest of what an encoder reads."""

    entry: StoredItem
    changed_seq: int
    content_seq: int


def changed_since(connection: Connection, seq: int, row: int, limit: int) -> list[ChangedItem]:
    """What changed since, the earliest first, of one transaction by rows; deleted items too.

    Args:
        seq: Of the last change that was seen.
        row: The last row that was seen of that change; -1 for none.
        limit: Items at most: one transaction may hold a whole catalogue.
    """
    query = (
        select(items)
        .where(or_(items.c.changed_seq > seq, and_(items.c.changed_seq == seq, items.c.row > row)))
        .order_by(items.c.changed_seq, items.c.row)
        .limit(limit)
    )
    return [_changed(found) for found in connection.execute(query)]


def unseen(connection: Connection, seq: int) -> Iterator[ChangedItem]:
    """Everything that changed since, in the order of rows, streamed; deleted items too."""
    return _streamed(connection, items.c.changed_seq > seq)


def from_row(connection: Connection, row: int) -> Iterator[ChangedItem]:
    """Every item from a row on, in the order of rows, streamed; deleted items too."""
    return _streamed(connection, items.c.row >= row)


def _streamed(connection: Connection, wanted: ColumnElement[bool]) -> Iterator[ChangedItem]:
    query = select(items).where(wanted).order_by(items.c.row)
    for found in connection.execute(query, execution_options={"yield_per": 10_000}):
        yield _changed(found)


def change_numbers(connection: Connection) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The row of every item, deleted ones too, and the number of its latest change; ascending by row; shapes `(n,)`.

    Cost:
        A second for a million items.
    """
    query = select(items.c.row, items.c.changed_seq).order_by(items.c.row)
    found = connection.execute(query, execution_options={"yield_per": 50_000})
    parts = [np.array([tuple(row) for row in part], np.int64) for part in found.partitions()]
    rows, numbers = np.concatenate([np.empty((0, 2), np.int64), *parts]).T
    return rows, numbers


def gone_since(connection: Connection, seq: int) -> list[int]:
    """Rows of the items that changed since and may not be shown as they are now: deleted or sold out; ascending.

    Args:
        seq: Of the last change that was seen.

    Cost:
        One look at each item that changed; nothing but its row is read.
    """
    query = (
        select(items.c.row)
        .where(items.c.changed_seq > seq, or_(items.c.deleted.is_(True), items.c.available.is_(False)))
        .order_by(items.c.row)
    )
    return list(connection.execute(query).scalars())


def read_page(connection: Connection, n: int, after: int = -1) -> list[StoredItem]:
    """The next `n` items behind a row that are not deleted, in the order of rows."""
    query = select(items).where(items.c.row > after, items.c.deleted.is_(False)).order_by(items.c.row).limit(n)
    return [_stored(row) for row in connection.execute(query)]


def count(connection: Connection) -> int:
    """Items that are not deleted."""
    return int(
        connection.execute(select(func.count()).select_from(items).where(items.c.deleted.is_(False))).scalar_one()
    )


def _columns(item: Item) -> dict[str, Any]:
    columns = item.model_dump(exclude={"created_at", "attributes"})
    columns["created_ms"] = None if item.created_at is None else int(item.created_at.timestamp() * 1_000)
    columns["attributes"] = json.dumps(item.attributes, ensure_ascii=False, sort_keys=True)
    columns["deleted"] = False
    return columns


def _changed(row: Row[Any]) -> ChangedItem:
    return ChangedItem(_stored(row), int(row.changed_seq), int(row.content_seq))


def _stored(row: Row[Any]) -> StoredItem:
    columns = dict(zip(items.columns.keys(), row, strict=True))
    del columns["changed_seq"], columns["content_seq"]
    number, deleted, created_ms = columns.pop("row"), columns.pop("deleted"), columns.pop("created_ms")
    columns["attributes"] = json.loads(columns["attributes"])
    columns["created_at"] = None if created_ms is None else datetime.fromtimestamp(created_ms / 1_000, UTC)
    # What is stored was checked when it came in: construct, do not check again.
    return StoredItem(number, Item.model_construct(**columns), bool(deleted))
