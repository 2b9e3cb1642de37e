"""The multi-objective ranker on lists that were shown: positions, what stands beside, what was done with an item."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from shelfwise.config.objectives import ObjectiveSpec, usual_objectives
from shelfwise.rank.multi_objective import MultiObjective
from shelfwise.rank.outcome_tables import ENOUGH, thinned, told_best
from shelfwise.rank.ranker import Asked, RankingTable
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Floats

LENGTH, N_ITEMS = 8, 60
SPECS: dict[str, ObjectiveSpec] = {"click": usual_objectives()["click"]}
VIEW = CODE_BY_KIND[EventKind.VIEW]


def lists(n: int, seed: int, odds_of: Any) -> RankingTable:
    """`n` lists of `LENGTH` items; `odds_of(features, positions, is_seen, random)` are the log-odds of a click."""
    random = np.random.default_rng(seed)
    features, rows, positions, outcomes, situations = [], [], [], [], []
    for number in range(n):
        shown = random.permutation(N_ITEMS)[:LENGTH].astype(np.int32)
        told = random.normal(size=(LENGTH, 2)).astype(np.float32)
        seen = shown[random.integers(LENGTH)]
        stood = 1 + np.argsort(np.argsort(-told[:, 1])).astype(np.int32)  # the shop orders by the second feature
        odds = odds_of(told, stood, shown == seen, random)
        features.append(told)
        rows.append(shown)
        positions.append(stood)
        outcomes.append((random.random(LENGTH) < 1 / (1 + np.exp(-odds))).astype(np.float32))
        history = History(np.array([seen], np.int32), np.array([VIEW], np.int8), np.array([number * 1_000], np.int64))
        situations.append(Situation(history, number * 1_000 + 500, np.empty(0, np.int32)))
    clicked = np.concatenate(outcomes)
    return RankingTable(
        np.concatenate(features),
        clicked.astype(np.int8),
        np.full(n, LENGTH),
        np.ones(n, np.int64),
        0,
        ["pull", "shops_own"],
        np.zeros(n, np.int64),
        np.concatenate(rows),
        tuple(situations),
        clicked[:, None],
        SPECS,
        None,
        np.concatenate(positions),
        np.ones(n, bool),
    )


def fitted(table: RankingTable, **options: Any) -> MultiObjective:
    chosen: dict[str, Any] = {"epochs": 6, "requests_per_step": 32, "width": 16, "dropout": 0.0, **options}
    ranker = MultiObjective(MultiObjective.Config(**chosen))
    ranker.fit(table, seed=0, report=lambda _: None)
    return ranker


def hits(ranker: MultiObjective, table: RankingTable) -> float:
    """Share of lists with a click in which the first of the ranker's order was clicked."""
    found = []
    for number, situation in enumerate(table.situations):
        at = slice(number * LENGTH, (number + 1) * LENGTH)
        if table.outcomes[at].any():
            scores = ranker.score(Asked(table.features[at], table.rows[at], situation)).scores
            found.append(table.outcomes[at, 0][np.argmax(scores)])
    return float(np.mean(found))


def slope(ranker: MultiObjective) -> float:
    """How much the log-odds of a click grow from the worst to the best by the shop's own order."""
    features = np.array([[0, -1], [0, 1]], np.float32)
    nobody = Situation(History.empty(), 500_000, np.empty(0, np.int32))
    said = ranker.score(Asked(features, np.array([0, 1], np.int32), nobody)).predictions[:, 0]
    odds = np.log(said / (1 - said))
    return float(odds[1] - odds[0])


def test_what_the_position_did_is_not_laid_to_the_item() -> None:
    def by_position(told: Floats, stood: Floats, _: Any, __: Any) -> Any:
        return told[:, 0] - 0.7 * stood + 1

    table = lists(1_200, 0, by_position)
    knows = fitted(table)
    blind = fitted(replace(table, positions=np.zeros_like(table.positions)))
    assert slope(blind) > 1.0
    assert slope(knows) < slope(blind) / 2


def test_who_learned_from_lists_is_asked_about_the_first_place() -> None:
    table = lists(1_200, 0, lambda told, stood, *_: told[:, 0] - 0.7 * stood + 1)
    ranker = fitted(table)
    said = np.concatenate(
        [
            ranker.score(Asked(table.features[at : at + LENGTH], table.rows[at : at + LENGTH], one)).predictions[:, 0]
            for at, one in zip(range(0, 200 * LENGTH, LENGTH), table.situations, strict=False)
        ]
    )
    # Calibrated by what happened in all places: the mean is that of the lists, not of their first places.
    assert said.mean() == pytest.approx(table.outcomes[: 200 * LENGTH].mean(), abs=0.05)


