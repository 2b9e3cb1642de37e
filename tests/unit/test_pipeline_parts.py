"""The parts of the funnel: merging, who may be shown, what time it is, which words are said."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.interactions import DAY_MS
from shelfwise.datasets.training_data import TrainingData
from shelfwise.features.text_vectors import TextVectors
from shelfwise.pipeline import clock
from shelfwise.pipeline.clock import ShopClock
from shelfwise.pipeline.fitted import Fitted
from shelfwise.pipeline.funnel import allowed_for, in_order
from shelfwise.pipeline.live_catalogue import ROOM, LiveCatalogue
from shelfwise.pipeline.merge import merge
from shelfwise.pipeline.reasons import sources_of
from shelfwise.rank.ranker import Scored
from shelfwise.retrieve.again import Again
from shelfwise.retrieve.retriever import NO_TRAITS, ItemTraits
from shelfwise.schemas.candidates import Candidates, History, Situation
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.items import Item
from shelfwise.store.catalogue import StoredItem
from shelfwise.testing.retrievers import NOTHING, reason_for, situation
from shelfwise.testing.small_shop import GROUP_SIZE, N_ITEMS, small_shop
from shelfwise.train.fit import fit

PURCHASE = CODE_BY_KIND[EventKind.PURCHASE]

answers: Any = st.lists(
    st.lists(st.integers(0, 20), unique=True, max_size=8).map(
        lambda rows: Candidates(np.array(rows, np.int32), np.linspace(1, 0.1, len(rows), dtype=np.float32))
    ),
    min_size=1,
    max_size=4,
).map(lambda found: {f"r{place}": one for place, one in enumerate(found)})

BOUGHT = CODE_BY_KIND[EventKind.PURCHASE]


class TestMerge:
    @given(answers)
    def test_is_the_union_with_every_rank_and_score(self, found: dict[str, Candidates]) -> None:
        merged = merge(found)
        assert merged.sources == tuple(found)
        assert merged.rows.tolist() == sorted({row for one in found.values() for row in one.rows.tolist()})
        assert merged.scores.shape == merged.ranks.shape == (len(merged), len(found))
        for line, row in enumerate(merged.rows.tolist()):
            for column, one in enumerate(found.values()):
                rows = one.rows.tolist()
                if row in rows:
                    assert merged.ranks[line, column] == rows.index(row) + 1
                    assert merged.scores[line, column] == one.scores[rows.index(row)]
                else:
                    assert merged.ranks[line, column] == 0
                    assert np.isnan(merged.scores[line, column])

    @given(answers)
    def test_who_can_tell_scores_what_others_named(self, found: dict[str, Candidates]) -> None:
        told = {
            name: Candidates(one.rows, one.scores, lambda rows: np.float32(100) + rows) for name, one in found.items()
        }
        merged = merge(told)
        plain = merge(found)
        np.testing.assert_array_equal(merged.ranks, plain.ranks)
        own = plain.ranks > 0
        np.testing.assert_array_equal(merged.scores[own], plain.scores[own])
        lines, _ = np.nonzero(~own)
        np.testing.assert_array_equal(merged.scores[~own], 100 + merged.rows[lines])

    @given(answers)
    def test_sources_stand_strongest_first(self, found: dict[str, Candidates]) -> None:
        merged = merge(found)
        for place, row in enumerate(merged.rows.tolist()):
            names = sources_of(merged, np.array([place]))[0]
            ranks = [found[name].rows.tolist().index(row) for name in names]
            assert ranks == sorted(ranks)
            assert set(names) == {name for name, one in found.items() if row in one.rows}

    def test_equal_scores_stay_in_the_order_of_rows(self) -> None:
        merged = merge({"a": Candidates(np.array([9, 3, 5], np.int32), np.array([3, 2, 1], np.float32))})
        scored = Scored(np.array([1, 2, 1], np.float32), np.empty((3, 0), np.float32))
        ranked = in_order(merged, scored)
        assert ranked.rows.tolist() == [5, 3, 9]
        assert merged.rows[ranked.places].tolist() == ranked.rows.tolist()


rows_of = st.lists(st.integers(0, 9), max_size=6).map(lambda rows: np.array(rows, np.int32))


@given(st.lists(st.booleans(), min_size=10, max_size=10), rows_of, rows_of, rows_of | st.none(), st.booleans())
def test_who_may_be_shown(shown: list[bool], had: Any, context: Any, exclude: Any, repeats: bool) -> None:
    allowed = np.array(shown, bool)
    asked = Situation(History(had, np.full(len(had), BOUGHT, np.int8), np.arange(len(had))), 0, context)
    found = allowed_for(allowed, asked, repeats=repeats, exclude=exclude)
    for row in range(10):
        refused = row in context or (exclude is not None and row in exclude) or (not repeats and row in had)
        assert found[row] == (shown[row] and not refused)
    assert allowed.tolist() == shown  # the shop's own array is not changed


class TestClock:
    NOW_MS = 1_800_000_000_000

    @pytest.fixture(autouse=True)
    def _present(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passed_ms = 0
        monkeypatch.setattr(clock, "present_ms", lambda: self.NOW_MS + self.passed_ms)

    def test_a_living_shop_lives_now(self) -> None:
        found = ShopClock(self.NOW_MS - 29 * DAY_MS, has_clock=True)
        assert not found.is_replay
        assert found.now_ms() == self.NOW_MS

    def test_an_old_log_is_replayed_from_its_end_on(self) -> None:
        end_ms = self.NOW_MS - 400 * DAY_MS
        found = ShopClock(end_ms, has_clock=True)
        assert found.is_replay
        assert found.now_ms() == end_ms
        self.passed_ms = 5_000
        assert found.now_ms() == end_ms + 5_000

    def test_without_a_clock_it_is_always_the_present(self) -> None:
        assert ShopClock(7, has_clock=False).now_ms() == self.NOW_MS


class TestLiveCatalogue:
    @staticmethod
    def entry(row: int, *, deleted: bool = False, **fields: Any) -> StoredItem:
        return StoredItem(row, Item.model_validate({"item_id": f"i{row}", **fields}), deleted)

    def test_what_may_be_shown_follows_every_change(self) -> None:
        found = LiveCatalogue([self.entry(0, title="Mug"), self.entry(1, available=False), self.entry(2, deleted=True)])
        assert found.allowed.tolist() == [True, False, False]
        found.put(self.entry(1))
        found.put(self.entry(0, deleted=True))
        assert found.allowed.tolist() == [False, True, False]

    def test_a_name_is_the_title_or_else_the_id(self) -> None:
        found = LiveCatalogue([self.entry(0, title="Mug"), self.entry(1)])
        assert [found.name(0), found.name(1)] == ["Mug", "i1"]
        assert found.row("i1") == 1
        assert found.row("nowhere") is None

    def test_rows_that_come_out_of_order_leave_gaps_that_nobody_is_shown(self) -> None:
        found = LiveCatalogue([self.entry(0)])
        found.put(self.entry(ROOM + 5))
        assert len(found) == ROOM + 6
        assert found.allowed.sum() == 2
        assert found.row(f"i{ROOM + 5}") == ROOM + 5

    def test_under_a_category_path(self) -> None:
        found = LiveCatalogue(
            [
                self.entry(0, category="A"),
                self.entry(1, category="A > B"),
                self.entry(2, category="AB > B"),
                self.entry(3),
            ]
        )
        assert found.under("A").tolist() == [True, True, False, False]
        assert found.under(" A >B ").tolist() == [False, True, False, False]
        assert found.under("B").tolist() == [False] * 4
        found.put(self.entry(3, category="A > B > C"))
        assert found.under("A > B").tolist() == [False, True, False, True]


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return small_shop(n_users=160)


@pytest.fixture(scope="module")
def fitted(data: TrainingData) -> Fitted:
    return fit(ShopConfig(version=1), data, np.ones(data.interactions.n_users, bool), lambda *_: None)


def live(data: TrainingData) -> LiveCatalogue:
    return LiveCatalogue(
        StoredItem(row, Item(item_id=name, title=title), False)
        for row, (name, title) in enumerate(zip(data.catalogue.item_ids, data.catalogue.titles, strict=True))
    )


class TestReasons:
    """Every sentence is true of the log, the catalogue and the user's own events."""

    def test_each_names_what_the_user_had_and_what_shoppers_did(self, data: TrainingData, fitted: Fitted) -> None:
        catalogue, log = live(data), data.interactions
        row_by_title = {title: row for row, title in enumerate(data.catalogue.titles)}
        bought = {user: log.item_rows[log.user_rows == user].tolist() for user in range(log.n_users)}
        kinds: set[str] = set()
        for had in ([], [3], [3, 4, 5], [41, 42, 41], [70, 75], [N_ITEMS - 1]):
            asked = situation(data, had)
            for repeats in (True, False):
                allowed = allowed_for(np.ones(N_ITEMS, bool), asked, repeats=repeats)
                ranked = fitted.funnel.rank(asked, allowed)
                for row, place in zip(ranked.rows.tolist(), ranked.places.tolist(), strict=True):
                    sources = sources_of(ranked.merged, np.array([place]))[0]
                    text = reason_for(row, sources, asked, fitted.funnel, catalogue, only_purchases=True)
                    kinds.add(re.sub(r"“.*”|\d+", "…", text))
                    named = re.search(r"“(.*)”", text)
                    if named:
                        seed = row_by_title[named[1]]
                        assert seed in had
                        assert seed != row
                        together = [items for items in bought.values() if seed in items and row in items]
                        if text.startswith("Shoppers bought this with or after"):
                            assert any(row in items[items.index(seed) + 1 :] for items in together), text
                        elif text.startswith("Shoppers of"):
                            assert together, text
                        elif not text.startswith("Because of"):
                            assert text.startswith("Similar to")
                            assert data.vectors is not None
                            assert data.vectors[seed] @ data.vectors[row] > 0
                    elif text.startswith("You bought this"):
                        times = had.count(row)
                        assert text == (
                            "You bought this before" if times == 1 else f"You bought this {times} times before"
                        )
                    elif text == "Shoppers with a history like yours bought this":
                        assert any(row in items and set(items) & set(had) for items in bought.values())
                    elif text == "Popular in this shop":
                        assert any(row in items for items in bought.values())
                    else:
                        assert text in {"New in this shop", "Chosen for you"}
        assert len(kinds) >= 4, kinds

    def test_what_was_had_is_counted_in_moments(self, data: TrainingData, fitted: Fitted) -> None:
        times = data.now_ms - np.array([30, 20, 20, 10], np.int64)  # two lines of one invoice are one time
        asked = Situation(
            History(np.array([7, 3, 3, 7], np.int32), np.full(4, PURCHASE, np.int8), times), data.now_ms, NOTHING
        )
        said = [reason_for(row, ["again"], asked, fitted.funnel, live(data), only_purchases=True) for row in (3, 7)]
        assert said == ["You bought this before", "You bought this 2 times before"]

    def test_who_only_looked_is_not_said_to_have_bought(self, data: TrainingData, fitted: Fitted) -> None:
        view = CODE_BY_KIND[EventKind.VIEW]
        looked = Situation(
            History(np.array([3, 7], np.int32), np.array([view, view], np.int8), data.now_ms - np.array([20, 10])),
            data.now_ms,
            NOTHING,
        )
        ranked = fitted.funnel.rank(looked, np.ones(N_ITEMS, bool))
        for row, place in zip(ranked.rows.tolist(), ranked.places.tolist(), strict=True):
            sources = sources_of(ranked.merged, np.array([place]))[0]
            assert "bought" not in reason_for(row, sources, looked, fitted.funnel, live(data), only_purchases=False)
        assert reason_for(3, ["again"], looked, fitted.funnel, live(data), only_purchases=False) == (
            "You turned to this before"
        )

    def test_a_profile_is_named_where_it_spoke_loudest(self, data: TrainingData, fitted: Fitted) -> None:
        assert data.vectors is not None
        said: dict[bool, set[str]] = {True: set(), False: set()}
        for had in ([], [12]):
            asked = replace(situation(data, had), profile=data.vectors[65])
            found = fitted.funnel.retrievers["content"].retrieve(asked, np.arange(N_ITEMS) != 12)
            for row in found.rows.tolist():
                text = reason_for(row, ["content"], asked, fitted.funnel, live(data), only_purchases=True)
                of_profile, of_item = data.vectors[row] @ data.vectors[65], data.vectors[row] @ data.vectors[12]
                said[bool(had)].add(text)
                if text == "Fits what your profile says about you":
                    assert of_profile > 0
                    assert not had or of_profile * 0.5 * 2 ** (-1 / 2.5) > of_item
                else:
                    assert had
                    assert of_item > 0
        assert said[False] == {"Fits what your profile says about you"}
        assert said[True] == {"Fits what your profile says about you", f"Similar to “{data.catalogue.titles[12]}”"}

    def test_a_stranger_is_told_of_nobodys_history(self, data: TrainingData, fitted: Fitted) -> None:
        asked = situation(data, [])
        ranked = fitted.funnel.rank(asked, np.ones(N_ITEMS, bool))
        assert len(ranked.rows) > 5
        for row, place in zip(ranked.rows.tolist(), ranked.places.tolist(), strict=True):
            text = reason_for(
                row,
                sources_of(ranked.merged, np.array([place]))[0],
                asked,
                fitted.funnel,
                live(data),
                only_purchases=True,
            )
            assert text in {"Popular in this shop", "New in this shop"}


