"""Drift against slow, literal definitions; bins; what chance brings against what is drawn."""

from __future__ import annotations

import math
from bisect import bisect_left

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shelfwise.metrics import (
    PSI_A_BIT,
    jensen_shannon,
    population_stability_index,
    quantile_edges,
    smoothed,
)
from shelfwise.metrics.drift import chance

COUNTS = st.integers(2, 12).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 1_000), min_size=n, max_size=n) for _ in range(2)])
)


def literal_index(now: list[float], before: list[float]) -> float:
    total = 0.0
    for one, other in zip(now, before, strict=True):
        total += (one - other) * math.log(one / other)
    return total


def literal_divergence(now: list[float], before: list[float]) -> float:
    """By entropies: that of the mean less the mean of both."""

    def entropy(shares: list[float]) -> float:
        return -sum(share * math.log2(share) for share in shares if share > 0)

    middle = [(one + other) / 2 for one, other in zip(now, before, strict=True)]
    return entropy(middle) - (entropy(now) + entropy(before)) / 2


@given(COUNTS)
def test_the_index_is_the_literal_one(counts: tuple[list[int], list[int]]) -> None:
    now, before = (smoothed(np.array(one)) for one in counts)
    for one, shares in zip(counts, (now, before), strict=True):
        assert shares.tolist() == pytest.approx([(n + 0.5) / (sum(one) + len(one) / 2) for n in one])
    found = population_stability_index(now, before)
    assert found == pytest.approx(literal_index(now.tolist(), before.tolist()), abs=1e-12)
    assert found == pytest.approx(population_stability_index(before, now)) and found >= 0
    assert population_stability_index(now, now) == 0


@given(COUNTS)
def test_the_divergence_is_the_literal_one(counts: tuple[list[int], list[int]]) -> None:
    assume(all(map(sum, counts)))
    now, before = (np.array(one) / sum(one) for one in counts)
    found = jensen_shannon(now, before)
    assert found == pytest.approx(literal_divergence(now.tolist(), before.tolist()), abs=1e-9)
    assert 0 <= found <= 1 + 1e-12
    assert found == pytest.approx(jensen_shannon(before, now), abs=1e-12)
    assert jensen_shannon(now, now) == 0


def test_what_shares_nothing_is_a_bit_apart() -> None:
    assert jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1


def test_near_each_other_both_read_alike() -> None:
    before = np.array([0.1, 0.2, 0.3, 0.4])
    now = before + np.array([0.01, -0.01, 0.02, -0.02])
    assert jensen_shannon(now, before) * PSI_A_BIT == pytest.approx(population_stability_index(now, before), rel=0.02)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        population_stability_index(np.array([1.0, 0.0]), np.array([0.5, 0.5]))
    for of in (population_stability_index, jensen_shannon):
        with pytest.raises(ValueError, match="disagree"):
            of(np.array([0.5, 0.5]), np.array([0.2, 0.3, 0.5]))


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=200), st.integers(2, 12))
def test_bins_hold_equal_parts_and_no_score_lies_on_an_end(values: list[float], n_bins: int) -> None:
    edges = quantile_edges(np.array(values, np.float32), n_bins).tolist()
    assert edges == sorted(set(edges)) and len(edges) < n_bins and not set(edges) & set(values)
    assert bool(edges) == (len(set(values)) > 1)
    if len(set(values)) == len(values) and len(values) >= n_bins:
        counted = np.bincount([bisect_left(edges, one) for one in values], minlength=n_bins)
        assert counted.max() - counted.min() <= 1


def test_chance_is_what_draws_bring() -> None:
    """Lists of ten items of one kind each: their items are no independent draws, and the index shows it."""
    random = np.random.default_rng(0)
    kinds = np.array([0.4, 0.3, 0.2, 0.1])
    shares = np.eye(4)[random.choice(4, 20_000, p=kinds)]
    spread, own = chance(shares, np.ones(len(shares)))
    assert spread == pytest.approx(3, rel=0.02) and own == pytest.approx(3 / 20_000, rel=0.02)
    n = 400
    drawn = [np.eye(4)[random.choice(4, n, p=kinds)].sum(axis=0) * 10 for _ in range(2_000)]
    found = np.mean([population_stability_index(smoothed(one), kinds) for one in drawn])
    assert found == pytest.approx(spread / n, rel=0.1)


def test_chance_of_unequal_cases_counts_the_heavy_ones() -> None:
    shares = np.eye(2)[np.arange(100) % 2]
    weights = np.where(np.arange(100) < 2, 1_000.0, 1.0)
    _, even = chance(shares, np.ones(100))
    _, uneven = chance(shares, weights)
    assert even == pytest.approx(1 / 100) and uneven > 0.4


def test_how_kinds_of_cases_differ_is_no_chance() -> None:
    shares = np.eye(2)[np.arange(100) % 2]
    kinds = np.arange(100) % 2
    assert chance(shares, np.ones(100)) == (pytest.approx(1), pytest.approx(0.01))
    assert chance(shares, np.ones(100), kinds) == (0, 0)
