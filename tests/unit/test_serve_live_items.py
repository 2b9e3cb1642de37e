"""Items that change while serving: shown at once, encoded later, and the latest wins however long each took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.pipeline.live_model import LiveModel
from shelfwise.pipeline.new_items import ContentVectors
from shelfwise.schemas.items import Item
from shelfwise.serve.live_items import ItemStatus, LiveItems, store
from shelfwise.store import catalogue
from shelfwise.store.records import Records
from shelfwise.testing.opened_shop import opened_shop
from shelfwise.testing.small_shop import small_shop

DIM = 8
"""Of the small shop's vectors."""


class SlowEncoder:
    """Stands where the model's encoders stand: slow for what says so, and remembers what it was given."""

    def __init__(self) -> None:
        self.encoded: list[str | None] = []

    def encode(self, items: Sequence[Item]) -> list[ContentVectors]:
        for item in items:
            if item.title and "slow" in item.title:
                time.sleep(0.1)
            if item.title and "broken" in item.title:
                raise RuntimeError("no memory left")
            self.encoded.append(item.title)
        return [ContentVectors(text=np.full(DIM, DIM**-0.5, np.float32)) for _ in items]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[LiveModel, Records, SlowEncoder]]:
    recommender, records = opened_shop(tmp_path, small_shop())
    live, encoder = recommender.live, SlowEncoder()
    live.encodes_at_once = False
    live._new_items = encoder  # type: ignore[assignment]
    yield live, records, encoder
    records.close()


def send(records: Records, *items: Item) -> list[ItemStatus]:
    with records.write() as connection:
        return [change.status for change in store(connection, items).values()]


async def take_up(live: LiveModel, items: LiveItems) -> None:
    live.follow()
    await items.encode(live)


def title(live: LiveModel, item_id: str) -> str | None:
    row = live.catalogue.row(item_id)
    return None if row is None else live.catalogue.titles[row]


def is_shown(live: LiveModel, item_id: str) -> bool:
    row = live.catalogue.row(item_id)
    return row is not None and bool(live.catalogue.allowed[row])


def test_a_late_encoding_does_not_undo_a_later_change(shop: Any) -> None:
    live, records, encoder = shop

    async def run() -> None:
        items = LiveItems()
        send(records, Item(item_id="a", title="slow"))
        first = asyncio.create_task(take_up(live, items))
        await asyncio.sleep(0.03)  # it is being encoded
        send(records, Item(item_id="a", title="fast", price=3))
        await take_up(live, items)
        await first

    asyncio.run(run())
    assert title(live, "a") == "fast"
    assert encoder.encoded == ["slow", "fast"]
    assert not live.pending


def test_a_late_encoding_does_not_bring_back_what_was_deleted(shop: Any) -> None:
    live, records, _ = shop

    async def run() -> None:
        items = LiveItems()
        send(records, Item(item_id="a", title="slow"))
        first = asyncio.create_task(take_up(live, items))
        await asyncio.sleep(0.03)
        assert is_shown(live, "a")  # before it is encoded
        with records.write() as connection:
            assert catalogue.delete(connection, "a")
        await take_up(live, items)
        await first

    asyncio.run(run())
    assert not is_shown(live, "a")


def test_only_new_texts_and_pictures_are_encoded(shop: Any) -> None:
    live, records, encoder = shop
    items = [
        ([Item(item_id="a", title="A", price=1), Item(item_id="b", title="B")], ["new", "new"], ["A", "B"]),
        ([Item(item_id="a", title="A", price=2)], ["changed"], []),
        ([Item(item_id="a", title="A", price=2)], ["unchanged"], []),
        ([Item(item_id="a", title="C", price=2)], ["changed"], ["C"]),
        ([Item(item_id="a", title="C", image="a.png")], ["changed"], ["C"]),
        ([Item(item_id="a", title="C", image="a.png", available=False)], ["changed"], []),
        ([Item(item_id="a", title="C", image=None)], ["changed"], ["C"]),
    ]
    for sent, statuses, encoded in items:
        encoder.encoded.clear()
        assert send(records, *sent) == statuses
        asyncio.run(take_up(live, LiveItems()))
        assert encoder.encoded == encoded
    assert is_shown(live, "a")


def test_what_cannot_be_encoded_is_shown_and_not_tried_for_ever(shop: Any) -> None:
    live, records, _ = shop
    send(records, Item(item_id="a", title="broken"))
    asyncio.run(take_up(live, LiveItems()))
    assert is_shown(live, "a")
    assert not live.pending
