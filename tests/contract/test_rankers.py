"""Every built-in ranker keeps the contract."""

from dataclasses import replace

import numpy as np
import pytest

from shelfwise.neural.ranking.settings import RankingOptions
from shelfwise.rank import fusion
from shelfwise.rank.fusion import Fusion
from shelfwise.rank.multi_objective import MultiObjective
from shelfwise.rank.ranker import Ranker, RankingTable
from shelfwise.testing.rankers import N_CANDIDATES, N_REQUESTS, RankerContract, planted


class TestFusion(RankerContract):
    def make(self) -> Ranker:
        return Fusion(Fusion.Config())

    def test_says_what_it_chose_and_how_the_others_did(self) -> None:
        about = Fusion(Fusion.Config()).fit(planted(), seed=0, report=lambda _: None)
        assert about["model"] in {"trees", "linear"}
        assert set(about["held_out_ndcg"]) == {"reciprocal", "linear", "trees"}
        assert about["held_out_ndcg"][about["model"]] == max(about["held_out_ndcg"].values())


class TestFusionByTrees(RankerContract):
    def make(self) -> Ranker:
        return Fusion(Fusion.Config(model="trees"))


class TestFusionByRegression(RankerContract):
    def make(self) -> Ranker:
        return Fusion(Fusion.Config(model="linear"))


class TestMultiObjective(RankerContract):
    def make(self) -> Ranker:
        return MultiObjective(RankingOptions(epochs=12))


def test_the_setting_overrides_the_choice() -> None:
    for model in ("trees", "linear", "reciprocal"):
        about = Fusion(Fusion.Config(model=model)).fit(planted(), seed=0, report=lambda _: None)
        assert about["model"] == model


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ValueError, match="model"):
        Fusion.Config.model_validate({"model": "forest"})


def later(seed: int) -> RankingTable:
    """A moment at which something else tells which candidate is right: what was noise."""
    table = planted(seed)
    features = table.features.copy()
    features[:, [3, 4]] = features[:, [4, 3]]
    return replace(table, features=features)


def hits(ranker: Ranker, table: RankingTable) -> float:
    scores = ranker.rank(table.features).reshape(N_REQUESTS, N_CANDIDATES)
    right = table.labels.reshape(N_REQUESTS, N_CANDIDATES).argmax(axis=1)
    return float(np.mean(scores.argmax(axis=1) == right))


def test_trees_go_on_to_a_newer_moment_beside_what_they_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fusion, "ENOUGH_NEWS", N_REQUESTS)
    monkeypatch.setattr(fusion, "NEWEST_SHARE", 1.0)
    kept = Fusion(Fusion.Config(model="trees"))
    kept.fit(planted(), seed=0, report=lambda _: None)
    old, new = planted(seed=1), later(seed=1)
    was_old, was_new = hits(kept, old), hits(kept, new)
    found = kept.go_on(later(seed=2), seed=0, report=lambda _: None)
    assert kept.goes_on and hits(found, new) > was_new + 0.2
    assert hits(found, old) > was_old / 2  # what is new alone would say 1 in 30
    assert (hits(kept, old), hits(kept, new)) == (was_old, was_new)


def test_trees_keep_to_what_they_know_where_little_is_new() -> None:
    kept = Fusion(Fusion.Config(model="trees"))
    kept.fit(planted(), seed=0, report=lambda _: None)
    assert N_REQUESTS < fusion.ENOUGH_NEWS
    assert kept.go_on(later(seed=2), seed=0, report=lambda _: None) is kept


@pytest.mark.parametrize(
    "ranker",
    [Fusion(Fusion.Config(model="linear")), Fusion(Fusion.Config(model="reciprocal"))],
)
def test_who_makes_no_use_of_a_newer_moment_says_so(ranker: Fusion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fusion, "ENOUGH_NEWS", 1)
    ranker.fit(planted(), seed=0, report=lambda _: None)
    assert not ranker.goes_on and ranker.go_on(later(seed=2), seed=0, report=lambda _: None) is ranker
