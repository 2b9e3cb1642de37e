"""What items are about: only what more than one of them is about counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shelfwise.features.item_state import ItemState
from shelfwise.features.themes import Themes
from shelfwise.rerank.aspects import aspects_of, own_mix, resolved
from shelfwise.rerank.listed import Grouping, Groups, ItemFacts
from shelfwise.schemas.candidates import History

PATHS = [("Games", "Races", "Lights up in the dark"), ("Games", "Races"), ("Games", "Cards"), ("Games", "Cards"), ()]
BRANDS = ["Ace", "Best", "Ace", None, "Sole"]
"""One item alone lights up in the dark, one is by Best, one by Sole."""


def state() -> ItemState:
    n = len(PATHS)
    return ItemState.fit(
        np.zeros(1, np.int32),
        np.zeros(1, np.int32),
        np.zeros(1, np.int64),
        now_ms=1,
        has_clock=False,
        prices=np.full(n, np.nan, np.float32),
        created_ms=np.full(n, -1, np.int64),
        paths=PATHS,
        brands=BRANDS,
    )


def of_interest(row: int) -> int:
    return int((aspects_of(np.array([row], np.int32), ItemFacts(state()), "names").shares > 0).sum())


def test_a_name_that_one_item_alone_bears_is_no_aspect() -> None:
    assert [of_interest(row) for row in range(len(PATHS))] == [3, 2, 3, 2, 0]
    found = aspects_of(np.arange(len(PATHS), dtype=np.int32), ItemFacts(state()), "names")
    np.testing.assert_allclose(found.shares.sum(axis=1), [1, 1, 1, 1, 0], rtol=1e-6)


def test_what_nothing_else_is_about_is_no_interest_of_a_user() -> None:
    rows = np.array([0], np.int32)
    history = History(rows, np.zeros(1, np.int8), np.zeros(1, np.int64))
    own = own_mix(history, ItemFacts(state()), "names")
    others = aspects_of(np.arange(1, len(PATHS), dtype=np.int32), ItemFacts(state()), "names").mix()
    assert own.sum() == pytest.approx(1)
    assert (others[own > 0] > 0).all()  # each of his interests can be answered by something else


def test_items_of_whom_nothing_is_shared_tell_nothing_of_a_user() -> None:
    history = History(np.array([4], np.int32), np.zeros(1, np.int8), np.zeros(1, np.int64))
    assert not own_mix(history, ItemFacts(state()), "names").any()


def test_names_are_counted_across_blocks_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = state().shared_rarity
    monkeypatch.setattr("shelfwise.features.item_state.ROWS_COUNTED", 2)
    np.testing.assert_array_equal(state().shared_rarity, whole)


def test_what_is_shared_is_told_again_by_a_saved_state_and_by_one_that_grew(tmp_path: Path) -> None:
    one = state()
    one.save(tmp_path)
    again = ItemState.load(tmp_path)
    again.put(len(PATHS), price=None, created_ms=0)
    np.testing.assert_array_equal(again.shared_rarity, one.shared_rarity)
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(
        ("popularity", "repeat_rate", "reach", "return_rate", "first_ms", "last_ms", "log_price", "names", "rarity")
    )


def test_themes_stand_in_where_no_two_items_share_a_name() -> None:
    one = np.ones((len(PATHS), 1), np.float32)
    themes: dict[Grouping, Groups] = {"theme": Themes(np.ones((1, 1), np.float32), one)}
    shared, each_its_own = state(), replace(state(), rarity=np.zeros_like(state().rarity))
    assert resolved("auto", ItemFacts(shared, themes)) == "names"
    assert resolved("auto", ItemFacts(each_its_own, themes)) == "theme"
    assert resolved("auto", ItemFacts(each_its_own)) == "names"
