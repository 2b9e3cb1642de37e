"""Every built-in ranker keeps the contract."""

import pytest

from shelfwise.neural.ranking.settings import RankingOptions
from shelfwise.rank.fusion import Fusion
from shelfwise.rank.multi_objective import MultiObjective
from shelfwise.rank.ranker import Ranker
from shelfwise.testing.rankers import RankerContract, planted


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
