"""Shelves: counted as one would by hand, and once for each state of the catalogue."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.items import Item
from shelfwise.serve import shelf_counts
from shelfwise.serve.shelf_counts import ShelfCounts, shelves
from shelfwise.store import catalogue
from shelfwise.store.records import Records
from shelfwise.testing.opened_shop import opened_shop
from shelfwise.testing.small_shop import GROUP_SIZE, N_GROUPS, N_ITEMS, small_shop

COLOURS = ("red", "green", "blue")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Recommender, Records]]:
    def attributes_of(row: int) -> dict[str, str]:
        return {"colour": COLOURS[row % 3], "cost": str(row)} if row % 5 else {}

    recommender, records = opened_shop(
        tmp_path_factory.mktemp("shelves"), small_shop(n_users=60), attributes_of=attributes_of
    )
    yield recommender, records
    records.close()


class Counting:
    """Counts how often shelves are counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.n = 0

        def counted(*parts: Any) -> Any:
            self.n += 1
            return shelves(*parts)

        monkeypatch.setattr(shelf_counts, "shelves", counted)


def put(opened: tuple[Recommender, Records], *items: Item) -> None:
    recommender, records = opened
    with records.write() as connection:
        catalogue.upsert(connection, items)
    recommender.live.follow()


def test_shelves_are_counted(opened: tuple[Recommender, Records]) -> None:
    put(opened, Item(item_id="bare", title="bare"), Item(item_id="gone", category="Old", available=False))
    whole = shelves(opened[0], (), ["colour", "unheard"])
    assert (whole.shelf.category, whole.shelf.n_items) == (None, N_ITEMS + 1)  # "bare" stands on no shelf below
    assert [(one.category, one.n_items, len(one.below)) for one in whole.shelf.below] == [("Things", N_ITEMS, N_GROUPS)]
    by_hand = [sum(row % 3 == place and row % 5 > 0 for row in range(N_ITEMS)) for place in range(3)]
    assert {one.value: one.n_items for one in whole.attributes["colour"]} == dict(zip(COLOURS, by_hand, strict=True))
    assert whole.attributes["unheard"] == []
    one = shelves(opened[0], ("Things", "Set 1"), ["colour"])
    assert (one.shelf.category, one.shelf.n_items, one.shelf.below) == ("Things > Set 1", GROUP_SIZE, [])
    assert sum(value.n_items for value in one.attributes["colour"]) == GROUP_SIZE - 2


def test_a_shelf_is_counted_once_until_an_item_changes(
    opened: tuple[Recommender, Records], monkeypatch: pytest.MonkeyPatch
) -> None:
    counting, kept = Counting(monkeypatch), ShelfCounts(["colour"])

    async def ask(*categories: str | None) -> list[dict[str, Any]]:
        bodies = await asyncio.gather(*(kept.body(opened[0], one) for one in categories))
        return [json.loads(body) for body in bodies]

    async def asked() -> None:
        first = await ask(*["Things > Set 2"] * 20)
        assert counting.n == 1 and all(one == first[0] for one in first)
        await ask("Things>Set 2", "Things > Set 2")
        assert counting.n == 1
        put(opened, Item(item_id="new", title="new", category="Things > Set 2", attributes={"colour": "red"}))
        after = (await ask("Things > Set 2"))[0]
        assert counting.n == 2 and after["shelf"]["n_items"] == first[0]["shelf"]["n_items"] + 1
        await ask(None, None)
        assert counting.n == 3

    asyncio.run(asked())


def test_inventions_push_nothing_out(opened: tuple[Recommender, Records], monkeypatch: pytest.MonkeyPatch) -> None:
    counting, kept = Counting(monkeypatch), ShelfCounts([])
    monkeypatch.setattr(shelf_counts, "MAX_KEPT", 2)

    async def asked() -> None:
        for category in ("Things > Set 3", "None such", "Nor this", "Things > Set 3"):
            await kept.body(opened[0], category)
        assert counting.n == 3
        for category in ("Things > Set 4", "Things > Set 5", "Things > Set 3"):
            await kept.body(opened[0], category)
        assert counting.n == 6

    asyncio.run(asked())


def test_many_items_are_read_at_once(opened: tuple[Recommender, Records]) -> None:
    with opened[1].read() as connection:
        found = catalogue.get_many(connection, ["item-3", "none", "item-1", "item-3"])
        assert [one.item.item_id for one in found] == ["item-3", "item-1"]
        assert found[0] == catalogue.get(connection, "item-3")
        assert catalogue.get_many(connection, []) == []
