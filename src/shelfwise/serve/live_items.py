"""Items that change while serving: stored, encoded off the event loop, then taken up by the model."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from shelfwise.encode.passage import passage
from shelfwise.pipeline.new_items import ContentVectors
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.items import Item
from shelfwise.serve.search_opening import SearchOpening
from shelfwise.store import catalogue
from shelfwise.store.catalogue import StoredItem
from shelfwise.store.identities import find_rows
from shelfwise.store.tables import items as items_table

CHUNK = 16
"""Items encoded at a time: what is encoded is recommendable without waiting for the rest of its request."""


class ItemStatus(StrEnum):
    """What became of an item that was sent."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Change:
    """An item as it was stored.

    Attributes:
        entry: As it is now.
        status: Compared with what was there before.
        is_new_content: Whether its text or picture has to be encoded.
        ticket: Counts up in the order of commits.
    """

    entry: StoredItem
    status: ItemStatus
    is_new_content: bool
    ticket: int


class LiveItems:
    """Brings stored changes into the model: the latest of an item wins, however long each took to encode."""

    def __init__(self, recommender: Recommender | None, full_text: SearchOpening | None = None) -> None:
        self._recommender, self._full_text = recommender, full_text
        self._tickets = itertools.count()
        self._taken: dict[int, int] = {}

    def store(self, connection: Connection, batch: Sequence[Item]) -> dict[str, Change]:
        """Store items inside a write transaction; the change of each by its id."""
        known = find_rows(connection, items_table, items_table.c.item_id, [item.item_id for item in batch])
        before = {entry.row: entry for entry in catalogue.read_rows(connection, known.values())}
        outcome = catalogue.upsert(connection, batch)
        ticket = next(self._tickets)
        changes: dict[str, Change] = {}
        for entry in catalogue.read_rows(connection, outcome.rows):
            old = before.get(entry.row)
            if old is None or old.deleted:
                status, is_new_content = ItemStatus.NEW, True
            elif old == entry:
                status, is_new_content = ItemStatus.UNCHANGED, False
            else:
                is_new_content = (passage(old.item), old.item.image) != (passage(entry.item), entry.item.image)
                status = ItemStatus.CHANGED
            changes[entry.item.item_id] = Change(entry, status, is_new_content, ticket)
        return changes

    def delete(self, connection: Connection, item_id: str) -> Change | None:
        """Mark an item as deleted inside a write transaction; None where there is none."""
        if not catalogue.delete(connection, item_id):
            return None
        entry = catalogue.get(connection, item_id)
        return None if entry is None else Change(entry, ItemStatus.CHANGED, False, next(self._tickets))

    async def take_up(self, changes: Sequence[Change]) -> None:
        """Let the model know; when this returns, the items are recommendable (or no more)."""
        recommender = self._recommender
        if recommender is None:
            return
        # What another process stored after we started is unknown here even where it did not change.
        strangers = [recommender.catalogue.row(change.entry.item.item_id) is None for change in changes]
        wanted = [
            (change, change.is_new_content or stranger)
            for change, stranger in zip(changes, strangers, strict=True)
            if stranger or change.status is not ItemStatus.UNCHANGED
        ]
        await self._bring(recommender, wanted)
        if self._full_text is not None:
            # Only what is the latest: words of an older state must not come back.
            latest = [change.entry for change, _ in wanted if change.ticket >= self._taken.get(change.entry.row, -1)]
            await self._full_text.put(latest)

    async def _bring(self, recommender: Recommender, wanted: list[tuple[Change, bool]]) -> None:
        for start in range(0, len(wanted), CHUNK):
            chunk = wanted[start : start + CHUNK]
            fresh = [change.entry.item for change, is_new_content in chunk if is_new_content]
            vectors = iter(await asyncio.to_thread(_encode, recommender, fresh) if fresh else [])
            for change, is_new_content in chunk:
                self._put(recommender, change, next(vectors) if is_new_content else None)
                await asyncio.sleep(0)  # queries go first

    def _put(self, recommender: Recommender, change: Change, vectors: ContentVectors | None) -> None:
        row = change.entry.row
        if change.ticket > self._taken.get(row, -1):
            self._taken[row] = change.ticket
            recommender.live.put_item(change.entry, vectors)


def _encode(recommender: Recommender, items: Sequence[Item]) -> list[ContentVectors]:
    return recommender.live.encode_many(items)
