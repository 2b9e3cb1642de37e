"""What each objective gains by an order, against the definition; the front; and what is kept of a search."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.config.objectives import usual_objectives
from shelfwise.config.shop import ShopConfig
from shelfwise.errors import UnknownError
from shelfwise.metrics import ranking_metrics
from shelfwise.rank.ranker import RankingTable
from shelfwise.train.ranker_search.figures import judgeable, ndcg_by_objective
from shelfwise.train.ranker_search.points import Front, Point, with_front

NAMES = ("click", "dwell")
GAINS = st.sampled_from([0.0, 1.0, math.nan])
SECONDS = st.sampled_from([0.0, 3.0, 40.0, math.nan])
VISITS = st.lists(
    st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), GAINS, SECONDS), min_size=1, max_size=6),
    min_size=1,
    max_size=4,
)


def table_of(visits: list[list[tuple[float, float, float]]]) -> tuple[Any, RankingTable]:
    lines = [line for visit in visits for line in visit]
    outcomes = np.array([line[1:] for line in lines], np.float32)
    groups = np.array([len(visit) for visit in visits])
    n = len(lines)
    specs = {name: usual_objectives()[name] for name in NAMES}
    table = RankingTable(
        np.zeros((n, 1), np.float32),
        np.zeros(n, np.int8),
        groups,
        np.ones_like(groups),
        0,
        ["nothing"],
        np.zeros_like(groups),
        outcomes=outcomes,
        objectives=specs,
    )
    return np.array([line[0] for line in lines], np.float32), table


@given(visits=VISITS, k=st.integers(1, 4))
def test_gain_is_discounted_and_divided_by_the_best_order(
    visits: list[list[tuple[float, float, float]]], k: int
) -> None:
    def gain_of(order: list[float]) -> float:
        return sum(gain / math.log2(place + 2) for place, gain in enumerate(order[:k]))

    scores, table = table_of(visits)
    found = ndcg_by_objective(scores, table, k)

    for column in range(2):
        each = []
        for visit in visits:
            gains = [0.0 if math.isnan(line[1 + column]) else line[1 + column] for line in visit]
            ranked = [gain for _, gain in sorted(zip(visit, gains, strict=True), key=lambda one: -one[0][0])]
            if any(gains):
                each.append(gain_of(ranked) / gain_of(sorted(gains, reverse=True)))
        assert found[column] == pytest.approx(np.mean(each)) if each else math.isnan(found[column])


@given(seed=st.integers(0, 1_000))
def test_of_what_happens_or_not_it_is_the_usual_ndcg(seed: int) -> None:
    random = np.random.default_rng(seed)
    visits = [[(0.0, float(random.random() < 0.4), 0.0) for _ in range(15)] for _ in range(3)]
    _, table = table_of(visits)
    scores = random.random(45).astype(np.float32)
    right = (table.outcomes[:, 0] == 1).reshape(3, 15)
    told = right.any(axis=1)
    usual = ranking_metrics(scores.reshape(3, 15)[told].astype(np.float64), right[told], 10).ndcg

    assert ndcg_by_objective(scores, table)[0] == pytest.approx(np.mean(usual))


def test_what_nobody_knows_yet_is_not_judged_by() -> None:
    _, table = table_of([[(0.0, 1.0, math.nan), (0.0, 0.0, math.nan)]])
    assert judgeable(table) == ["click"]


def found_front() -> Front:
    own = Point(-1, {"width": 64}, {"purchase": 1.0}, {"click": 0.2, "purchase": 0.3})
    points = [
        Point(0, {"width": 32}, {"purchase": 1.0, "click": 0.1}, {"click": 0.4, "purchase": 0.1}),
        Point(2, {"loss_weights": {"click": 0.5}}, {"purchase": 1.0}, {"click": 0.3, "purchase": 0.3}),
    ]
    own, marked = with_front(own, points, ("click", "purchase"))
    return Front(("click", "purchase"), ("satisfaction",), "purchase", "home", own, marked, 90, 10)


def test_the_front_is_what_nothing_beats_and_the_best_serves_the_goal() -> None:
    found = found_front()
    assert not found.own.is_on_front
    assert [one.is_on_front for one in found.points] == [True, True]
    assert found.best.number == -1, "an equal of the shop's own settings is no reason to change them"
    assert found.volume((found.own,)) == pytest.approx(0.06)
    assert found.volume((found.own, *found.points)) == pytest.approx(0.3 * 0.3 + 0.1 * 0.1)
    with pytest.raises(UnknownError, match="there is no trial 1; expected one of 0, 2"):
        found.point(1)


def test_it_is_kept_as_plain_json_with_lines_that_a_shop_may_write_down() -> None:
    import tomllib

    found = found_front()
    assert Front.from_document(json.loads(json.dumps(found.as_document()))) == found
    written = tomllib.loads(found.points[1].toml("home"))
    assert written["rank"] == {"use": "multi-objective", "loss_weights": {"click": 0.5}}
    assert written["scenarios"]["home"]["weights"] == {"purchase": 1.0}
    ShopConfig.model_validate({"version": 1, **written})
