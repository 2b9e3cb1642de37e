"""Items that change while serving: the latest wins, however long each took to encode."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.schemas.items import Item
from shelfwise.serve.live_items import Change, ItemStatus, LiveItems
from shelfwise.store.catalogue import StoredItem
from shelfwise.store.records import Records


class Model:
    """Stands where the recommender stands: encodes slowly what says so, and remembers what it was given."""

    def __init__(self) -> None:
        self.titles: dict[str, str | None] = {}
        self.encoded: list[str | None] = []
        self.shown: set[str] = set()

    @property
    def catalogue(self) -> Model:
        return self

    @property
    def live(self) -> Model:
        return self

    def row(self, item_id: str) -> int | None:
        return 0 if item_id in self.titles else None

    def encode_many(self, items: Sequence[Item]) -> list[Any]:
        return [self._encode(item) for item in items]

    def _encode(self, item: Item) -> Any:
        if item.title and "slow" in item.title:
            time.sleep(0.1)
        self.encoded.append(item.title)
        return np.zeros(2, np.float32)

    def put_item(self, entry: StoredItem, vector: Any) -> None:
        self.titles[entry.item.item_id] = entry.item.title
        (self.shown.discard if entry.deleted else self.shown.add)(entry.item.item_id)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records.open("sqlite:///s.db", tmp_path)
    yield opened
    opened.close()


def store(records: Records, live: LiveItems, *items: Item) -> list[Change]:
    with records.write() as connection:
        return list(live.store(connection, items).values())


def make(model: Model) -> LiveItems:
    return LiveItems(model)  # pyright: ignore[reportArgumentType]


def test_a_late_encoding_does_not_undo_a_later_change(records: Records) -> None:
    model = Model()
    live = make(model)
    first = store(records, live, Item(item_id="a", title="slow"))
    second = store(records, live, Item(item_id="a", title="fast"))

    async def run() -> None:
        await asyncio.gather(live.take_up(first), live.take_up(second))

    asyncio.run(run())
    assert model.titles == {"a": "fast"}


def test_a_late_encoding_does_not_bring_back_what_was_deleted(records: Records) -> None:
    model = Model()
    live = make(model)
    changes = store(records, live, Item(item_id="a", title="slow"))
    with records.write() as connection:
        gone = live.delete(connection, "a")
    assert gone is not None

    async def run() -> None:
        await asyncio.gather(live.take_up(changes), live.take_up([gone]))

    asyncio.run(run())
    assert model.shown == set()


def test_only_new_texts_are_encoded(records: Records) -> None:
    model = Model()
    live = make(model)

    def send(*items: Item) -> list[ItemStatus]:
        model.encoded.clear()
        changes = store(records, live, *items)
        asyncio.run(live.take_up(changes))
        return [change.status for change in changes]

    assert send(Item(item_id="a", title="A", price=1), Item(item_id="b", title="B")) == [ItemStatus.NEW] * 2
    assert model.encoded == ["A", "B"]
    assert send(Item(item_id="a", title="A", price=2)) == [ItemStatus.CHANGED]
    assert model.encoded == []
    assert send(Item(item_id="a", title="A", price=2)) == [ItemStatus.UNCHANGED]
    assert send(Item(item_id="a", title="C", price=2)) == [ItemStatus.CHANGED]
    assert model.encoded == ["C"]


def test_a_new_picture_is_encoded_too(records: Records) -> None:
    model = Model()
    live = make(model)
    for image, expected in (("a.png", ["A"]), ("a.png", []), ("b.png", ["A"]), (None, ["A"])):
        model.encoded.clear()
        asyncio.run(live.take_up(store(records, live, Item(item_id="a", title="A", image=image))))
        assert model.encoded == expected
