"""The live catalogue against literal definitions, whatever items come, change and go."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.pipeline.live_catalogue import LiveCatalogue
from shelfwise.schemas.items import Item, category_path
from shelfwise.store.catalogue import StoredItem

NAMES = st.sampled_from(["A", "B", "C"])
PATHS = st.lists(NAMES, max_size=3).map(" > ".join)
PUTS = st.lists(st.tuples(st.integers(0, 7), PATHS, st.booleans()), max_size=30)


def put(catalogue: LiveCatalogue, row: int, category: str, available: bool) -> None:
    item = Item(item_id=f"i{row}", category=category or None, available=available)
    catalogue.put(StoredItem(row, item, deleted=False))


@given(PUTS, PATHS, PATHS)
def test_under_is_by_the_beginning_of_the_path(puts: list[tuple[int, str, bool]], first: str, second: str) -> None:
    catalogue = LiveCatalogue([])
    for row, category, available in puts:
        put(catalogue, row, category, available)
        for asked in (first, second):
            path = category_path(asked)
            expected = [own[: len(path)] == path for own in catalogue.paths]
            assert catalogue.under(asked).tolist() == expected


class Unread(list[Any]):
    """A list that nobody may look through."""

    def __iter__(self) -> Any:
        raise AssertionError("every item is looked at")


def test_a_category_that_nobody_knows_costs_no_look_at_every_item() -> None:
    catalogue = LiveCatalogue([])
    for row in range(8):
        put(catalogue, row, f"A > B{row % 2}", True)
    catalogue.paths = Unread(catalogue.paths)
    assert not catalogue.under("A > somewhere else").any()
    assert catalogue.under("A > B1").tolist() == [False, True] * 4
    assert catalogue.under("A").all() and catalogue.under(" > ").all()


@given(PUTS, st.lists(st.integers(0, 20)))
def test_what_is_withdrawn_is_shown_no_more_and_nothing_else(
    puts: list[tuple[int, str, bool]], gone: list[int]
) -> None:
    catalogue = LiveCatalogue([])
    for row, category, available in puts:
        put(catalogue, row, category, available)
    before = catalogue.allowed.copy()
    catalogue.withdraw(gone)
    np.testing.assert_array_equal(catalogue.allowed, before & ~np.isin(np.arange(len(catalogue)), gone))
