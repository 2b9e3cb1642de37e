"""Weights move what they should, floors are kept, and the whole equals its literal definition on small sets."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfwise.config.objectives import REVENUE
from shelfwise.pipeline.balance import Values, balance

NAMES = ("click", "cart", "purchase")


@st.composite
def tables(draw: st.DrawFn, most: int = 12) -> Values:
    n = draw(st.integers(1, most))
    # Few distinct values, so that equals are common.
    cells = draw(st.lists(st.integers(0, 8), min_size=n * len(NAMES), max_size=n * len(NAMES)))
    return Values(NAMES, (np.array(cells, np.float32).reshape(n, len(NAMES)) / 16).astype(np.float32))


amounts = st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0, 8.0])
weights_of = st.fixed_dictionaries(dict.fromkeys(NAMES, amounts))
lengths = st.integers(1, 6)


def brought(values: Values, scores: np.ndarray, k: int) -> dict[str, float]:
    return dict(zip(values.names, values.sums(scores, k).tolist(), strict=True))


@given(tables(), weights_of, st.sampled_from(NAMES), st.sampled_from([0.25, 1.0, 16.0]), lengths)
@settings(max_examples=300, deadline=None)
def test_raising_a_weight_never_lowers_what_the_slate_brings_of_it(
    values: Values, weights: dict[str, float], name: str, more: float, k: int
) -> None:
    before = brought(values, balance(values, weights, {}, k).scores, k)
    raised = {**weights, name: weights[name] + more}
    after = brought(values, balance(values, raised, {}, k).scores, k)
    assert after[name] >= before[name] - 1e-6


@given(tables(8), weights_of, lengths)
@settings(max_examples=200, deadline=None)
def test_the_slate_is_the_set_of_the_largest_weighted_sum(values: Values, weights: dict[str, float], k: int) -> None:
    n = len(values.table)
    worth = values.table @ np.array([weights[name] for name in NAMES], np.float32)
    best = max(float(worth[list(chosen)].sum()) for chosen in combinations(range(n), min(k, n)))
    found = brought(values, balance(values, weights, {}, k).scores, k)
    assert sum(weights[name] * found[name] for name in NAMES) == pytest.approx(best, abs=1e-4)


@given(tables(), weights_of, st.sampled_from(NAMES), st.sampled_from([0.3, 0.7, 0.95, 1.0]), lengths)
@settings(max_examples=300, deadline=None)
def test_one_floor_is_always_kept(values: Values, weights: dict[str, float], name: str, floor: float, k: int) -> None:
    found = balance(values, weights, {name: floor}, k)
    assert found.missed == {}
    assert brought(values, found.scores, k)[name] >= floor * values.best(name, k) - 1e-5


@given(tables(), weights_of, st.sampled_from([0.1, 0.5]), lengths)
@settings(max_examples=100, deadline=None)
def test_a_floor_that_is_kept_anyway_changes_nothing(
    values: Values, weights: dict[str, float], floor: float, k: int
) -> None:
    free = balance(values, weights, {}, k).scores
    if brought(values, free, k)["cart"] >= floor * values.best("cart", k):
        np.testing.assert_array_equal(balance(values, weights, {"cart": floor}, k).scores, free)


def test_floors_that_contradict_each_other_are_named_and_the_nearest_slate_is_shown() -> None:
    values = Values(("click", "purchase"), np.array([[1, 0], [0.6, 0.6], [0, 1]], np.float32))
    found = balance(values, {"click": 1.0}, {"click": 1.0, "purchase": 1.0}, 1)
    assert found.missed
    assert set(found.missed) <= {"click", "purchase"}
    assert all(0 <= share < 1 for share in found.missed.values())


def test_several_floors_that_can_be_kept_are() -> None:
    values = Values(("click", "purchase"), np.array([[1, 0], [0.7, 0.7], [0, 1]], np.float32))
    found = balance(values, {"click": 1.0}, {"click": 0.6, "purchase": 0.6}, 1)
    assert found.missed == {}
    assert int(np.argmax(found.scores)) == 1


def test_revenue_is_the_price_times_the_probability_of_a_purchase_and_unknown_prices_bring_none() -> None:
    prices = np.array([10, np.nan, 3], np.float32)
    values = Values.of(("click", "purchase"), np.array([[0.5, 0.1], [0.5, 0.9], [0.5, 0.2]], np.float32), prices)
    assert values.names == ("click", "purchase", REVENUE)
    np.testing.assert_allclose(values.table[:, 2], [1.0, 0.0, 0.6], rtol=1e-6)
    assert Values.of(("click",), np.ones((3, 1), np.float32), prices).names == ("click",)