class TestFunnel:
    def test_many_are_ranked_as_one_by_one(self, data: TrainingData, fitted: Fitted) -> None:
        requests = [
            (situation(data, had, context), np.arange(N_ITEMS) % step != 1)
            for had, context, step in (([], [], 99), ([3, 4], [], 3), ([50], [51], 99), (list(range(30)), [7], 2))
        ]
        for names in ((), ("transitions", "popular")):
            together = fitted.funnel.rank_many(requests, names)
            for found, (asked, allowed) in zip(together, requests, strict=True):
                alone = fitted.funnel.rank(asked, allowed, names)
                assert found.rows.tolist() == alone.rows.tolist()
                np.testing.assert_allclose(found.scores, alone.scores, rtol=1e-5, atol=1e-6)
                assert allowed[found.rows].all()
                assert (np.diff(found.scores) <= 0).all()
        assert fitted.funnel.rank_many([]) == []

    def test_only_the_named_retrievers_are_asked_and_the_columns_stay(self, data: TrainingData, fitted: Fitted) -> None:
        merged = fitted.funnel.retrieve(situation(data, [3]), np.ones(N_ITEMS, bool), ["popular"])
        assert merged.sources == tuple(name for name, one in fitted.funnel.retrievers.items() if one.is_ranked)
        named = (merged.ranks > 0).any(axis=0)
        assert [name for name, one in zip(merged.sources, named, strict=True) if one] == ["popular"]

    def test_nothing_allowed_is_an_empty_answer(self, data: TrainingData, fitted: Fitted) -> None:
        found = fitted.funnel.rank(situation(data, [3]), np.zeros(N_ITEMS, bool))
        assert len(found.rows) == len(found.scores) == 0

    def test_an_item_that_comes_after_training_is_recommended(self, fitted: Fitted, data: TrainingData) -> None:
        assert data.vectors is not None
        new = N_ITEMS
        fitted.funnel.add_item(new, vector=data.vectors[3], traits=ItemTraits(price=2.0), created_ms=data.now_ms)
        allowed = np.ones(N_ITEMS + 1, bool)
        for had in ([3], []):
            found = fitted.funnel.rank(situation(data, had), allowed)
            assert new in found.rows
            assert np.isfinite(found.scores).all()
        # Known by its text, it stands beside what it is like, and in front of what it is not.
        of_kin = fitted.funnel.rank(situation(data, [3]), allowed).rows.tolist()
        strangers = [row for row in of_kin if row != new and row // GROUP_SIZE != 0]
        assert of_kin.index(new) < of_kin.index(strangers[-1])
        # Whoever has turned to it is asked about it without harm.
        assert len(fitted.funnel.rank(situation(data, [new]), allowed).rows)

    def test_who_is_told_one_of_text_and_picture_is_told_the_other_as_it_was(
        self, fitted: Fitted, data: TrainingData
    ) -> None:
        """An encoder that could not be asked now leaves what it said before; 0 says that there is nothing any more."""
        assert data.vectors is not None
        told: list[tuple[Any, Any]] = []

        class Listening(Again):
            def add_item(self, row: int, *, vector: Any, created_ms: int, traits: ItemTraits = NO_TRAITS) -> None:
                told.append((vector, traits.picture))

        pictures = np.eye(N_ITEMS, 4, dtype=np.float32)
        funnel = replace(
            fitted.funnel,
            retrievers={"listening": Listening(Again.Config())},
            vectors=TextVectors(data.vectors),
            pictures=TextVectors(pictures),
            themes=None,
        )
        text, picture, nothing = data.vectors[9], pictures[2], np.zeros(4, np.float32)
        for vector, traits in (
            (text, ItemTraits()),
            (None, ItemTraits(picture=nothing)),
            (None, ItemTraits()),
        ):
            funnel.add_item(2, vector=vector, traits=traits, created_ms=0)
        assert [[None if one is None else one.tolist() for one in both] for both in told] == [
            [text.tolist(), picture.tolist()],
            [text.tolist(), nothing.tolist()],
            [None, None],
        ]


def test_looking_at_an_item_is_not_having_it() -> None:
    kinds = np.array([CODE_BY_KIND[EventKind.VIEW], BOUGHT], np.int8)
    asked = Situation(History(np.array([3, 4], np.int32), kinds, np.array([1, 2])), 5, np.empty(0, np.int32))
    found = allowed_for(np.ones(10, bool), asked, repeats=False)
    assert found[3]
    assert not found[4]
