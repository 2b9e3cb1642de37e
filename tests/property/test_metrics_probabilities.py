"""Order and reliability of probabilities against their literal definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.metrics import PooledAuc, reliability

LINES = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]), st.booleans(), st.integers(0, 3)), min_size=1, max_size=12
)


def columns(lines: list[tuple[float, bool, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    said, happened, owners = zip(*lines, strict=True)
    return np.array(said, np.float32), np.array(happened, bool), np.array(owners, np.int64)


@given(lines=LINES, counts=st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_auc_is_the_share_of_pairs_in_the_right_order(lines: list[tuple[float, bool, int]], counts: list[int]) -> None:
    said, happened, owners = columns(lines)
    copies = [line for line, owner in zip(lines, owners.tolist(), strict=True) for _ in range(counts[owner])]
    pairs = [
        1.0 if one[0] > other[0] else 0.5 if one[0] == other[0] else 0.0
        for one in copies
        for other in copies
        if one[1] and not other[1]
    ]

    found = PooledAuc(said, happened, owners)(np.array(counts[: int(owners.max()) + 1]))

    assert found == pytest.approx(sum(pairs) / len(pairs)) if pairs else math.isnan(found)


@given(lines=LINES, n_groups=st.integers(1, 5))
def test_reliability_compares_each_group(lines: list[tuple[float, bool, int]], n_groups: int) -> None:
    said, happened, _ = columns(lines)
    found = reliability(said, happened, n_groups)

    ranked = sorted(zip(said.tolist(), happened.tolist(), strict=True), key=lambda one: one[0])
    n_groups = min(n_groups, len(ranked))
    sizes = [len(ranked) // n_groups + (place < len(ranked) % n_groups) for place in range(n_groups)]
    gaps, start = 0.0, 0
    for place, size in enumerate(sizes):
        part = ranked[start : start + size]
        start += size
        mean, share = sum(one for one, _ in part) / size, sum(one for _, one in part) / size
        assert (found.said[place], found.happened[place], found.n[place]) == pytest.approx((mean, share, size))
        gaps += abs(mean - share) * size
    assert found.error == pytest.approx(gaps / len(ranked))


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        reliability(np.array([0.5, 1.1]), np.array([True, False]))
    with pytest.raises(ValueError, match="one value is needed for each candidate"):
        PooledAuc(np.zeros(3), np.zeros(3, bool), np.zeros(2, np.int64))
