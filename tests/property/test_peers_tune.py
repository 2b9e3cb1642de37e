"""Tuning keeps to its budget, and returns the best of what it tried."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from peers.tune import Budget, search

AXES = {"a": (0, 1, 2), "b": (0, 1), "c": (0, 1, 2)}
ALL = len(AXES["a"]) * len(AXES["b"]) * len(AXES["c"])


@given(values=st.lists(st.integers(0, 5), min_size=ALL, max_size=ALL), n_trials=st.integers(1, 30))
def test_every_trial_is_new_and_the_best_is_chosen(values: list[int], n_trials: int) -> None:
    tried: list[tuple[int, ...]] = []

    def attempt(settings: dict[str, Any]) -> float:
        tried.append(tuple(settings.values()))
        return values[settings["a"] * 6 + settings["b"] * 3 + settings["c"]]

    found = search(AXES, attempt, Budget(n_trials, 1e9))

    assert len(tried) == len(set(tried)) == len(found.trials) <= n_trials
    assert found.trials[found.best].ndcg == max(trial.ndcg for trial in found.trials)
    assert found.ended == "trials" or len(tried) <= ALL
    if found.ended == "all tried":
        best = found.trials[found.best].settings
        for name, axis in AXES.items():  # no single step leads higher
            for value in axis:
                step = {**best, name: value}
                assert values[step["a"] * 6 + step["b"] * 3 + step["c"]] <= found.trials[found.best].ndcg


@given(cpu_s=st.integers(1, 12))
def test_time_ends_it_after_the_trial_that_was_begun(cpu_s: int) -> None:
    clock = [0.0]

    def attempt(settings: dict[str, Any]) -> float:
        clock[0] += 2.0
        return float(sum(settings.values()))

    found = search(AXES, attempt, Budget(100, cpu_s), cpu_s=lambda: clock[0])

    if found.ended == "time":
        assert len(found.trials) == -(-cpu_s // 2)
    else:
        assert 2 * len(found.trials) <= cpu_s + 1


def test_settings_that_make_no_difference_are_not_tried() -> None:
    tried: list[dict[str, Any]] = []

    def attempt(settings: dict[str, Any]) -> float:
        tried.append(settings)
        return 0.0

    found = search(AXES, attempt, Budget(), matters=lambda name, settings: name != "c")

    assert {settings["c"] for settings in tried} == {0}
    assert len(tried) == 4
    assert found.ended == "all tried"
