"""A model version that follows the shop: what came after it was trained, whichever process stored it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Container, Generator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple

from sqlalchemy import Connection

from shelfwise.datasets.catalogue import NO_TIME_MS, created_ms
from shelfwise.pipeline.clock import ShopClock
from shelfwise.pipeline.live_catalogue import LiveCatalogue
from shelfwise.pipeline.model import Model
from shelfwise.pipeline.new_items import NO_VECTORS, ContentVectors, NewItems
from shelfwise.pipeline.recent_interest import RecentInterest
from shelfwise.pipeline.unlearned import Unlearned
from shelfwise.retrieve.retriever import ItemTraits
from shelfwise.schemas.candidates import History
from shelfwise.schemas.ids import Floats
from shelfwise.schemas.items import Item
from shelfwise.store import catalogue as item_store
from shelfwise.store import event_log, people
from shelfwise.store.catalogue import ChangedItem, StoredItem
from shelfwise.store.marks import marks
from shelfwise.store.records import Records
from shelfwise.store.sealing import REFUSED, UNOPENED

AT_ONCE = 256
"""Changes taken up by one look: between two looks others get their turn."""

LOOKS_AT_LEAST, CATCH_UP_S = 4, 0.1
"""What a request takes up of what others stored: as much as one request may send, and on for so long.

