"""The multi-objective ranker: chains, scenarios, history, balance, weights; on tables whose answers are planted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.config.objectives import ObjectiveSpec, usual_objectives
from shelfwise.errors import StateError
from shelfwise.features.text_vectors import TextVectors
from shelfwise.rank.calibration import calibration_error
from shelfwise.rank.multi_objective import MultiObjective
from shelfwise.rank.ranker import Asked, RankingTable
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Floats

N_CANDIDATES, N_ITEMS, DIM = 20, 40, 8
NAMES = ["pull", "price", "noise"]
HOME, EMAIL = 1, 2
VIEW = CODE_BY_KIND[EventKind.VIEW]
SPECS: dict[str, ObjectiveSpec] = {name: usual_objectives()[name] for name in ("click", "purchase")}
VECTORS = (lambda raw: (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32))(
    np.random.default_rng(7).normal(size=(N_ITEMS, DIM))
)


def planted(
    n: int = 400, seed: int = 0, *, scenarios: tuple[int, ...] = (HOME,), by_history: bool = False
) -> RankingTable:
    """Clicks follow `pull` at home, its opposite elsewhere, or likeness to the last item; the cheap are bought."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(n * N_CANDIDATES, len(NAMES))).astype(np.float32)
    rows = np.concatenate([random.permutation(N_ITEMS)[:N_CANDIDATES] for _ in range(n)]).astype(np.int32)
    situations = []
    odds = np.zeros(n * N_CANDIDATES)
    for request in range(n):
        span = slice(request * N_CANDIDATES, (request + 1) * N_CANDIDATES)
        scenario = scenarios[request % len(scenarios)]
        last = int(random.integers(N_ITEMS))
        history = History(np.array([last], np.int32), np.array([VIEW], np.int8), np.array([request * 1_000], np.int64))
        situations.append(Situation(history, request * 1_000 + 500, np.empty(0, np.int32), scenario=scenario))
        pull = features[span, 0] if scenario == HOME else -features[span, 0]
        odds[span] = 8 * (VECTORS[rows[span]] @ VECTORS[last]) - 2 if by_history else 2 * pull - 2
    clicked = random.random(len(odds)) < 1 / (1 + np.exp(-odds))
    bought = clicked & (random.random(len(odds)) < 1 / (1 + np.exp(3 * features[:, 1] + 1)))
    outcomes = np.column_stack([clicked, bought]).astype(np.float32)
    return RankingTable(
        features,
        clicked.astype(np.int8),
        np.full(n, N_CANDIDATES),
        np.ones(n, np.int64),
        0,
        NAMES,
        np.zeros(n, np.int64),
        rows,
        tuple(situations),
        outcomes,
        SPECS,
        VECTORS if by_history else None,
    )


def fitted(table: RankingTable, **options: Any) -> MultiObjective:
    ranker = MultiObjective(MultiObjective.Config(**{"epochs": 6, "requests_per_step": 32, **options}))
    ranker.fit(table, seed=0, report=lambda _: None)
    return ranker


def predicted(ranker: MultiObjective, table: RankingTable) -> Floats:
    vectors = None if table.vectors is None else TextVectors(table.vectors)
    starts = np.cumsum(table.groups) - table.groups
    return np.concatenate(
        [
            ranker.score(Asked(table.features[at : at + n], table.rows[at : at + n], one, vectors)).predictions
            for at, n, one in zip(starts.tolist(), table.groups.tolist(), table.situations, strict=True)
        ]
    )


def auc(scores: Floats, happened: Floats) -> float:
    ranks = np.argsort(np.argsort(scores)) + 1.0
    positive = happened == 1
    n, m = positive.sum(), (~positive).sum()
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


@pytest.fixture(scope="module")
def ranker() -> MultiObjective:
    return fitted(planted())


