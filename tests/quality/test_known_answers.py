"""On a shop whose right answers follow from its construction, the whole funnel finds them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.training_data import TrainingData
from shelfwise.evaluate.report import EvaluationReport
from shelfwise.evaluate.run import evaluate
from shelfwise.pipeline.fitted import Fitted
from shelfwise.pipeline.funnel import allowed_for
from shelfwise.testing.retrievers import situation
from shelfwise.testing.small_shop import GROUP_SIZE, N_COLD, N_GROUPS, N_ITEMS, small_shop
from shelfwise.train.fit import fit

CONFIG = ShopConfig(version=1)


def silent(*_: Any) -> None:
    """No progress."""


def everybody(data: TrainingData) -> Any:
    return np.ones(data.interactions.n_users, bool)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return small_shop()


@pytest.fixture(scope="module")
def fitted(data: TrainingData) -> Fitted:
    return fit(CONFIG, data, everybody(data), silent)


def test_what_comes_next_is_in_the_top_three(data: TrainingData, fitted: Fitted) -> None:
    """Whoever walked through three items of a group turns to the next one, wherever they are."""
    n_found, asked_for = 0, 0
    for group in range(N_GROUPS):
        for place in range(GROUP_SIZE):
            walk = [group * GROUP_SIZE + (place + step) % GROUP_SIZE for step in range(4)]
            if max(walk) >= N_ITEMS - N_COLD:
                continue
            asked = situation(data, walk[:3])
            allowed = allowed_for(np.ones(N_ITEMS, bool), asked, repeats=fitted.repeats)
            n_found += walk[3] in fitted.funnel.rank(asked, allowed).rows[:3]
            asked_for += 1
    assert asked_for > 60
    assert n_found / asked_for >= 0.9


def test_the_whole_slate_stays_in_the_users_group(data: TrainingData, fitted: Fitted) -> None:
    for group in range(N_GROUPS - 1):
        asked = situation(data, [group * GROUP_SIZE, group * GROUP_SIZE + 1])
        allowed = allowed_for(np.ones(N_ITEMS, bool), asked, repeats=False)
        top = fitted.funnel.rank(asked, allowed).rows[:5]
        assert np.mean(top // GROUP_SIZE == group) >= 0.8, group


def test_items_that_nobody_touched_are_found_by_their_text(data: TrainingData, fitted: Fitted) -> None:
    cold = np.arange(N_ITEMS - N_COLD, N_ITEMS)
    asked = situation(data, [72, 73, 74])
    ranked = fitted.funnel.rank(asked, allowed_for(np.ones(N_ITEMS, bool), asked, repeats=False))
    assert np.isin(cold, ranked.rows).all()


def test_repeats_are_as_the_shop_says() -> None:
    for wanted, repeats in (("allow", True), ("exclude", False)):
        config = ShopConfig.model_validate({"version": 1, "behaviour": {"repeats": wanted}})
        assert fit(config, small_shop(n_users=80), np.ones(80, bool), silent).repeats is repeats


def test_fitting_twice_gives_the_same_model(data: TrainingData, fitted: Fitted) -> None:
    again = fit(CONFIG, data, everybody(data), silent)
    asked = situation(data, [33, 34])
    one, two = (found.funnel.rank(asked, np.ones(N_ITEMS, bool)) for found in (fitted, again))
    assert one.rows.tolist() == two.rows.tolist()
    np.testing.assert_allclose(one.scores, two.scores, rtol=1e-6)


@pytest.fixture(scope="module", params=["time-split", "leave-one-out"])
def report(request: pytest.FixtureRequest, data: TrainingData) -> EvaluationReport:
    return evaluate(fit, CONFIG, data, everybody(data), request.param, 10, silent)


class TestEvaluation:
    """Bands with two sides: too good is as suspicious as too bad."""

    def test_ours_is_far_ahead_of_popularity(self, report: EvaluationReport) -> None:
        ndcg = {row.model: row.metrics["ndcg"].mean for row in report.rows}
        assert report.rows[0].model == "shelfwise"
        assert ndcg["shelfwise"] > 2 * ndcg["popularity"]
        assert ndcg["shelfwise"] >= 0.95 * max(ndcg.values())

    def test_every_number_lies_in_its_band(self, report: EvaluationReport) -> None:
        bands: dict[tuple[str, str], dict[str, tuple[float, float]]] = {
            # One step in ten goes anywhere, so nothing can be perfect.
            ("leave-one-out", "shelfwise"): {"ndcg": (0.75, 0.93), "recall": (0.83, 0.97), "mrr": (0.7, 0.93)},
            ("leave-one-out", "popularity"): {"ndcg": (0.02, 0.1), "recall": (0.06, 0.2), "mrr": (0.01, 0.08)},
            # Most of those who are asked by time begin their walk after the cut: nobody can know where.
            ("time-split", "shelfwise"): {"ndcg": (0.2, 0.4), "recall": (0.24, 0.42), "mrr": (0.24, 0.45)},
            ("time-split", "popularity"): {"ndcg": (0.04, 0.16), "recall": (0.06, 0.2), "mrr": (0.08, 0.24)},
        }
        for row in report.rows:
            for metric, (low, high) in bands.get((report.protocol, row.model), {}).items():
                found = row.metrics[metric]
                assert low <= found.mean <= high, (report.protocol, row.model, metric, found)
                assert found.low <= found.mean <= found.high
                assert 0 < found.high - found.low < 0.2

    def test_the_baselines_were_tuned(self, report: EvaluationReport) -> None:
        tried = {row.model: row.n_tried for row in report.rows}
        assert tried["popularity"] == 6
        assert tried["item-kNN"] >= 6
        assert [row.metrics["ndcg"].mean for row in report.rows[1:]] == sorted(
            (row.metrics["ndcg"].mean for row in report.rows[1:]), reverse=True
        )
        assert report.comparison.against == report.rows[1].model

    def test_the_catalogue_is_covered_as_a_shop_of_groups_is(self, report: EvaluationReport) -> None:
        by_model = {row.model: row for row in report.rows}
        assert by_model["shelfwise"].coverage > 0.8
        assert by_model["popularity"].coverage < 0.6
        assert by_model["shelfwise"].gini < by_model["popularity"].gini
        assert 0 <= (by_model["shelfwise"].intra_list_distance or -1) <= 2

    def test_slices_are_parts_of_the_questions(self, report: EvaluationReport) -> None:
        by_users = [part for part in report.slices if part.name.startswith("users")]
        assert sum(part.n for part in by_users) == report.n_users
        mean = sum(part.n * part.ndcg["shelfwise"] for part in by_users) / report.n_users
        assert mean == pytest.approx(report.rows[0].metrics["ndcg"].mean, abs=1e-6)
        assert all(part.n for part in report.slices)
