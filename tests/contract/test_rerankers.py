"""Every built-in reranker keeps the contract."""

from dataclasses import replace

import numpy as np
import pytest

from shelfwise.config.shop import ShopConfig
from shelfwise.errors import ConfigError
from shelfwise.pipeline.components import build_rerankers
from shelfwise.rerank import BUILTIN
from shelfwise.rerank.brakes import Fresh, Tail
from shelfwise.rerank.calibrated import Calibrated
from shelfwise.rerank.coverage import Coverage
from shelfwise.rerank.dpp import DPP
from shelfwise.rerank.exposure import Exposure
from shelfwise.rerank.mmr import MMR
from shelfwise.rerank.relevance import relevance
from shelfwise.rerank.reranker import Reranker
from shelfwise.rerank.window import Window
from shelfwise.testing.rerankers import DiverseContract, RerankerContract, TradingContract, listed


class TestMMR(DiverseContract):
    def make(self) -> Reranker:
        return MMR(MMR.Config())


class TestMMRAgainstTheNearest(TradingContract):
    def make(self) -> Reranker:
        return MMR(MMR.Config(against="nearest"))


class TestDPP(DiverseContract):
    def make(self) -> Reranker:
        return DPP(DPP.Config())


class TestCoverage(TradingContract):
    def make(self) -> Reranker:
        return Coverage(Coverage.Config())


class TestCalibrated(TradingContract):
    def make(self) -> Reranker:
        return Calibrated(Calibrated.Config())

    def test_a_stranger_has_no_mix_to_follow(self) -> None:
        asked = replace(listed(n_history=0), diversity=1.0)
        assert self.make().rerank(asked).order.tolist() == list(range(60))


class TestTail(TradingContract):
    def make(self) -> Reranker:
        return Tail(Tail.Config())


class TestFresh(TradingContract):
    def make(self) -> Reranker:
        return Fresh(Fresh.Config())

    def test_without_a_clock_nothing_is_known_of_age(self) -> None:
        asked = replace(listed(), diversity=1.0)
        asked.facts.state.first_ms[:] = -1
        assert self.make().rerank(asked).order.tolist() == list(range(60))


class TestExposure(RerankerContract):
    def make(self) -> Reranker:
        return Exposure(Exposure.Config(by="brand"))

    def test_nobody_is_due_anything_where_nothing_is_asked(self) -> None:
        assert Exposure(Exposure.Config(by="brand", least=0)).rerank(listed()).order.tolist() == list(range(60))

    def test_on_the_average_each_group_gets_its_share_of_merit(self) -> None:
        asked, k = listed(4), 10
        codes = asked.codes("brand")
        worth = relevance(60)
        got = np.zeros(6)
        for draw in range(2_000):
            order = self.make().rerank(replace(asked, slate_id=f"draw-{draw}")).order[:k]
            got += np.bincount(codes[order][codes[order] >= 0], minlength=6)
        merits = np.array([worth[codes == brand].sum() for brand in range(6)]) / worth.sum()
        # Three standard errors of a mean of counts that lie at most 1 apart.
        assert (got / 2_000 / k >= 0.8 * merits - 3 * 0.5 / np.sqrt(2_000) / k).all()


class TestWindow(RerankerContract):
    def make(self) -> Reranker:
        return Window(Window.Config(by="brand", at_most=1, window=3))

    def test_no_window_holds_more_than_it_may_while_others_are_there(self) -> None:
        asked = listed()
        order = self.make().rerank(asked).order
        shown = asked.codes("brand")[order[: asked.k]]
        for start in range(len(shown) - 2):
            named = shown[start : start + 3][shown[start : start + 3] >= 0]
            assert len(np.unique(named)) == len(named)


def test_every_built_in_reranker_can_be_named() -> None:
    tables = {name.replace("-", "_"): {"use": name} for name in BUILTIN}
    built = build_rerankers(ShopConfig.model_validate({"version": 1, "rerank": tables}))
    assert list(built) == list(tables)


def test_an_unknown_reranker_is_refused_with_the_near_name() -> None:
    config = ShopConfig.model_validate({"version": 1, "rerank": {"diverse": {"use": "mrm"}}})
    with pytest.raises(ConfigError, match="no reranker is called 'mrm'") as caught:
        build_rerankers(config)
    assert caught.value.where == "rerank.diverse.use"
    assert "mmr" in str(caught.value.hint)


def test_a_scenario_that_names_no_table_is_refused() -> None:
    with pytest.raises(ValueError, match=r"scenarios\.home\.rerank names 'divers'.*'diverse'"):
        ShopConfig.model_validate(
            {"version": 1, "rerank": {"diverse": {"use": "mmr"}}, "scenarios": {"home": {"rerank": ["divers"]}}}
        )