def test_each_objective_is_predicted_calibrated_and_no_child_is_above_its_parent(ranker: MultiObjective) -> None:
    fresh = planted(seed=1)
    said = predicted(ranker, fresh)
    assert ranker.objectives == ("click", "purchase")
    assert (said >= 0).all() and (said <= 1).all()
    assert (said[:, 1] <= said[:, 0]).all()
    for column in (0, 1):
        assert auc(said[:, column], fresh.outcomes[:, column]) > 0.85
        assert calibration_error(said[:, column], fresh.outcomes[:, column]) < 0.05


def test_purchases_are_learned_over_everything_shown_and_not_only_what_was_clicked(ranker: MultiObjective) -> None:
    # Cheap things that nobody clicks are not bought: price alone would put them first.
    features = np.array([[3, -3, 0], [-3, -3, 0], [3, 3, 0]], np.float32)
    said = ranker.score(Asked(features, np.arange(3, dtype=np.int32), planted(1).situations[0])).predictions[:, 1]
    assert said[0] > said[1] and said[0] > said[2]


def test_it_is_the_same_after_saving(ranker: MultiObjective, tmp_path: Path) -> None:
    ranker.save(tmp_path)
    again = MultiObjective(MultiObjective.Config())
    again.load(tmp_path)
    fresh = planted(20, seed=2)
    np.testing.assert_allclose(predicted(again, fresh), predicted(ranker, fresh), rtol=1e-5)
    assert again.default_weights == ranker.default_weights
    assert not list(tmp_path.glob("*.pkl"))


def test_the_same_seed_gives_the_same_ranker() -> None:
    table = planted(60)
    one, two = fitted(table, epochs=1), fitted(table, epochs=1)
    np.testing.assert_array_equal(predicted(one, table), predicted(two, table))


def test_a_scenario_may_want_the_opposite_and_one_that_is_unknown_breaks_nothing() -> None:
    ranker = fitted(planted(600, scenarios=(HOME, EMAIL)), epochs=15)
    features = np.array([[2, 0, 0], [-2, 0, 0]], np.float32)

    def clicks(scenario: int) -> Floats:
        asked = replace(planted(1).situations[0], scenario=scenario)
        return ranker.score(Asked(features, np.arange(2, dtype=np.int32), asked)).predictions[:, 0]

    assert clicks(HOME)[0] > clicks(HOME)[1]
    assert clicks(EMAIL)[0] < clicks(EMAIL)[1]
    assert np.isfinite(clicks(99)).all()


def test_the_history_speaks_for_what_is_like_it() -> None:
    table = planted(300, by_history=True)
    with_it = fitted(table, epochs=14, rate=3e-3)
    without = fitted(replace(table, vectors=None), epochs=14, rate=3e-3)
    fresh = planted(200, seed=3, by_history=True)
    assert auc(predicted(with_it, fresh)[:, 0], fresh.outcomes[:, 0]) > 0.75
    assert auc(predicted(without, replace(fresh, vectors=None))[:, 0], fresh.outcomes[:, 0]) < 0.6


def test_strangers_and_items_that_came_later_are_answered() -> None:
    ranker = fitted(planted(100, by_history=True), epochs=1)
    vectors = TextVectors(VECTORS)
    vectors.put(N_ITEMS + 5, VECTORS[0])
    nobody = Situation(History.empty(), 0, np.empty(0, np.int32))
    features = np.full((3, len(NAMES)), np.nan, np.float32)
    found = ranker.score(Asked(features, np.array([0, N_ITEMS + 5, N_ITEMS + 9], np.int32), nobody, vectors))
    assert np.isfinite(found.predictions).all() and found.predictions.shape == (3, 2)
    empty = ranker.score(Asked(np.empty((0, len(NAMES)), np.float32), np.empty(0, np.int32), nobody, vectors))
    assert empty.predictions.shape == (0, 2)


@pytest.mark.parametrize("balance", ["fixed", "uncertainty", "upgrad", "mgda", "pcgrad", "nash"])
def test_every_balance_learns_both(balance: str) -> None:
    fresh = planted(seed=1)
    said = predicted(fitted(planted(), balance=balance, epochs=8), fresh)
    assert min(auc(said[:, column], fresh.outcomes[:, column]) for column in (0, 1)) > 0.8