What is more than that is a flood: the rest of it is taken up beside the requests.
"""

ENCODED_AT_ONCE = 64
"""Items encoded between two looks at the clock."""

LAST_ROW = 2**31 - 1
"""Behind every row."""


class Pending(NamedTuple):
    """An item that is shown already, and whose text or picture is still to be encoded."""

    entry: StoredItem
    content_seq: int


class LiveModel:
    """What is known now, above what was known in training.

    `follow` and `encoded` change it; the caller sees to it that one of them runs at a time.

    Attributes:
        marks: How far the store has been followed.
        pending: By row, items whose content changed since and is not encoded yet.
        on_changed_item: Told of every item as `follow` takes it up; None: nobody is.
        n_changes: Items taken up so far, each time that one was: of two equal numbers nothing lies between.
        interest: Who did something since this began.
        has_seen_all_events: Whether the last look took up all that had happened.
        encodes_at_once: Whether what changed is encoded before `follow` returns. A server does not want that: it takes
            what is pending to a thread.
    """

    def __init__(self, model: Model, records: Records, *, encodes_at_once: bool = True) -> None:
        """Open the catalogue, and take up what came or changed after the model had read the store for its training."""
        self.model = model
        self.pending: dict[int, Pending] = {}
        self.encodes_at_once = encodes_at_once
        self.n_changes = 0
        self.on_changed_item: Callable[[StoredItem], None] | None = None
        self._records = records
        self._following = threading.Lock()
        self._is_flooded = False
        self._new_items = NewItems(model, records.folder)
        with records.read() as connection:
            # First: what comes while the rest is read is then seen twice rather than never.
            self.marks = marks(connection)
            self.interest, self.has_seen_all_events = RecentInterest(self.marks.events), True
            self._last_item = (self.marks.items, LAST_ROW)
            # Content that changed up to here is encoded, or pending. While one catches up it stays behind: an item may
            # have changed again, in a price, before its new text was seen.
            self._content_seen = self._gone_seen = self.marks.items
            self.catalogue = LiveCatalogue(item_store.read_all(connection))
            newest_ms = event_log.newest_ms(connection)
            self.clock = ShopClock(max(model.log_end_ms, newest_ms + 1), has_clock=model.funnel.has_clock)
            unlearned = Unlearned(model, self.marks)
            for changed in unlearned.items(connection):
                self._take_up(changed.entry, NO_VECTORS)
                if unlearned.is_new_content(changed) and not changed.entry.deleted:
                    self.pending[changed.entry.row] = Pending(changed.entry, changed.content_seq)
            missed = unlearned.interest(connection)
            homes = self._homes(connection) if missed else {}
        for user_row, row, time_ms in missed:
            self._observe(row, time_ms, homes.get(user_row))
        if self.encodes_at_once:
            self.encode_pending()

    def follow(self, limit: int = AT_ONCE, connection: Connection | None = None) -> bool:
        """Take up what was stored since the last look.

        Args:
            limit: Events and items at most.
            connection: To look through; one of its own where omitted.

        Returns:
            Whether there is more.

        Raises:
            ServiceError: the store cannot be read; what is known stays as it is.

        Cost:
            One look at the ends of four indexes where nothing is new.
        """
        if not self._following.acquire(blocking=False):
            return False  # somebody is at it
        try:
            if connection is not None:
                return self._followed(limit, connection)
            with self._records.glance() as own:
                return self._followed(limit, own)
        finally:
            self._following.release()

    @contextmanager
    def standing_still(self) -> Generator[None]:
        """The shop stays as it is now: neither does time pass, nor is anything taken up of what happens meanwhile.

        What a user did is read from the store at each request, and goes on.
        """
        with self._following, self.clock.stopped():
            yield

    def catch_up(self, connection: Connection | None = None) -> None:
        """Take up all that was stored since, as long as that is no flood; of a flood a part.

        Whatever it is, what was deleted or sold out is gone when this returns.
        """
        ends_at, n_looks = time.perf_counter() + CATCH_UP_S, 1
        while self.follow(connection=connection):
            if self._is_flooded or (n_looks >= LOOKS_AT_LEAST and time.perf_counter() >= ends_at):
                self._is_flooded = True
                return
            n_looks += 1
        self._is_flooded = False

    def _followed(self, limit: int, connection: Connection) -> bool:
        seen, now = self.marks, marks(connection)
        if now == seen:
            return False
        changed = item_store.changed_since(connection, *self._last_item, limit) if now.items > seen.items else []
        happened = event_log.interest_after(connection, seen.events, limit) if now.events > seen.events else []
        for one in changed:
            self._put_changed(one)
        if len(changed) >= limit and now.items > self._gone_seen:
            # The rest waits for its turn, but for what it would be wrong to show.
            self.catalogue.withdraw(item_store.gone_since(connection, self._gone_seen))
            self.n_changes += 1
            self._gone_seen = now.items
        if self.encodes_at_once:
            self.encode_pending()
        regions = self.regions_of([one.user_id for one in happened])
        for one, region in zip(happened, regions, strict=True):
            self._observe(one.item_row, one.timestamp_ms, region)
            self.interest.note(one.user_id, one.seq)
        more_events, more_items = len(happened) >= limit, len(changed) >= limit
        self.has_seen_all_events = not more_events
        items_seen = max(now.items, seen.items)
        self._last_item = (items_seen, LAST_ROW)
        if more_items:  # maybe in the middle of a transaction, which then is not seen yet
            self._last_item = (changed[-1].changed_seq, changed[-1].entry.row)
            items_seen = changed[-1].changed_seq - 1
        else:
            self._content_seen = items_seen
            self._gone_seen = max(self._gone_seen, items_seen)
        # Where the latest events were erased, SQLite gives their numbers again: the mark goes back with them.
        events_seen = happened[-1].seq if more_events else now.events
        self.marks = now._replace(events=events_seen, items=items_seen)
        return more_events or more_items

    def _put_changed(self, changed: ChangedItem) -> None:
        row = changed.entry.row
        self.put_item(changed.entry, None)
        if self.on_changed_item is not None:
            self.on_changed_item(changed.entry)
        if changed.entry.deleted:
            self.pending.pop(row, None)
        elif changed.content_seq > self._content_seen:
            self.pending[row] = Pending(changed.entry, changed.content_seq)
        elif row in self.pending:
            self.pending[row] = self.pending[row]._replace(entry=changed.entry)

    def encode_pending(self, within_s: float = float("inf")) -> None:
        """Encode what is pending, here and now; what is not done in time stays pending."""
        ends_at = time.perf_counter() + within_s
        while self.pending and time.perf_counter() < ends_at:
            chunk = list(islice(self.pending.values(), ENCODED_AT_ONCE))
            self.encoded(chunk, self.encode_many([one.entry.item for one in chunk]))

    def encoded(self, chunk: Sequence[Pending], vectors: Sequence[ContentVectors]) -> None:
        """Take up what was encoded of what was pending; what changed again meanwhile stays pending."""
        for one, found in zip(chunk, vectors, strict=True):
            row = one.entry.row
            waiting = self.pending.get(row)
            if waiting is not None and waiting.content_seq == one.content_seq:
                del self.pending[row]
                self.put_item(waiting.entry, found)

    def observe(self, item_id: str, time_ms: int, user_id: str | None = None) -> None:
        """Take up one event of interest; the user's own history is read from the store at each request."""
        row = self.catalogue.row(item_id)
        if row is not None:
            self._observe(row, time_ms, self.regions_of([user_id])[0] if user_id is not None else None)

    def _observe(self, row: int, time_ms: int, region: str | None) -> None:
        # Without a clock times only order events: the present would be an age after all of them.
        self.model.funnel.observe(row, time_ms if self.model.funnel.has_clock else self.model.log_end_ms, region)

    def home_of(self, user_id: str) -> str | None:
        """Where a user is at home, as `regions_of` says it.

        Raises:
            DataKeyError: what the user says cannot be opened.
        """
        return self._regions_of([user_id], REFUSED)[0]

    def regions_of(self, user_ids: Sequence[str]) -> list[str | None]:
        """Where users are at home; None of whom it is not known, or where the shop does not tell regions apart.

        Nor is it known of those whose attributes cannot be opened: what others did is taken up all the same.

        Cost:
            One indexed read, in a shop that tells them apart.
        """
        return self._regions_of(user_ids, UNOPENED)

    def _regions_of(self, user_ids: Sequence[str], without: Container[str]) -> list[str | None]:
        attribute = self.model.config.behaviour.region
        if not attribute or not user_ids:
            return [None] * len(user_ids)
        with self._records.glance() as connection:
            found = people.attributes_of(connection, user_ids, without)
        return [found.get(user_id, {}).get(attribute) for user_id in user_ids]

    def _homes(self, connection: Connection) -> dict[int, str]:
        attribute = self.model.config.behaviour.region
        if not attribute:
            return {}
        found = people.read_attributes(connection, UNOPENED)
        return {row: told[attribute] for row, told in found.items() if attribute in told}

    def encode(self, item: Item) -> Floats | None:
        """An item's whitened text vector; shape `(D,)`; None where the shop encodes no text or the item has none."""
        text = self.encode_many([item])[0].text
        return text if text is not None and text.any() else None

    def encode_many(self, items: Sequence[Item]) -> list[ContentVectors]:
        """Text and picture vectors of many items, in batches: much faster than one by one."""
        return self._new_items.encode(items)

    def put_item(self, entry: StoredItem, vectors: ContentVectors | None) -> None:
        """Take up a new, changed or deleted item.

        Args:
            entry: As it is now.
            vectors: As `encode_many` made them; None where neither text nor picture changed.
        """
        self._take_up(entry, vectors or NO_VECTORS)
        self.catalogue.put(entry)
        self.n_changes += 1

    def _take_up(self, entry: StoredItem, vectors: ContentVectors) -> None:
        came_ms = created_ms(entry)
        if came_ms == NO_TIME_MS and entry.row >= self.model.n_items:
            came_ms = self.clock.now_ms()  # it was not there when the model was trained: it is new
        self.model.funnel.add_item(
            entry.row,
            vector=vectors.text,
            traits=ItemTraits(entry.item.path, entry.item.brand, entry.item.price, vectors.picture),
            created_ms=came_ms,
        )

    def known(self, history: History) -> History:
        """Without items that are stored but not taken up yet: another process's, or still being encoded."""
        known = history.rows < len(self.catalogue)
        return history if known.all() else history.where(known)
