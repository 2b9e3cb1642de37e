"""Items that change while serving: stored, shown at once, and encoded off the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence, Set
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from shelfwise.pipeline.live_model import LiveModel
from shelfwise.schemas.items import Item
from shelfwise.store import catalogue
from shelfwise.store.catalogue import StoredItem
from shelfwise.store.identities import find_rows
from shelfwise.store.tables import items as items_table

CHUNK = 16
"""Items encoded at a time: what is encoded is found by its text without waiting for the rest of its request."""

log = logging.getLogger("shelfwise.serve")


class ItemStatus(StrEnum):
    """What became of an item that was sent."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Change:
    """An item as it was stored, compared with what was there before."""

    entry: StoredItem
    status: ItemStatus


def store(connection: Connection, batch: Sequence[Item]) -> dict[str, Change]:
    """Store items inside a write transaction; the change of each by its id."""
    known = find_rows(connection, items_table, items_table.c.item_id, [item.item_id for item in batch])
    before = {entry.row: entry for entry in catalogue.read_rows(connection, known.values())}
    outcome = catalogue.upsert(connection, batch)
    changes: dict[str, Change] = {}
    for entry in catalogue.read_rows(connection, outcome.rows):
        old = before.get(entry.row)
        if old is None or old.deleted:
            status = ItemStatus.NEW
        else:
            status = ItemStatus.UNCHANGED if old == entry else ItemStatus.CHANGED
        changes[entry.item.item_id] = Change(entry, status)
    return changes


class LiveItems:
    """Encodes what is pending, one chunk after the other; the latest of an item wins, however long each took."""

    def __init__(self) -> None:
        self._encoding = asyncio.Lock()

    async def encode(self, live: LiveModel, rows: Set[int] | None = None) -> None:
        """Encode what is pending; when this returns, it is found by text and picture.

        Args:
            live: The model.
            rows: Items that somebody waits for: they come before others. None: everything.
        """
        while live.pending if rows is None else not rows.isdisjoint(live.pending):
            async with self._encoding:
                wanted = live.pending if rows is None else [row for row in rows if row in live.pending]
                chunk = [live.pending[row] for row in list(wanted)[:CHUNK]]
                if not chunk:  # done by somebody else meanwhile
                    continue
                try:
                    vectors = await asyncio.to_thread(live.encode_many, [one.entry.item for one in chunk])
                except Exception as error:
                    # Not tried again and again: they stay recommendable by everything but their content.
                    log.error("%d item(s) could not be encoded", len(chunk), exc_info=error)
                    for one in chunk:
                        live.pending.pop(one.entry.row, None)
                    continue
                live.encoded(chunk, vectors)
                await asyncio.sleep(0)  # queries go first