@pytest.mark.parametrize("experts", ["mmoe", "shared"])
def test_other_experts_learn_too(experts: str) -> None:
    fresh = planted(seed=1)
    said = predicted(fitted(planted(), experts=experts, epochs=8), fresh)
    assert min(auc(said[:, column], fresh.outcomes[:, column]) for column in (0, 1)) > 0.8


def test_several_networks_are_averaged() -> None:
    table = planted(60)
    said = predicted(fitted(table, epochs=1, n_networks=2), table)
    assert np.isfinite(said).all() and (said[:, 1] <= said[:, 0]).all()


def test_seconds_are_expected_over_everything_shown() -> None:
    table = planted()
    clicked = table.outcomes[:, 0] == 1
    seconds = np.where(clicked, np.exp(3 + table.features[:, 2] * 0.5), np.nan).astype(np.float32)
    specs = {"click": SPECS["click"], "dwell": usual_objectives()["dwell"]}
    told = replace(table, outcomes=np.column_stack([table.outcomes[:, 0], seconds]), objectives=specs)
    ranker = fitted(told, epochs=10)
    said = predicted(ranker, told)
    assert said[:, 1].sum() == pytest.approx(np.nansum(seconds), rel=0.15)
    assert np.corrcoef(said[clicked, 1] / said[clicked, 0], seconds[clicked])[0, 1] > 0.5


def test_what_hardly_ever_happened_is_left_out_and_said() -> None:
    table = planted(60)
    rare = table.outcomes.copy()
    rare[:, 1] = 0
    rare[np.flatnonzero(rare[:, 0])[:3], 1] = 1
    ranker = MultiObjective(MultiObjective.Config(epochs=1))
    about = ranker.fit(replace(table, outcomes=rare), seed=0, report=lambda _: None)
    assert ranker.objectives == ("click",)
    assert about["left_out"] == {"purchase": 3}
    with pytest.raises(StateError, match="nothing to learn from"):
        ranker.fit(replace(table, outcomes=np.zeros_like(rare)), seed=0, report=lambda _: None)


def test_default_weights_are_those_that_ordered_later_requests_best() -> None:
    ranker = MultiObjective(MultiObjective.Config(epochs=4))
    about = ranker.fit(planted(), seed=0, report=lambda _: None)
    assert about["goal"] == "purchase"
    assert ranker.default_weights["purchase"] == 1
    assert set(ranker.default_weights) <= {"click", "purchase"}
    assert max(about["held_out_ndcg"].values()) > 0.5


def test_exposure_may_be_spread_in_training() -> None:
    """Some items please everybody; who cares for exposure as well shows the others more often."""
    table = planted(by_history=True)
    quality = np.linspace(-2, 2, N_ITEMS)[table.rows]
    last = np.repeat([one.history.rows[0] for one in table.situations], table.groups)
    odds = 2 * (VECTORS[table.rows] * VECTORS[last]).sum(axis=1) + 0.7 * quality - 1
    random = np.random.default_rng(3)
    clicked = random.random(len(odds)) < 1 / (1 + np.exp(-odds))
    table = replace(
        table,
        features=np.column_stack([quality, table.features[:, 1:]]).astype(np.float32),
        outcomes=np.column_stack([clicked, clicked & (random.random(len(odds)) < 0.4)]).astype(np.float32),
        labels=clicked.astype(np.int8),
        item_names=(np.arange(N_ITEMS, dtype=np.int32) % 4 + 1)[:, None],
    )

    def shown(**options: float) -> Floats:
        said = predicted(fitted(table, **options), table)[:, 0].reshape(-1, N_CANDIDATES)
        best = np.argsort(-said, axis=1)[:, :10]
        return np.bincount(np.take_along_axis(table.rows.reshape(-1, N_CANDIDATES), best, axis=1).ravel())

    assert shown(spread_items=1.0).std() < 0.8 * shown().std()
