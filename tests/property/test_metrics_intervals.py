"""Corrections and intervals against their literal definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.metrics import bootstrap_interval, holm, paired_difference

P_VALUES = st.lists(st.sampled_from([0.0, 0.001, 0.01, 0.02, 0.04, 0.3, 0.9, 1.0]), max_size=6)
VALUES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, math.nan]), min_size=1, max_size=8)


def is_rejected(p_values: list[float], index: int, level: float) -> bool:
    """Holm's procedure step by step: stop at the first p-value that its own step does not reject."""
    for step, at in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[at] * (len(p_values) - step) > level:
            return False
        if at == index:
            return True
    raise AssertionError(f"{index} is no index of {p_values}")


@given(p_values=P_VALUES)
def test_an_adjusted_p_value_is_the_least_level_that_rejects(p_values: list[float]) -> None:
    adjusted = holm(np.array(p_values)).tolist()

    levels = sorted({1.0, *(p * n for p in p_values for n in range(1, len(p_values) + 1) if p * n < 1.0)})
    literal = [
        min(level for level in levels if level == 1.0 or is_rejected(p_values, index, level))
        for index in range(len(p_values))
    ]
    assert adjusted == pytest.approx(literal)


@given(values=VALUES.filter(lambda values: not all(map(math.isnan, values))), seed=st.integers(0, 2**32))
def test_an_interval_lies_within_the_values_and_widens_with_confidence(values: list[float], seed: int) -> None:
    kept = [value for value in values if not math.isnan(value)]

    wide = bootstrap_interval(np.array(values), confidence=0.99, n_resamples=50, seed=seed)
    narrow = bootstrap_interval(np.array(values), confidence=0.5, n_resamples=50, seed=seed)

    assert wide.mean == pytest.approx(sum(kept) / len(kept))
    assert min(kept) <= wide.low <= narrow.low <= narrow.high <= wide.high <= max(kept)


@given(pairs=st.lists(st.tuples(*[st.sampled_from([0.0, 0.5, 1.0, math.nan])] * 2), min_size=1, max_size=8))
def test_swapping_the_models_mirrors_the_difference(pairs: list[tuple[float, float]]) -> None:
    a, b = (np.array(values) for values in zip(*pairs, strict=True))
    if np.isnan(a + b).all():
        with pytest.raises(ValueError, match="no user has a value"):
            paired_difference(a, b)
        return

    forth, back = paired_difference(a, b, n_resamples=50), paired_difference(b, a, n_resamples=50)

    assert forth.mean_difference == pytest.approx(float(np.nanmean(a - b)))
    assert (forth.low, forth.high) == (-back.high, -back.low)
    assert forth.p_value == back.p_value
