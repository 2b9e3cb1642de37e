"""How candidates stand to those that were touched: by hand, at the edges, and in a ranker that has to read it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.config.objectives import ObjectiveSpec, usual_objectives
from shelfwise.errors import ConfigError
from shelfwise.rank.beside_touched import OF_ALL, beside_touched, n_columns, with_touched
from shelfwise.rank.multi_objective import MultiObjective
from shelfwise.rank.objective_trees import ObjectiveTrees
from shelfwise.rank.ranker import Asked, RankingTable
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Floats

VIEW = CODE_BY_KIND[EventKind.VIEW]
SPECS: dict[str, ObjectiveSpec] = {"click": usual_objectives()["click"]}
LENGTH = 6


def after(rows: list[int], now_ms: int = 10_000) -> Situation:
    """A request after views of these items, one a second from 1 s on."""
    n = len(rows)
    history = History(np.array(rows, np.int32), np.full(n, VIEW, np.int8), 1_000 * np.arange(1, n + 1, dtype=np.int64))
    return Situation(history, now_ms, np.empty(0, np.int32))


def test_every_number_by_hand() -> None:
    rows = np.array([7, 3, 9], np.int32)  # of no order
    prices = np.array([[10.0], [20.0], [40.0]], np.float32)
    found = beside_touched(prices, rows, after([3, 7, 3, 99], now_ms=13_000))
    told = dict(zip(OF_ALL, found[:, : len(OF_ALL)].T, strict=True))
    assert told["n_touched"].tolist() == [2, 2, 2]
    assert told["n_touches"].tolist() == [3, 3, 3]
    np.testing.assert_array_equal(told["touched_order"], [1, 0, np.nan])
    assert told["touched_share"].tolist() == pytest.approx([1 / 3, 2 / 3, 0])
    assert told["touched_before_n"].tolist() == [1, 1, 1]
    assert told["touched_before_log_s"].tolist() == pytest.approx([np.log1p(10)] * 3)
    np.testing.assert_allclose(found[0, len(OF_ALL) :], [-10, -5, 0, -10, 0])
    np.testing.assert_allclose(found[2, len(OF_ALL) :], [20, 25, 30, 20, 20])


def test_what_is_not_known_is_not_compared() -> None:
    rows = np.array([1, 2, 3], np.int32)
    prices = np.array([[np.nan], [20.0], [40.0]], np.float32)
    last_unknown = beside_touched(prices, rows, after([2, 1]))[:, len(OF_ALL) :]
    assert np.isnan(last_unknown[:, 0]).all()  # the latest has no price; the mean is that of the other
    np.testing.assert_allclose(last_unknown[1:, 1], [0, 20])
    all_unknown = beside_touched(prices, rows, after([1]))
    assert np.isnan(all_unknown[:, len(OF_ALL) :]).all()
    assert all_unknown[:, 0].tolist() == [1, 1, 1]


@pytest.mark.parametrize("history", [[], [50, 60]])
def test_a_list_of_which_nothing_was_touched_says_so(history: list[int]) -> None:
    found = beside_touched(np.zeros((2, 1), np.float32), np.array([1, 2], np.int32), after(history))
    assert found.shape == (2, n_columns(1))
    assert found[:, :2].tolist() == [[0, 0], [0, 0]]
    assert np.isnan(found[:, 2:]).all()
    assert beside_touched(np.zeros((0, 1), np.float32), np.empty(0, np.int32), after([1])).shape == (0, n_columns(1))


def near_the_touched(n: int, seed: int) -> RankingTable:
    """Of each list one item was viewed; clicked is what costs nearly as much."""
    random = np.random.default_rng(seed)
    prices = random.normal(size=(n, LENGTH)).astype(np.float32)
    rows = np.stack([random.permutation(30)[:LENGTH] for _ in range(n)]).astype(np.int32)
    viewed = random.integers(LENGTH, size=n)
    distance = np.abs(prices - prices[np.arange(n), viewed][:, None])
    distance[np.arange(n), viewed] = np.inf
    clicked = (distance == distance.min(axis=1, keepdims=True)).astype(np.float32).reshape(-1, 1)
    situations = tuple(replace(after([int(rows[one, viewed[one]])]), now_ms=2_000 + 1_000 * one) for one in range(n))
    return RankingTable(
        np.column_stack([prices.ravel(), random.normal(size=n * LENGTH)]).astype(np.float32),
        clicked[:, 0].astype(np.int8),
        np.full(n, LENGTH),
        np.ones(n, np.int64),
        0,
        ["price", "noise"],
        np.zeros(n, np.int64),
        rows.ravel(),
        situations,
        clicked,
        SPECS,
        None,
        np.zeros(n * LENGTH, np.int32),
        np.ones(n, bool),
    )


def fitted(table: RankingTable, **options: Any) -> MultiObjective:
    chosen: dict[str, Any] = {"epochs": 6, "requests_per_step": 32, "width": 16, "dropout": 0.0, **options}
    ranker = MultiObjective(MultiObjective.Config(**chosen))
    ranker.fit(table, seed=0, report=lambda _: None)
    return ranker


def said(ranker: MultiObjective, table: RankingTable) -> Floats:
    spans = [slice(number * LENGTH, (number + 1) * LENGTH) for number in range(len(table.situations))]
    return np.stack(
        [
            ranker.score(Asked(table.features[at], table.rows[at], one)).scores
            for at, one in zip(spans, table.situations, strict=True)
        ]
    )


def hits(ranker: MultiObjective, table: RankingTable) -> float:
    best = said(ranker, table).argmax(axis=1)
    return float((best == table.outcomes.reshape(-1, LENGTH).argmax(axis=1)).mean())


@pytest.mark.parametrize("further", [{}, {"n_trees": 60}])
def test_who_compares_finds_what_is_like_the_item_viewed(further: dict[str, int], tmp_path: Path) -> None:
    table, fresh = near_the_touched(500, 0), near_the_touched(200, 1)
    knows = fitted(table, beside_touched=["price"], **further)
    assert hits(knows, fresh) > hits(fitted(table, **further), fresh) + 0.2
    knows.save(tmp_path)
    again = MultiObjective(knows.options)
    again.load(tmp_path)
    np.testing.assert_allclose(said(again, fresh), said(knows, fresh), rtol=1e-5)


def test_trees_speak_with_the_networks_and_stay_calibrated() -> None:
    table, fresh = near_the_touched(500, 0), near_the_touched(200, 1)
    alone = fitted(table, beside_touched=["price"])
    with_trees = fitted(table, beside_touched=["price"], n_trees=60)
    assert np.abs(said(alone, fresh) - said(with_trees, fresh)).mean() > 0.005
    assert said(with_trees, fresh).mean() == pytest.approx(1 / LENGTH, abs=0.04)


def test_trees_do_not_take_a_place_in_the_list_for_merit() -> None:
    """What stood first is clicked, whatever it is; a feature tells about where it stood."""
    random = np.random.default_rng(3)
    table = near_the_touched(1_000, 0)
    positions = np.concatenate([random.permutation(LENGTH) + 1 for _ in range(1_000)]).astype(np.int32)
    features = random.normal(size=(len(positions), 2)).astype(np.float32)
    features[:, 0] -= positions
    clicked = (random.random(len(positions)) < 0.7 / positions).astype(np.float32)[:, None]
    shown = replace(table, features=features, positions=positions, outcomes=clicked)
    weights = np.ones(len(positions), np.float32)
    asked = np.column_stack([-np.arange(1, LENGTH + 1), np.zeros(LENGTH)]).astype(np.float32)
    even = np.full((LENGTH, 1), np.log(0.5), np.float32)

    def spread(told: RankingTable) -> float:
        said = ObjectiveTrees.fit(told, weights, 60, 0).beside(even, asked, 1, 1)
        return float(np.ptp(said))

    assert spread(shown) < 0.5 * spread(replace(shown, positions=np.empty(0, np.int32)))


def test_an_objective_of_which_hardly_anything_is_known_has_no_trees() -> None:
    table = near_the_touched(80, 0)
    unknown = replace(table, outcomes=np.full_like(table.outcomes, np.nan))
    trees = ObjectiveTrees.fit(unknown, np.ones(len(table.rows), np.float32), 5, 0)
    predicted = np.full((2, 1), -1.0, np.float32)
    np.testing.assert_array_equal(trees.beside(predicted, table.features[:2], 1, 0), predicted)


def test_a_feature_that_there_is_not_is_named_with_its_neighbour() -> None:
    with pytest.raises(ConfigError, match="no feature is called 'prise'") as raised:
        fitted(near_the_touched(80, 0), beside_touched=["prise"])
    assert "price" in str(raised.value.hint)


def test_a_table_is_compared_request_by_request() -> None:
    table = near_the_touched(4, 0)
    whole = with_touched(table, [0])
    assert whole.shape == (4 * LENGTH, 2 + n_columns(1))
    last = slice(3 * LENGTH, 4 * LENGTH)
    np.testing.assert_array_equal(
        whole[last, 2:], beside_touched(table.features[last, :1], table.rows[last], table.situations[3])
    )
