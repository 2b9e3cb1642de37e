"""Versions side by side: what differs, what is certain, and what to do where nothing can be said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.config.shop import EvaluateSpec, ShopConfig
from shelfwise.errors import InputError
from shelfwise.evaluate.compare import compare
from shelfwise.evaluate.of_version import as_trained, is_as_trained
from shelfwise.metrics import holm, paired_difference
from shelfwise.store.evaluations import Evaluations
from shelfwise.store.versions import Version

N = 400
OPTIONS = EvaluateSpec(n_resamples=500)


def version(name: str, **config: Any) -> Version:
    manifest = {
        "created_at": "2026-11-25T10:00:00+00:00",
        "shelfwise": "0.1.0",
        "data": {"n_events": 10, "n_items": 4, "n_users": 3, "fingerprint": "d1"},
        "has_clock": True,
        "log_end_ms": 1_700_000_000_001,
        "config": {"version": 1, **config},
        "seconds": 3.5,
        "seconds_by_stage": {"read": 0.5, "rank": 3.0},
    }
    return Version(name, Path(name), manifest, name == "a")


@pytest.fixture
def evaluations(tmp_path: Path) -> Evaluations:
    return Evaluations(tmp_path)


def ndcg(seed: int, lift: float = 0.0) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Answers to the same questions: alike, since questions are easy or hard, with some chance."""
    hard = np.random.default_rng(0).random(N)
    return np.clip(hard + lift + np.random.default_rng(seed).normal(0, 0.1, N), 0, 1).astype(np.float32)


def keep(
    evaluations: Evaluations,
    name: str,
    values: np.ndarray[Any, Any],
    *,
    questions: str = "q1",
    k: int = 10,
    data: str = "d1",
    protocol: str = "time-split",
    at: str = "2026-11-25T11:00:00",
) -> None:
    estimate = {"mean": float(values.mean()), "low": 0.0, "high": 1.0}
    report = {
        "protocol": protocol,
        "k": k,
        "n_users": len(values),
        "questions": questions,
        "evaluated_at": at,
        "data": {"fingerprint": data},
        "rows": [{"model": "shelfwise", "metrics": {"ndcg": estimate}}],
    }
    evaluations.put(name, f"{protocol}-at-{k}", report, {"user_rows": np.arange(len(values)), "ndcg": values})


class TestDifferences:
    def test_are_those_of_the_paired_test_against_the_first(self, evaluations: Evaluations) -> None:
        keep(evaluations, "a", ndcg(1))
        keep(evaluations, "b", ndcg(2, 0.05))
        found = compare([version("a"), version("b")], evaluations, OPTIONS)
        (difference,) = found.differences
        wanted = paired_difference(ndcg(2, 0.05), ndcg(1), n_resamples=500, seed=0)
        assert (difference.version, difference.against, difference.n_users) == ("b", "a", N)
        assert (difference.mean, difference.low, difference.high) == (wanted.mean_difference, wanted.low, wanted.high)
        assert difference.low > 0
        assert difference.p_adjusted == difference.p_value == wanted.p_value < 0.01
        assert found.notes == []

    def test_of_several_are_corrected_by_holm(self, evaluations: Evaluations) -> None:
        for place, (name, lift) in enumerate((("a", 0.0), ("b", 0.05), ("c", 0.006), ("d", 0.0))):
            keep(evaluations, name, ndcg(place, lift))
        found = compare([version(name) for name in "abcd"], evaluations, OPTIONS).differences
        raw = np.array([one.p_value for one in found])
        assert [one.version for one in found] == ["b", "c", "d"]
        assert [one.p_adjusted for one in found] == holm(raw).tolist()
        assert any(one.p_adjusted > one.p_value for one in found)

    def test_a_first_one_that_finds_nothing_has_no_relative_gain(self, evaluations: Evaluations) -> None:
        keep(evaluations, "a", np.zeros(N, np.float32))
        keep(evaluations, "b", ndcg(2))
        (difference,) = compare([version("a"), version("b")], evaluations, OPTIONS).differences
        assert difference.relative is None
        assert difference.mean > 0

    @pytest.mark.parametrize(
        ("changed", "why"),
        [
            ({"questions": "q2", "data": "d2"}, "events or items came in between"),
            ({"questions": "q2"}, "what may be shown"),
            ({"k": 5}, "a by time-split at 10, b by time-split at 5"),
            ({"protocol": "leave-one-out", "questions": "q2"}, "b by leave-one-out at 10"),
        ],
    )
    def test_between_different_questions_are_not_shown(
        self, evaluations: Evaluations, changed: dict[str, Any], why: str
    ) -> None:
        keep(evaluations, "a", ndcg(1))
        keep(evaluations, "b", ndcg(2), **changed)
        found = compare([version("a"), version("b")], evaluations, OPTIONS)
        assert found.differences == []
        (note,) = found.notes
        assert "a and b were asked different questions" in note
        assert why in note
        assert "`shelfwise evaluate --version b`" in note
        assert all(column.measured for column in found.columns)

    def test_of_several_evaluations_those_count_that_are_shared(self, evaluations: Evaluations) -> None:
        keep(evaluations, "a", ndcg(1), k=10, at="2026-11-25T11:00:00")
        keep(evaluations, "a", ndcg(1), k=5, at="2026-11-25T12:00:00")
        keep(evaluations, "b", ndcg(2), k=10, at="2026-11-25T10:00:00")
        found = compare([version("a"), version("b")], evaluations, OPTIONS)
        assert [column.measured and column.measured.k for column in found.columns] == [10, 10]
        assert len(found.differences) == 1

    def test_nobody_was_evaluated(self, evaluations: Evaluations) -> None:
        found = compare([version("a"), version("b")], evaluations, OPTIONS)
        assert found.differences == []
        assert [f"`shelfwise evaluate --version {name}`" in note for name, note in zip("ab", found.notes, strict=True)]

    def test_only_the_first_was_not_evaluated(self, evaluations: Evaluations) -> None:
        keep(evaluations, "b", ndcg(2))
        found = compare([version("a"), version("b")], evaluations, OPTIONS)
        assert found.differences == []
        assert found.notes == ["a was not evaluated: run `shelfwise evaluate --version a`"]


