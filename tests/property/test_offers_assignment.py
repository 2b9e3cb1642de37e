"""Assignments of offers against every assignment that there is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfwise.offers.assignment import Assignment, assign

Problem = tuple[np.ndarray, np.ndarray, float, np.ndarray, int]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Small enough for every assignment to be tried; numbers repeat, so that ties come."""
    n_users, n_offers = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    numbers = st.sampled_from([-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 7.25])
    costs = st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0, 3.0])
    budget = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.5, 5.0, float("inf")])
    size = n_users * n_offers
    value = np.array(draw(st.lists(numbers, min_size=size, max_size=size))).reshape(n_users, n_offers)
    cost = np.array(draw(st.lists(costs, min_size=size, max_size=size))).reshape(n_users, n_offers)
    budgets = np.array(draw(st.lists(budget, min_size=n_offers, max_size=n_offers)))
    return value, cost, draw(budget), budgets, draw(st.integers(1, 3))


def solved(problem: Problem) -> Assignment:
    value, cost, budget, budgets, per_user = problem
    return assign(value, cost, budget=budget, budgets=budgets, per_user=per_user)


def is_within(chosen: np.ndarray, problem: Problem) -> bool:
    _, cost, budget, budgets, per_user = problem
    spent = (cost * chosen).sum(axis=0)
    return bool(
        spent.sum() <= budget + 1e-6 and (spent <= budgets + 1e-6).all() and (chosen.sum(axis=1) <= per_user).all()
    )


def best_of_all(problem: Problem) -> float:
    value, _, _, _, per_user = problem
    n_users, n_offers = value.shape
    choices = [row for n in range(min(per_user, n_offers) + 1) for row in itertools.combinations(range(n_offers), n)]
    best = 0.0
    for rows in itertools.product(choices, repeat=n_users):
        chosen = np.zeros(value.shape, bool)
        for user, row in enumerate(rows):
            chosen[user, list(row)] = True
        if is_within(chosen, problem):
            best = max(best, float(value[chosen].sum()))
    return best


@settings(max_examples=400)
@given(problems())
def test_between_nothing_and_the_bound(problem: Problem) -> None:
    found = solved(problem)
    best = best_of_all(problem)
    assert is_within(found.chosen, problem)
    assert (problem[0][found.chosen] > 0).all()
    assert found.value == pytest.approx(problem[0][found.chosen].sum())
    assert found.cost == pytest.approx(problem[1][found.chosen].sum())
    assert found.value <= best + 1e-9
    assert best <= found.bound + 1e-6


@settings(max_examples=400)
@given(problems())
def test_what_is_missed_is_a_sending_a_budget(problem: Problem) -> None:
    value, _, budget, budgets, _ = problem
    n_budgets = int(np.isfinite(budget)) + int(np.isfinite(budgets).sum())
    found = solved(problem)
    assert found.value >= best_of_all(problem) - n_budgets * max(float(value.max()), 0.0) - 1e-9
    if not n_budgets:
        assert found.value == pytest.approx(found.bound) == pytest.approx(best_of_all(problem))


@given(problems())
def test_the_same_every_time(problem: Problem) -> None:
    assert (solved(problem).chosen == solved(problem).chosen).all()


@given(st.integers(0, 100), st.floats(0.05, 0.8), st.sampled_from([0.1, 0.4, np.inf]))
@settings(max_examples=30)
def test_close_to_the_bound_where_there_are_many_users(seed: int, share: float, own_share: float) -> None:
    random = np.random.default_rng(seed)
    chance = random.beta(0.5, 8, (400, 6))
    cost = chance * random.uniform(0.5, 5, 6) + random.choice([0.0, 0.1], 6)
    value = chance * random.uniform(0.5, 5, 6)
    budgets = np.where(random.random(6) < 0.5, own_share * cost.sum(axis=0), np.inf)
    found = assign(value, cost, budget=share * cost.sum() / 6, budgets=budgets)
    assert is_within(found.chosen, (value, cost, share * cost.sum() / 6, budgets, 1))
    assert found.value >= 0.98 * found.bound - 2 * value.max()


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"value has shape \(2, 3\), cost \(2, 2\)"):
        assign(np.zeros((2, 3)), np.zeros((2, 2)), budget=1.0, budgets=np.zeros(3))
    with pytest.raises(ValueError, match="must be at least 0"):
        assign(np.zeros((2, 3)), np.zeros((2, 3)), budget=-1.0, budgets=np.zeros(3))
