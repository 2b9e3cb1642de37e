"""Conditions survive being written down; masks say of every item what the condition says of it, however it changes."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.rules.arrange import moved, pin_places
from shelfwise.rules.columns import ItemColumns
from shelfwise.rules.conditions import Both, Condition, Either, Not, Test, holds
from shelfwise.rules.fields import Fields, typed
from shelfwise.rules.parse import parse
from shelfwise.schemas.items import Item
from shelfwise.store.catalogue import StoredItem

FIELDS = Fields.of_items({"colour", "stock"}, {"stock"})
NOW_MS = 1_800_000_000_000
DAY_MS = 86_400_000

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=6)
numbers = st.floats(-1e6, 1e6, allow_nan=False) | st.integers(-5, 5).map(float)


def anything() -> st.SearchStrategy[Condition]:
    names = texts.filter(bool) | st.sampled_from(["price", "Colour family", "not", "user.country", "e-mail"])
    one = st.one_of(
        st.builds(Test, names, st.sampled_from(["=", "!=", "contains"]), st.tuples(texts | st.booleans() | numbers)),
        st.builds(Test, names, st.sampled_from(["<", "<=", ">", ">="]), st.tuples(numbers)),
        st.builds(Test, names, st.just("in"), st.lists(texts | numbers, min_size=1, max_size=3).map(tuple)),
        st.builds(Test, names, st.sampled_from(["is known", "is missing"])),
    )
    return st.recursive(one, joined, max_leaves=6)


def joined(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, parts), st.builds(Both, several), st.builds(Either, several))


@given(anything())
def test_a_condition_reads_as_it_was_written(condition: Condition) -> None:
    assert parse(str(condition), where="filter") == condition


def sensible() -> st.SearchStrategy[Condition]:
    """Conditions that mean something of the items below."""
    colours = st.sampled_from(["red", "blue", "12", ""])
    paths = st.sampled_from(["A", "A > B", "A > B > C", "D"])
    few = st.integers(0, 4).map(float)
    compare = st.sampled_from(["<", "<=", ">", ">=", "=", "!="])
    one = st.one_of(
        st.builds(Test, st.just("colour"), st.sampled_from(["=", "!=", "contains"]), st.tuples(colours)),
        st.builds(Test, st.just("stock"), compare, st.tuples(few)),
        st.builds(Test, st.sampled_from(["price", "age_d"]), compare, st.tuples(few)),
        st.builds(Test, st.just("category"), st.sampled_from(["under", "=", "!="]), st.tuples(paths)),
        st.builds(Test, st.just("available"), st.just("="), st.tuples(st.booleans())),
        st.builds(
            Test,
            st.sampled_from(["colour", "stock", "brand", "category", "created_at"]),
            st.sampled_from(["is known", "is missing"]),
        ),
    )
    return st.recursive(one, joined, max_leaves=5)


def shop_items(row: int) -> st.SearchStrategy[StoredItem]:
    attributes = st.fixed_dictionaries(
        {}, optional={"colour": st.sampled_from(["red", "blue", "12"]), "stock": st.sampled_from(["0", "3", "many"])}
    )
    days = st.integers(0, 4).map(lambda n: datetime.fromtimestamp((NOW_MS - n * DAY_MS) / 1_000, UTC))
    return st.builds(
        lambda category, price, created_at, attributes, available, brand: StoredItem(
            row,
            Item(
                item_id=f"item-{row}",
                category=category,
                price=price,
                created_at=created_at,
                attributes=attributes,
                available=available,
                brand=brand,
            ),
            False,
        ),
        st.sampled_from([None, "A", "A > B", "A > B > C", "D > B"]),
        st.none() | st.integers(0, 4).map(float),
        st.none() | days,
        attributes,
        st.booleans(),
        st.none() | st.just("Acme"),
    )


def facts(entry: StoredItem) -> dict[str, object]:
    item = entry.item
    created = None if item.created_at is None else item.created_at.timestamp() * 1_000
    return {
        **item.attributes,
        "category": item.path or None,
        "price": item.price,
        "brand": item.brand,
        "available": item.available,
        "created_at": created,
        "age_d": None if created is None else (NOW_MS - created) / DAY_MS,
    }


@given(st.data())
def test_masks_say_of_every_item_what_the_condition_says_of_it(data: st.DataObject) -> None:
    entries = [data.draw(shop_items(row)) for row in range(data.draw(st.integers(1, 6)))]
    conditions = [
        typed(condition, FIELDS, where="filter")
        for condition in data.draw(st.lists(sensible(), min_size=1, max_size=3))
    ]
    columns = ItemColumns(entries)
    for _ in range(3):
        for condition in conditions:
            expected = [bool(holds(condition, facts(entry).get)) for entry in entries]  # pyright: ignore
            assert columns.matching(condition, NOW_MS).tolist() == expected
        row = data.draw(st.integers(0, len(entries)))
        changed = data.draw(shop_items(row))
        entries[row : row + 1] = [changed]
        columns.put(changed)


@given(st.lists(st.integers(-8, 8) | st.sampled_from([-1_000_000, 1_000_000]), max_size=12))
def test_items_move_by_as_many_places_as_they_are_told(shift: list[int]) -> None:
    literal = sorted(range(len(shift)), key=lambda place: (place - shift[place], -shift[place], place))
    assert moved(np.array(shift, np.int32)).tolist() == literal


@given(
    st.integers(0, 8),
    st.lists(st.tuples(st.integers(1, 10), st.integers(0, 7)), max_size=10),
    st.integers(0, 8),
)
def test_every_pin_has_a_place_as_near_as_may_be(n: int, pins: list[tuple[int, int]], k: int) -> None:
    pins = [(position, place) for position, place in pins if place < n]
    found = pin_places(n, pins, k)
    wanted = list(dict.fromkeys(place for position, place in pins if position <= k))
    assert set(found.values()) == set(wanted[: min(n, k)])
    assert len(set(found.values())) == len(found)
    assert all(0 <= position < min(n, k) for position in found)
    first = next(((position, place) for position, place in pins if position <= k), None)
    if first is not None and min(n, k):
        assert found[min(first[0], n, k) - 1] == first[1]
    # Nobody stands farther off than the nearest place that those before left.
    taken: set[int] = set()
    for place in wanted[: min(n, k)]:
        position = next(position for position, one in pins if one == place and position <= k)
        at = min(position, min(n, k)) - 1
        here = next(slot for slot, one in found.items() if one == place)
        assert all(abs(slot - at) >= abs(here - at) for slot in range(min(n, k)) if slot not in taken)
        taken.add(here)