@pytest.mark.parametrize("list_context", ["mean", "attention"])
def test_who_sees_the_list_knows_what_stands_out_of_it(list_context: str) -> None:
    def best_of_all(told: Floats, _: Any, __: Any, random: np.random.Generator) -> Any:
        told[:, 0] += 3 * random.normal()  # what counts is how far it stands above the others
        return np.where(told[:, 0] == told[:, 0].max(), 2.0, -4.0)

    fresh = lists(300, 1, best_of_all)
    alone, among = (fitted(lists(800, 0, best_of_all), list_context=how) for how in ("none", list_context))

    def said_of_best(ranker: MultiObjective) -> float:
        odds = []
        for number, situation in enumerate(fresh.situations):
            at = slice(number * LENGTH, (number + 1) * LENGTH)
            said = ranker.score(Asked(fresh.features[at], fresh.rows[at], situation)).predictions[:, 0]
            odds.append(said[np.argmax(fresh.features[at, 0])])
        return float(np.mean(odds))

    assert said_of_best(among) > said_of_best(alone) + 0.15


def test_what_was_done_with_the_very_item_is_read_from_the_history() -> None:
    def back_to_it(_: Any, __: Any, is_seen: Any, ___: Any) -> Any:
        return np.where(is_seen, 2.0, -3.0)

    fresh = lists(300, 1, back_to_it)
    table = lists(600, 0, back_to_it)
    assert hits(fitted(table, same_item=True), fresh) > 0.7
    assert hits(fitted(table), fresh) < 0.4


@pytest.mark.parametrize("options", [{"list_loss": 1.0}, {"feature_steps": True}, {"list_loss": 1.0, "n_networks": 2}])
def test_further_ways_of_learning_order_as_well_and_stay_calibrated(options: dict[str, Any]) -> None:
    table = lists(800, 0, lambda told, *_: 2 * told[:, 0] - 2)
    fresh = lists(300, 1, lambda told, *_: 2 * told[:, 0] - 2)
    ranker = fitted(table, **options)
    assert hits(ranker, fresh) > 0.7
    said = ranker.rank(fresh.features)
    assert said.mean() == pytest.approx(fresh.outcomes.mean(), abs=0.05)


def test_a_rise_and_fall_is_told_in_steps() -> None:
    def in_the_middle(told: Floats, *_: Any) -> Any:
        return np.where(np.abs(told[:, 0]) < 0.5, 1.0, -3.0)

    table, fresh = lists(300, 0, in_the_middle), lists(300, 1, in_the_middle)
    wide: dict[str, Any] = {"epochs": 3, "width": 4}
    assert hits(fitted(table, feature_steps=True, **wide), fresh) > hits(fitted(table, **wide), fresh) + 0.05


def test_lists_stay_whole_where_visits_are_thinned() -> None:
    shown = lists(20, 0, lambda told, *_: told[:, 0])
    visits = replace(
        lists(20, 1, lambda told, *_: told[:, 0] - 50), is_shown=np.zeros(20, bool), positions=np.zeros(160, np.int32)
    )
    both = replace(
        shown,
        features=np.concatenate([shown.features, np.tile(visits.features, (20, 1))]),
        labels=np.concatenate([shown.labels, np.tile(visits.labels, 20)]),
        groups=np.concatenate([shown.groups, 20 * visits.groups]),
        rows=np.concatenate([shown.rows, np.tile(visits.rows, 20)]),
        outcomes=np.concatenate([shown.outcomes, np.tile(visits.outcomes, (20, 1))]),
        positions=np.concatenate([shown.positions, np.tile(visits.positions, 20)]),
        is_shown=np.repeat([True, False], 20),
        situations=shown.situations * 2,
        n_relevant=np.ones(40, np.int64),
        moments=np.zeros(40, np.int64),
    )
    kept, weights = thinned(both, seed=0)
    assert kept.groups[:20].tolist() == [LENGTH] * 20
    assert (weights[: 20 * LENGTH] == 1).all()
    assert kept.groups[20:].sum() < both.groups[20:].sum()
    assert weights[20 * LENGTH :].sum() == pytest.approx(both.groups[20:].sum(), rel=0.1)


def test_probabilities_are_calibrated_on_lists_where_enough_happened_in_them() -> None:
    some = lists(200, 0, lambda told, *_: told[:, 0])
    assert int(some.outcomes.max(axis=1).sum()) > ENOUGH
    half = replace(some, is_shown=np.arange(200) < 100)
    np.testing.assert_array_equal(told_best(half), half.is_shown)
    few = replace(some, is_shown=np.arange(200) < 2)
    assert told_best(few).all()
