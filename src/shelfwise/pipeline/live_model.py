"""A model version that follows the shop: items and events that came after it was trained."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from shelfwise.datasets.catalogue import NO_TIME_MS, created_ms
from shelfwise.pipeline.clock import ShopClock
from shelfwise.pipeline.live_catalogue import LiveCatalogue
from shelfwise.pipeline.model import Model
from shelfwise.pipeline.new_items import NO_VECTORS, ContentVectors, NewItems
from shelfwise.retrieve.retriever import ItemTraits
from shelfwise.schemas.candidates import History
from shelfwise.schemas.ids import Floats
from shelfwise.schemas.items import Item
from shelfwise.store import catalogue as item_store
from shelfwise.store import event_log, people
from shelfwise.store.catalogue import StoredItem
from shelfwise.store.records import Records


class LiveModel:
    """What is known now, above what was known in training.

    `observe` and `put_item` change it; the caller sees to it that one of them runs at a time.
    """

    def __init__(self, model: Model, records: Records) -> None:
        """Open the catalogue, and take up the items and events that came after the model was trained."""
        self.model = model
        self._records = records
        has_clock = model.funnel.has_clock
        with records.read() as connection:
            self.catalogue = LiveCatalogue(item_store.read_all(connection))
            late = item_store.read_rows(connection, range(model.n_items, len(self.catalogue)))
            newest_ms = event_log.newest_ms(connection)
            missed = event_log.interest_since(connection, model.log_end_ms) if has_clock else []
            homes = self._homes(connection) if missed else {}
        self.clock = ShopClock(max(model.log_end_ms, newest_ms + 1), has_clock=has_clock)
        self._new_items = NewItems(model, records.folder)
        for entry, vectors in zip(late, self.encode_many([entry.item for entry in late]), strict=True):
            self._take_up(entry, vectors)
        for user_row, row, time_ms in missed:
            model.funnel.observe(row, time_ms, homes.get(user_row))

    def observe(self, item_id: str, time_ms: int, user_id: str | None = None) -> None:
        """Take up one event of interest; the user's own history is read from the store at each request."""
        row = self.catalogue.row(item_id)
        if row is not None:
            region = self.regions_of([user_id])[0] if user_id is not None else None
            # Without a clock times only order events: the present would be an age after all of them.
            has_clock = self.model.funnel.has_clock
            self.model.funnel.observe(row, time_ms if has_clock else self.model.log_end_ms, region)

    def regions_of(self, user_ids: Sequence[str]) -> list[str | None]:
        """Where users are at home; None of whom it is not known, or where the shop does not tell regions apart.

        Cost:
            One indexed read, in a shop that tells them apart.
        """
        attribute = self.model.config.behaviour.region
        if not attribute:
            return [None] * len(user_ids)
        with self._records.read() as connection:
            found = people.attributes_of(connection, user_ids)
        return [found.get(user_id, {}).get(attribute) for user_id in user_ids]

    def _homes(self, connection: Connection) -> dict[int, str]:
        attribute = self.model.config.behaviour.region
        if not attribute:
            return {}
        return {row: told[attribute] for row, told in people.read_attributes(connection).items() if attribute in told}

    def encode(self, item: Item) -> Floats | None:
        """An item's whitened text vector; shape `(D,)`; None where the shop encodes no text or the item has none."""
        return self.encode_many([item])[0].text

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