class TestConfiguration:
    def test_shows_keys_that_differ_and_no_other(self, evaluations: Evaluations) -> None:
        a = version("a", rank={"use": "fusion", "n_trees": 100}, behaviour={"history": 20})
        b = version("b", rank={"use": "fusion"}, behaviour={"history": 20}, track={"use": "none"}, serve={"port": 1})
        assert compare([a, b], evaluations, OPTIONS).configuration == {"rank.n_trees": [100, 400]}

    def test_a_default_that_is_written_down_is_no_difference(self, evaluations: Evaluations) -> None:
        a, b = version("a", rank={"use": "fusion", "n_trees": 400}), version("b")
        assert compare([a, b], evaluations, OPTIONS).configuration == {}

    def test_a_component_that_is_gone_is_compared_as_it_was_written(self, evaluations: Evaluations) -> None:
        a = version("a", rank={"use": "gone.package:Ranker", "depth": 3})
        found = compare([a, version("b")], evaluations, OPTIONS).configuration
        assert found["rank.use"][0] == "gone.package:Ranker"
        assert found["rank.depth"] == [3, None]

    def test_logins_stay_secret(self, evaluations: Evaluations) -> None:
        a = version("a", store={"records": "postgresql://shop:hush@a/x"})
        found = compare([a, version("b", store={"records": "postgresql://shop:hush@b/x"})], evaluations, OPTIONS)
        assert found.configuration == {"store.records": ["postgresql://***@a/x", "postgresql://***@b/x"]}


def test_what_a_version_does_not_say_is_unknown(evaluations: Evaluations) -> None:
    bare = Version("b", Path("b"), {"config": {"version": 1}}, False)
    first, second = compare([version("a"), bare], evaluations, OPTIONS).columns
    assert first.data["last_event_at"] == "2023-11-14T22:13:20+00:00"
    assert first.seconds_by_stage == {"read": 0.5, "rank": 3.0}
    assert (second.created_at, second.seconds, second.data, second.seconds_by_stage) == (None, None, {}, {})


@pytest.mark.parametrize("names", [(), ("a",), ("a", "a"), ("a", "b", "a")])
def test_fewer_than_two_different_versions(evaluations: Evaluations, names: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="two or more different versions"):
        compare([version(name) for name in names], evaluations, OPTIONS)


class TestRecipes:
    def test_a_version_is_measured_as_it_was_trained_and_asked_as_the_shop_says(self) -> None:
        trained = version("a", rank={"use": "fusion", "n_trees": 7}, evaluate={"test_d": 3.0})
        config = ShopConfig.model_validate({"version": 1, "evaluate": {"test_d": 9.0}, "store": {"models": "m"}})
        found = as_trained(config, trained)
        assert found.rank.options == {"n_trees": 7}
        assert found.evaluate.test_d == 9.0
        assert found.store.models == "m"
        assert is_as_trained(found, trained)
        assert not is_as_trained(config, trained)

    def test_what_another_release_wrote_is_not_the_same(self) -> None:
        assert not is_as_trained(ShopConfig(version=1), version("a", no_such_table={}))
