"""What the ranker is told: the right columns, nothing of the future, nothing that breaks when something is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfwise.datasets.interactions import DAY_MS
from shelfwise.datasets.training_data import TrainingData
from shelfwise.features.candidate_features import KNOWN_BY, OWN, candidate_features, feature_names
from shelfwise.features.item_state import MAX_NAMES, ItemState
from shelfwise.features.text_vectors import TextVectors
from shelfwise.pipeline.merge import merge
from shelfwise.schemas.candidates import Candidates, History, Merged, Situation
from shelfwise.testing.retrievers import situation
from shelfwise.testing.small_shop import N_COLD, N_ITEMS, small_shop
from shelfwise.train.examples import item_state

DATA = small_shop(n_users=60)
MAY_BE_UNKNOWN_TO_ALL = {"had_due"}


def merged_of(rows: list[int]) -> Merged:
    """Two retrievers: one names all of the rows, the other only the first."""
    scores = np.linspace(2, 1, len(rows), dtype=np.float32)
    return merge(
        {
            "one": Candidates(np.array(rows, np.int32), scores),
            "two": Candidates(np.array(rows[:1], np.int32), scores[:1]),
        }
    )


def described(rows: list[int], asked: Situation, data: TrainingData = DATA, **changed: Any) -> dict[str, Any]:
    """Every feature by name, and the rows in their order."""
    vectors = None if data.vectors is None else TextVectors(data.vectors)
    merged = merged_of(rows)
    arguments: dict[str, Any] = {"state": item_state(data), "vectors": vectors, "has_clock": True, **changed}
    table = candidate_features(merged, asked, **arguments)
    names = feature_names(merged.sources)
    assert table.shape == (len(merged), len(names))
    assert table.dtype == np.float32
    assert not np.isinf(table).any()
    return {"row": merged.rows.tolist(), **dict(zip(names, table.T, strict=True))}


def test_names_are_distinct_and_grow_with_the_retrievers() -> None:
    names = feature_names(("a", "b"))
    assert names[:6] == ["a.score", "a.share", "a.rank", "b.score", "b.share", "b.rank"]
    assert names[6:] == list(OWN)
    assert len(set(names)) == len(names)


def test_what_retrievers_said_stands_as_it_was_said() -> None:
    found = described([7, 3, 9], situation(DATA, [3]))
    assert found["row"] == [3, 7, 9]
    assert found["one.rank"].tolist() == [2, 1, 3]
    assert found["one.score"].tolist() == [1.5, 2, 1]
    assert found["one.share"].tolist() == [0.75, 1, 0.5]
    np.testing.assert_array_equal(found["two.rank"], [np.nan, 1, np.nan])
    assert found["n_sources"].tolist() == [1, 2, 1]
    np.testing.assert_allclose(found["reciprocal_ranks"], [1 / 62, 2 / 61, 1 / 63], rtol=1e-5)


def test_with_everything_known_nothing_is_missing() -> None:
    found = described([3, 4, 5], situation(DATA, [3, 4, 3, 5, 4]))
    unknown = {name for name, column in found.items() if name in OWN and np.isnan(column).any()}
    assert unknown <= MAY_BE_UNKNOWN_TO_ALL


def test_what_he_says_of_himself_speaks_where_no_item_does() -> None:
    assert DATA.vectors is not None
    profile = DATA.vectors[31]
    rows = [3, 35, 71]
    alone = described(rows, replace(situation(DATA, []), profile=profile))
    for name in ("text_affinity_mean", "text_affinity_max", "text_affinity_last"):
        np.testing.assert_allclose(alone[name], DATA.vectors[rows] @ profile, rtol=1e-5)
    assert (alone[KNOWN_BY] == 0).all()  # he is known, but names no category or brand
    stranger = described(rows, situation(DATA, []))
    for name, column in stranger.items():
        if not name.startswith("text_affinity") and name != KNOWN_BY:
            np.testing.assert_array_equal(column, alone[name])
    assert np.isnan(stranger["text_affinity_mean"]).all()
    assert np.isnan(stranger[KNOWN_BY]).all()
    without_texts = described(rows, replace(situation(DATA, []), profile=profile), vectors=None)
    assert np.isnan(without_texts["text_affinity_mean"]).all()


def test_where_items_speak_the_text_features_are_theirs() -> None:
    assert DATA.vectors is not None
    asked = situation(DATA, [3, 4])
    with_it, without = (described([5, 35], one) for one in (replace(asked, profile=DATA.vectors[31]), asked))
    for name, column in without.items():
        np.testing.assert_array_equal(column, with_it[name])


def test_what_the_user_had_is_counted_in_moments() -> None:
    # Two lines of one invoice are one moment: three moments, item 3 in two of them, last in the one before last.
    times = np.array([0, 0, 10, 10, 20], np.int64) * DAY_MS + DATA.now_ms - 30 * DAY_MS
    history = History(np.array([3, 3, 3, 8, 9], np.int32), np.zeros(5, np.int8), times)
    found = described([3, 8, 12], Situation(history, DATA.now_ms, np.empty(0, np.int32)))
    assert found["had_times"].tolist() == [2, 1, 0]
    np.testing.assert_array_equal(found["had_position"], [1, 1, np.nan])
    np.testing.assert_allclose(found["had_share"], [2 / 3, 1 / 3, 0], rtol=1e-6)
    np.testing.assert_allclose(found["had_ago_log_d"], [np.log1p(20), np.log1p(20), np.nan], rtol=1e-6)
    np.testing.assert_allclose(found["had_due"], [20 / 10, np.nan, np.nan], rtol=1e-6)
    np.testing.assert_allclose(found["moments_log"], np.log1p(3), rtol=1e-6)
    np.testing.assert_allclose(found["moment_gap_log_d"], np.log1p(10), rtol=1e-6)
    np.testing.assert_allclose(found["history_ago_log_d"], np.log1p(10), rtol=1e-6)
    np.testing.assert_allclose(found["history_repeat_share"], 1 - 3 / 4, rtol=1e-6)


def test_affinities_point_at_the_users_own_kind() -> None:
    found = described([21, 61], situation(DATA, [23, 25]))
    for name in (
        "name_affinity",
        "name_affinity_last",
        "text_affinity_mean",
        "text_affinity_max",
        "text_affinity_last",
    ):
        assert found[name][0] > found[name][1], name
    assert DATA.vectors is not None
    np.testing.assert_allclose(found["text_affinity_last"], DATA.vectors[[21, 61]] @ DATA.vectors[25], rtol=1e-5)
    np.testing.assert_allclose(found["price_log_ratio"], np.log([3 / 3, 7 / 3]), atol=1e-6)


histories = st.lists(st.integers(0, N_ITEMS - 1), max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    histories, st.lists(st.integers(0, N_ITEMS - 1), min_size=1, max_size=8, unique=True), st.booleans(), st.booleans()
)
def test_whatever_is_missing_nothing_breaks(had: list[int], rows: list[int], has_clock: bool, has_text: bool) -> None:
    asked = situation(DATA, had, [rows[0]] if len(rows) % 2 else [])
    found = described(rows, asked, has_clock=has_clock, **({} if has_text else {"vectors": None}))
    assert not np.isnan(found["popularity_all"]).any()
    assert np.isnan(found["age_log_d"]).all() or has_clock
    assert np.isnan(found["text_affinity_max"]).all() or has_text


def test_no_candidates_make_an_empty_table() -> None:
    merged = merge({"one": Candidates.empty(), "two": Candidates.empty()})
    table = candidate_features(merged, situation(DATA, [3]), item_state(DATA), None, has_clock=True)
    assert table.shape == (0, len(feature_names(("one", "two"))))


def test_an_item_without_price_text_events_or_names_is_described_all_the_same() -> None:
    state = item_state(DATA)
    state.put(N_ITEMS, price=None, created_ms=DATA.now_ms - 3 * DAY_MS)
    state.put(N_ITEMS + 1, price=0, created_ms=DATA.now_ms)
    found = described([N_ITEMS, N_ITEMS + 1, 3], situation(DATA, [4]), state=state)
    assert found["row"] == [3, N_ITEMS, N_ITEMS + 1]
    assert np.isnan(found["price_log_ratio"]).tolist() == [False, True, True]
    assert np.isnan(found["text_affinity_max"]).tolist() == [False, True, True]
    assert found["popularity_all"][1:].tolist() == [0, 0]
    np.testing.assert_allclose(found["age_log_d"][1:], np.log1p([3, 0]), rtol=1e-6)
    # It may be what the user turned to, too.
    asked = described([3, 4], situation(DATA, [N_ITEMS]), state=state)
    assert not np.isnan(asked["popularity_all"]).any()


class TestPointInTime:
    """Nothing that happens later changes what was known at a moment."""

    CUT_MS = int(np.quantile(DATA.interactions.times_ms, 0.6))

    @pytest.mark.parametrize("seed", range(3))
    def test_later_events_change_no_feature(self, seed: int) -> None:
        past = DATA.with_interactions(DATA.interactions.before(self.CUT_MS), self.CUT_MS)
        # The whole log, and one with another future: both cut at the same moment.
        random = np.random.default_rng(seed)
        items = DATA.interactions.item_rows.copy()
        later = DATA.interactions.times_ms >= self.CUT_MS
        items[later] = random.permutation(items[later])
        other = DATA.interactions.where(random.random(len(items)) < np.where(later, 0.5, 2))
        rewritten = DATA.with_interactions(other.before(self.CUT_MS), self.CUT_MS)
        asked = Situation(situation(past, [3, 4]).history, self.CUT_MS, np.empty(0, np.int32))
        rows = random.choice(N_ITEMS, 20, replace=False).tolist()
        one, two = described(rows, asked, past), described(rows, asked, rewritten)
        for name, column in one.items():
            np.testing.assert_array_equal(column, two[name], err_msg=name)

    def test_an_item_that_the_shop_created_later_has_no_age_yet(self) -> None:
        created = np.full(N_ITEMS, -1, np.int64)
        created[N_ITEMS - 1], created[N_ITEMS - 2] = self.CUT_MS + 1, self.CUT_MS - DAY_MS
        log = DATA.interactions.before(self.CUT_MS)
        state = ItemState.fit(
            log.user_rows,
            log.item_rows,
            log.times_ms,
            now_ms=self.CUT_MS,
            has_clock=True,
            prices=DATA.catalogue.prices,
            created_ms=created,
            paths=DATA.catalogue.paths,
            brands=DATA.catalogue.brands,
        )
        assert state.first_ms[N_ITEMS - 1] == -1
        assert state.first_ms[N_ITEMS - 2] == self.CUT_MS - DAY_MS

    def test_the_table_that_the_ranker_learns_from_is_asked_at_its_moment(self) -> None:
        """Popularity in the examples is that before the cut, not that of the whole log."""
        past = DATA.with_interactions(DATA.interactions.before(self.CUT_MS), self.CUT_MS)
        counts = np.bincount(past.interactions.item_rows, minlength=N_ITEMS)
        np.testing.assert_allclose(item_state(past).popularity[:, -1], np.log1p(counts / counts.mean()), rtol=1e-5)


class TestItemState:
    def test_popularity_is_the_decayed_count(self) -> None:
        log, state = DATA.interactions, item_state(DATA)
        for place, half_life in enumerate((3, 7, 30, 120)):
            counts = np.zeros(N_ITEMS)
            for row, time in zip(log.item_rows.tolist(), log.times_ms.tolist(), strict=True):
                counts[row] += 2 ** (-(DATA.now_ms - time) / DAY_MS / half_life)
            np.testing.assert_allclose(state.popularity[:, place], np.log1p(counts / counts.mean()), rtol=1e-4)

    def test_repeat_rate_is_shrunk_to_the_shops(self) -> None:
        users = np.array([0, 0, 1, 2, 2, 2], np.int32)
        items = np.array([0, 0, 0, 1, 1, 1], np.int32)
        times = np.array([1, 2, 1, 5, 5, 5], np.int64)  # user 2 has one moment with three lines: no repeat
        state = ItemState.fit(
            users,
            items,
            times,
            now_ms=9,
            has_clock=False,
            prices=np.full(3, np.nan, np.float32),
            created_ms=np.full(3, -1, np.int64),
            paths=[()] * 3,
            brands=[None] * 3,
        )
        overall = 1 / 3
        np.testing.assert_allclose(state.repeat_rate, [(1 + 20 * overall) / 22, 20 * overall / 21, overall], rtol=1e-5)

    def test_names_are_brand_then_the_path_from_below_and_padding_says_nothing(self) -> None:
        state = item_state(DATA)
        assert state.names.shape == (N_ITEMS, MAX_NAMES)
        assert state.rarity[-1] == 0
        assert (state.rarity[state.names[0]] > 0).sum() == 2  # its brand and its set; "Things" is carried by all

    def test_saved_and_loaded_is_the_same(self, tmp_path: Any) -> None:
        state = item_state(DATA)
        state.save(tmp_path)
        again = ItemState.load(tmp_path)
        for name in ("popularity", "repeat_rate", "first_ms", "log_price", "names", "rarity"):
            np.testing.assert_array_equal(getattr(state, name), getattr(again, name))
        again.put(0, price=5, created_ms=0)  # mapped read-only until the first change
        assert again.log_price[0] == pytest.approx(np.log(5))
        assert item_state(DATA).log_price[0] != again.log_price[0]

    def test_cold_items_have_no_first_event(self) -> None:
        assert (item_state(DATA).first_ms[-N_COLD:] == -1).all()


class TestTextVectors:
    def test_known_replaced_and_added_rows(self) -> None:
        vectors = TextVectors(np.eye(3, dtype=np.float32))
        vectors.put(1, np.full(3, 7, np.float32))
        vectors.put(5, np.full(3, 8, np.float32))
        found, known = vectors.take(np.array([0, 1, 4, 5], np.int32))
        assert known.tolist() == [True, True, False, True]
        np.testing.assert_array_equal(found, [[1, 0, 0], [7] * 3, [0] * 3, [8] * 3])
        np.testing.assert_array_equal(vectors.base, np.eye(3))
