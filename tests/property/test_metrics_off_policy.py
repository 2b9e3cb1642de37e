"""The estimators of other policies' values equal their definitions, and are right on the average."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from shelfwise.metrics.off_policy import (
    doubly_robust,
    effective_slates,
    inverse_propensity,
    running_weights,
    self_normalised,
)

unit = st.floats(0.05, 1.0)


@st.composite
def logs(draw: st.DrawFn) -> dict[str, np.ndarray]:
    n, length = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    has = np.arange(length) < np.array([[draw(st.integers(1, length))] for _ in range(n)])

    def table(values: st.SearchStrategy[float], fill: float) -> np.ndarray:
        return np.where(has, draw(arrays.arrays(float, (n, length), elements=values)), fill)

    return {
        "has": has.astype(float),
        "logged": table(unit, 1.0),
        "target": table(st.floats(0, 1), 1.0),
        "rewards": table(st.sampled_from([0.0, 1.0, 2.5]), 0.0),
        "of_logged": table(unit, 0.0),
        "of_target": table(unit, 0.0),
    }


@given(logs())
def test_estimators_equal_their_definitions(log: dict[str, np.ndarray]) -> None:
    n, length = log["rewards"].shape
    weights = running_weights(log["target"], log["logged"])
    w = [[1.0] * length for _ in range(n)]
    for slate in range(n):
        running = 1.0
        for place in range(length):
            running = running * log["target"][slate, place] / log["logged"][slate, place]
            w[slate][place] = running
    ips = sum(w[b][j] * log["rewards"][b, j] for b in range(n) for j in range(length)) / n
    assert inverse_propensity(log["rewards"], weights, n_resamples=50).value == pytest.approx(ips)
    snips = 0.0
    for j in range(length):
        total = sum(w[b][j] for b in range(n) if log["has"][b, j])
        if total > 0:
            brought = sum(w[b][j] * log["rewards"][b, j] for b in range(n) if log["has"][b, j])
            snips += brought / total * sum(log["has"][:, j]) / n
    found = self_normalised(log["rewards"], weights, log["has"], n_resamples=50)
    assert found.value == pytest.approx(snips)
    robust = 0.0
    for b in range(n):
        for j in range(length):
            before = 1.0 if j == 0 else w[b][j - 1]
            robust += before * log["of_target"][b, j]
            robust += w[b][j] * (log["rewards"][b, j] - log["of_logged"][b, j])
    found = doubly_robust(log["rewards"], weights, log["of_logged"], log["of_target"], n_resamples=50)
    assert found.value == pytest.approx(robust / n)
    last = [w[b][int(sum(log["has"][b])) - 1] for b in range(n)]
    if sum(one * one for one in last) > 1e-200:
        effective = sum(last) ** 2 / sum(one * one for one in last)
        assert effective_slates(weights, log["has"]) == pytest.approx(effective)


@given(logs())
def test_the_policy_of_the_log_itself_is_worth_what_it_brought(log: dict[str, np.ndarray]) -> None:
    weights = running_weights(log["logged"], log["logged"])
    brought = pytest.approx(log["rewards"].sum(axis=1).mean())
    assert inverse_propensity(log["rewards"], weights, n_resamples=50).value == brought
    assert self_normalised(log["rewards"], weights, log["has"], n_resamples=50).value == brought


@pytest.mark.parametrize("model", ["none", "wrong", "right"])
def test_right_on_the_average_over_every_slate_that_may_be_drawn(model: str) -> None:
    """Two positions, three items, all six slates with their chances: the mean estimate is the true value."""
    random = np.random.default_rng(0)
    logged_first, target_first = (random.dirichlet(np.ones(3)) for _ in range(2))
    logged_next, target_next = (random.dirichlet(np.ones(2), 3) for _ in range(2))
    reward = random.uniform(0, 1, (2, 3, 3))  # of the item at a position, given the one above
    true = 0.0
    expected = 0.0
    for first, choice in product(range(3), range(2)):
        second = [item for item in range(3) if item != first][choice]
        chance = logged_first[first] * logged_next[first, choice]
        rewards = np.array([[reward[0, first, first], reward[1, first, second]]])
        true += target_first[first] * target_next[first, choice] * rewards.sum()
        logged = np.array([[logged_first[first], logged_next[first, choice]]])
        target = np.array([[target_first[first], target_next[first, choice]]])
        weights = running_weights(target, logged)
        if model == "none":
            expected += chance * inverse_propensity(rewards, weights, n_resamples=1).value
            continue
        guess = reward if model == "right" else np.full_like(reward, 0.3) + np.arange(3) / 10
        others = [item for item in range(3) if item != first]
        of_target = np.array(
            [
                [
                    sum(target_first[item] * guess[0, item, item] for item in range(3)),
                    sum(target_next[first, at] * guess[1, first, item] for at, item in enumerate(others)),
                ]
            ]
        )
        of_logged = np.array([[guess[0, first, first], guess[1, first, second]]])
        expected += chance * doubly_robust(rewards, weights, of_logged, of_target, n_resamples=1).value
    assert expected == pytest.approx(true)


def test_what_cannot_be_judged_is_refused() -> None:
    ones = np.ones((2, 2))
    with pytest.raises(ValueError, match="never does"):
        running_weights(ones, ones * 0)
    with pytest.raises(ValueError, match=r"shape \(2, 2\) and \(2, 1\)"):
        running_weights(ones, ones[:, :1])
    with pytest.raises(ValueError, match="empty"):
        inverse_propensity(ones[:0], ones[:0])
