"""Words, slips, unfinished words, and what is not to be found."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.schemas.items import Item
from shelfwise.search.full_text import FullText
from shelfwise.store.catalogue import StoredItem

ITEMS = [
    Item(item_id="a", title="Blue enamel mug", category="Kitchen > Mugs", brand="Nordhaus"),
    Item(item_id="b", title="Garden lantern", description="A warm light; hang your mug beside it", brand="Nordhaus"),
    Item(item_id="c", title="Tée-Kanne «Größe»", attributes={"material": "stoneware", "colour": "moss green"}),
    Item(item_id="d", title="Mugs, set of four"),
    Item(item_id="e"),
]


@pytest.fixture
def index() -> FullText:
    made = FullText(["colour"])
    made.add(StoredItem(row, item, False) for row, item in enumerate(ITEMS))
    made.commit()
    return made


def found(
    index: FullText, text: str, allowed: list[bool] | None = None, k: int = 10, *, for_page: bool = False
) -> list[str]:
    hits = index.find(text, np.array(allowed or [True] * len(ITEMS)), k, for_page=for_page)
    assert (np.diff(hits.scores) <= 0).all()
    return [ITEMS[row].item_id for row in hits.rows]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("mug", "a"),
        ("MUG", "a"),
        ("enamle", "a"),
        ("enamell mug", "a"),
        ("lanten", "b"),
        ("gard", "b"),
        ("warm lig", "b"),
        ("moss", "c"),
        ("stonewear", "c"),
        ("tee kanne", "c"),
        ("grosse", "c"),
        ("set of four mugs", "d"),
        ("mugs", "d"),
    ],
)
def test_what_was_meant_is_first(index: FullText, text: str, first: str) -> None:
    assert found(index, text)[0] == first


def test_a_title_says_more_than_a_description(index: FullText) -> None:
    assert found(index, "mug") == ["a", "d", "b"]


def test_a_page_finds_by_the_attributes_that_it_may_read_and_by_no_others(index: FullText) -> None:
    assert found(index, "moss", for_page=True) == found(index, "moss") == ["c"]
    assert found(index, "stoneware") == ["c"]
    for text in ("stoneware", "stonewear", "stone", "stoneware green"):
        assert found(index, text, for_page=True) == (["c"] if "green" in text else [])
    for text in ("mug", "lanten", "warm lig", "kitchen", "nordhaus"):
        assert found(index, text, for_page=True) == found(index, text)
    index.put([StoredItem(4, Item(item_id="e", attributes={"material": "moss", "colour": "stoneware"}), False)])
    assert found(index, "moss", for_page=True) == ["c"]
    assert found(index, "stoneware", for_page=True) == ["e"]


def test_all_words_before_some(index: FullText) -> None:
    assert found(index, "nordhaus lantern") == ["b"]
    assert set(found(index, "lantern stoneware")) == {"b", "c"}


@pytest.mark.parametrize("text", ["", "   ", "!?", "xylophone", "\x00", "AND OR NOT", 'title:"', "x" * 1_000])
def test_nothing_is_found_and_nothing_breaks(index: FullText, text: str) -> None:
    assert found(index, text) == []


def test_only_what_may_be_shown(index: FullText) -> None:
    assert found(index, "mug", [False, True, True, True, True]) == ["d", "b"]
    assert found(index, "mug", [False] * 5) == []
    assert found(index, "mug", [True]) == ["a"]  # rows that are not taken up yet


def test_changes_are_found_at_once(index: FullText) -> None:
    index.put([StoredItem(4, Item(item_id="e", title="Xylophone"), False)])
    assert found(index, "xylophone") == ["e"]
    index.put([StoredItem(4, Item(item_id="e", title="Trumpet"), False)])
    assert (found(index, "xylophone"), found(index, "trumpet")) == ([], ["e"])
    index.put([StoredItem(4, Item(item_id="e", title="Trumpet"), True)])
    assert found(index, "trumpet") == []


def test_pages_and_filters_reach_the_last_hit() -> None:
    index, n = FullText(), 1_000
    index.add(StoredItem(row, Item(item_id=str(row), title="same words"), False) for row in range(n))
    index.commit()
    hits = index.find("same words", np.ones(n, bool), 30)
    assert (hits.rows.tolist(), hits.is_all) == (list(range(30)), False)
    last = np.zeros(n, bool)
    last[-3:] = True
    hits = index.find("same words", last, 30)
    assert (sorted(hits.rows.tolist()), hits.is_all) == ([997, 998, 999], True)
    assert index.find("same words", last, 3).is_all
    assert not index.find("same words", last, 2).is_all
