"""Qualities of shown lists against their literal definitions, one pair and one item at a time."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.metrics import (
    average_popularity,
    coverage,
    gini,
    intra_list_distance,
    novelty,
    popularity_share,
)

N_ITEMS = 6

COUNTS = st.lists(st.integers(0, 9), min_size=N_ITEMS, max_size=N_ITEMS)


@st.composite
def tables(draw: st.DrawFn) -> list[list[int]]:
    """Lists of up to five rows of a catalogue of six, with padding and repeats anywhere."""
    k = draw(st.integers(0, 5))
    row = st.lists(st.integers(-1, N_ITEMS - 1), min_size=k, max_size=k)
    return draw(st.lists(row, min_size=1, max_size=4))


def shown(row: list[int]) -> list[int]:
    return [item for item in row if item != -1]


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def as_array(table: list[list[int]]) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return np.array(table, dtype=np.int64).reshape(len(table), len(table[0]))


@given(table=tables())
def test_coverage_is_the_share_of_distinct_items(table: list[list[int]]) -> None:
    distinct = {item for row in table for item in shown(row)}

    assert coverage(as_array(table), N_ITEMS) == pytest.approx(len(distinct) / N_ITEMS)


@given(table=tables())
def test_gini_is_half_the_relative_mean_absolute_difference(table: list[list[int]]) -> None:
    exposures = [sum(shown(row).count(item) for row in table) for item in range(N_ITEMS)]
    difference = mean([float(abs(x - y)) for x in exposures for y in exposures])
    mean_exposure = sum(exposures) / N_ITEMS
    literal = difference / (2 * mean_exposure) if mean_exposure else 0.0

    assert gini(as_array(table), N_ITEMS) == pytest.approx(literal, abs=1e-12)


@given(
    table=tables(),
    vectors=st.lists(st.lists(st.integers(-3, 3), min_size=3, max_size=3), min_size=N_ITEMS, max_size=N_ITEMS),
    scale=st.sampled_from([1e-200, 1.0, 1e200]),
)
def test_intra_list_distance_is_the_mean_over_pairs(
    table: list[list[int]], vectors: list[list[int]], scale: float
) -> None:
    def distance(first: list[int], second: list[int]) -> float:
        lengths = math.hypot(*first) * math.hypot(*second)
        return 1 - sum(x * y for x, y in zip(first, second, strict=True)) / lengths if lengths else 1.0

    literal = [mean([distance(vectors[i], vectors[j]) for i, j in combinations(shown(row), 2)]) for row in table]

    found = intra_list_distance(as_array(table), np.array(vectors) * scale)

    assert found.tolist() == pytest.approx(literal, abs=1e-12, nan_ok=True)


@given(table=tables(), counts=COUNTS)
def test_novelty_is_the_mean_self_information(table: list[list[int]], counts: list[int]) -> None:
    bits = [-math.log2((count + 1) / (sum(counts) + N_ITEMS)) for count in counts]
    literal = [mean([bits[item] for item in shown(row)]) for row in table]

    assert novelty(as_array(table), np.array(counts)).tolist() == pytest.approx(literal, nan_ok=True)


@given(table=tables(), counts=COUNTS)
def test_average_popularity_is_the_mean_of_what_is_shown(table: list[list[int]], counts: list[int]) -> None:
    literal = [mean([float(counts[item]) for item in shown(row)]) for row in table]

    assert average_popularity(as_array(table), np.array(counts)).tolist() == pytest.approx(literal, nan_ok=True)


@given(counts=COUNTS)
def test_popularity_shares_sum_to_one_and_keep_the_order(counts: list[int]) -> None:
    shares = popularity_share(np.array(counts))

    assert shares.sum() == pytest.approx(1.0)
    assert (shares > 0.0).all()
    assert np.argsort(shares, kind="stable").tolist() == np.argsort(counts, kind="stable").tolist()
