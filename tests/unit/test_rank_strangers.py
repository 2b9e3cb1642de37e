"""Who is a stranger is served by one plain feature where that is better than the ranker, and nobody else is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.rank.fusion import CHOICE_FILE, Fusion
from shelfwise.rank.ranker import RankingTable
from shelfwise.rank.strangers import ENOUGH, Scorer, StrangersOrder

NAMES = ["name_affinity", "popularity_7d", "popularity_all", "noise", "reciprocal_ranks"]
N_CANDIDATES = 20


def requests(n: int, *, strangers: bool, moment: int, seed: int = 0, wanted: str = "popularity_7d") -> RankingTable:
    """Requests whose right answer is that of the highest `wanted`, up to some noise."""
    random = np.random.default_rng([seed, moment, strangers])
    features = random.random((n * N_CANDIDATES, len(NAMES))).astype(np.float32)
    if strangers:
        features[:, 0] = np.nan
    labels = np.zeros(len(features), np.int8)
    for request in range(n):
        span = slice(request * N_CANDIDATES, (request + 1) * N_CANDIDATES)
        told = features[span, NAMES.index(wanted)] + random.normal(0, 0.05, N_CANDIDATES)
        labels[span.start + int(np.argmax(told))] = 1
    return RankingTable(
        features, labels, np.full(n, N_CANDIDATES), np.ones(n, np.int64), 0, NAMES, np.full(n, moment, np.int64)
    )


def joined(*tables: RankingTable) -> RankingTable:
    def column(name: str) -> Any:
        return np.concatenate([getattr(table, name) for table in tables])

    return RankingTable(
        column("features"), column("labels"), column("groups"), column("n_relevant"), 0, NAMES, column("moments")
    )


def by(name: str) -> Scorer:
    return lambda features: features[:, NAMES.index(name)]


def at_two_moments(n_strangers: int, *, known_by: str = "noise") -> RankingTable:
    return joined(
        *(
            part
            for moment in (0, 1)
            for part in (
                requests(n_strangers, strangers=True, moment=moment),
                requests(200, strangers=False, moment=moment, wanted=known_by),
            )
        )
    )


def test_the_feature_that_served_strangers_best_is_taken_where_the_ranker_is_worse() -> None:
    table = at_two_moments(ENOUGH)
    order, about = StrangersOrder.choose(table, lambda _: by("noise"))
    assert order is not None
    assert about["model"] == "popularity_7d"
    assert about["n_requests"] == 2 * ENOUGH
    assert about["held_out_ndcg"]["popularity_7d"] > about["held_out_ndcg"]["ranker"]


def test_a_ranker_that_is_as_good_keeps_its_strangers() -> None:
    table = at_two_moments(ENOUGH)
    order, about = StrangersOrder.choose(table, lambda _: by("popularity_7d"))
    assert order is None
    assert about["model"] == "ranker"


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(at_two_moments(ENOUGH - 1, known_by="popularity_7d"), id="too few strangers"),
        pytest.param(requests(400, strangers=True, moment=0), id="one moment"),
        pytest.param(requests(400, strangers=False, moment=0), id="no strangers"),
    ],
)
class TestWhereNobodyCouldTell:
    def test_a_ranker_that_learned_from_others_does_not_serve_strangers(self, table: RankingTable) -> None:
        order, about = StrangersOrder.choose(table, lambda _: by("noise"))
        assert order is not None
        assert about["model"] == NAMES[order.ordered_by] == "popularity_7d"
        assert "held_out_ndcg" not in about

    def test_a_rule_that_learned_nothing_keeps_them(self, table: RankingTable) -> None:
        order, about = StrangersOrder.choose(table, lambda _: by("noise"), unproven=True)
        assert order is None
        assert about["model"] == "ranker"


def test_only_strangers_are_ordered_by_it() -> None:
    order = StrangersOrder(known_by=0, ordered_by=1)
    features = np.array([[np.nan, 3, 0, 0, 0], [0.5, 4, 0, 0, 0], [np.nan, np.nan, 0, 0, 0]], np.float32)
    assert order.instead_of(np.array([7, 8, 9], np.float32), features).tolist() == [3, 8, 0]


def test_fusion_keeps_it_in_the_version(tmp_path: Path) -> None:
    # Known users want what has a high `noise`; trees of few requests carry that over to strangers, who do not.
    table = at_two_moments(60)
    ranker = Fusion(Fusion.Config(model="linear"))
    about = ranker.fit(table, seed=0, report=lambda _: None)
    assert about["strangers"]["model"] == "popularity_7d"
    ranker.save(tmp_path)
    assert json.loads((tmp_path / CHOICE_FILE).read_text())["strangers"] == {"known_by": 0, "ordered_by": 1}
    again = Fusion(Fusion.Config(model="linear"))
    again.load(tmp_path)
    strangers = requests(5, strangers=True, moment=2)
    np.testing.assert_array_equal(again.rank(strangers.features), strangers.column("popularity_7d"))
    known = requests(5, strangers=False, moment=2)
    assert not np.array_equal(again.rank(known.features), known.column("popularity_7d"))
    np.testing.assert_allclose(again.rank(known.features), ranker.rank(known.features), rtol=1e-5)


def test_the_ranker_is_judged_on_a_moment_that_it_did_not_see() -> None:
    table, seen = at_two_moments(ENOUGH), []

    def learn(some: RankingTable) -> Scorer:
        seen.append(np.unique(some.moments).tolist())
        return by("noise")

    StrangersOrder.choose(table, learn)
    assert seen == [[1]]
