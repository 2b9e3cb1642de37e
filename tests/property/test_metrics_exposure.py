"""Exposure, mixes and the head against their literal definitions, one place at a time."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.metrics import (
    exposure_by_group,
    exposure_gap,
    group_entropy,
    head_share,
    least_exposure_ratio,
    miscalibration,
)

N_ITEMS, N_GROUPS = 6, 3

CODES = st.lists(st.integers(-1, N_GROUPS - 1), min_size=N_ITEMS, max_size=N_ITEMS)
COUNTS = st.lists(st.integers(0, 9), min_size=N_ITEMS, max_size=N_ITEMS)


@st.composite
def tables(draw: st.DrawFn) -> list[list[int]]:
    k = draw(st.integers(1, 5))
    row = st.lists(st.integers(-1, N_ITEMS - 1), min_size=k, max_size=k)
    return draw(st.lists(row, min_size=1, max_size=4))


@st.composite
def shares(draw: st.DrawFn) -> list[float]:
    parts = draw(st.lists(st.integers(0, 9), min_size=N_GROUPS, max_size=N_GROUPS).filter(any))
    return [part / sum(parts) for part in parts]


@given(table=tables(), counts=COUNTS, head=st.sampled_from([0.1, 0.2, 0.5, 1.0]))
def test_head_share_counts_places(table: list[list[int]], counts: list[int], head: float) -> None:
    order = sorted(range(N_ITEMS), key=lambda item: -counts[item])
    heads = order[: max(1, round(head * N_ITEMS))]
    shown = [item for row in table for item in row if item >= 0]

    found = head_share(np.array(table), np.array(counts), head=head)

    assert found == pytest.approx(sum(item in heads for item in shown) / len(shown) if shown else math.nan, nan_ok=True)


@given(table=tables(), codes=CODES)
def test_exposure_adds_up_discounted_places(table: list[list[int]], codes: list[int]) -> None:
    sums = [0.0] * N_GROUPS
    for row in table:
        for position, item in enumerate(row, start=1):
            if item >= 0 and codes[item] >= 0:
                sums[codes[item]] += 1 / math.log2(1 + position)
    literal = [one / sum(sums) if sum(sums) else 0.0 for one in sums]

    assert exposure_by_group(np.array(table), np.array(codes), N_GROUPS).tolist() == pytest.approx(literal)


@given(exposure=shares(), merit=shares())
def test_gap_and_ratio(exposure: list[float], merit: list[float]) -> None:
    short = sum(max(0.0, due - got) for got, due in zip(exposure, merit, strict=True))
    ratios = [got / due for got, due in zip(exposure, merit, strict=True) if due >= 0.1]

    assert exposure_gap(np.array(exposure), np.array(merit)) == pytest.approx(short, abs=1e-12)
    found = least_exposure_ratio(np.array(exposure), np.array(merit), least_merit=0.1)
    assert found == pytest.approx(min(ratios) if ratios else math.nan, nan_ok=True)


@given(table=tables(), codes=CODES)
def test_entropy_of_groups(table: list[list[int]], codes: list[int]) -> None:
    literal = []
    for row in table:
        groups = Counter(codes[item] for item in row if item >= 0 and codes[item] >= 0)
        n = sum(groups.values())
        literal.append(-sum(count / n * math.log2(count / n) for count in groups.values()) if n else math.nan)

    found = group_entropy(np.array(table), np.array(codes), N_GROUPS).tolist()

    assert found == pytest.approx(literal, abs=1e-9, nan_ok=True)


@given(mix=shares(), target=shares(), smoothing=st.sampled_from([0.01, 0.1]))
def test_miscalibration_is_the_divergence(mix: list[float], target: list[float], smoothing: float) -> None:
    literal = sum(
        due * math.log(due / ((1 - smoothing) * got + smoothing * due))
        for got, due in zip(mix, target, strict=True)
        if due
    )

    found = miscalibration(np.array([mix, mix]), np.array([target, [0.0] * N_GROUPS]), smoothing=smoothing)

    assert found[0] == pytest.approx(literal, abs=1e-12)
    assert math.isnan(found[1])


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"codes reach from 0 to 3; they must lie in \[-1, 3\)"):
        exposure_by_group(np.array([[0]]), np.array([3, 0]), 3)
    with pytest.raises(ValueError, match="head must lie in"):
        head_share(np.array([[0]]), np.ones(1), head=0.0)
    with pytest.raises(ValueError, match="disagree"):
        exposure_gap(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="below 0"):
        least_exposure_ratio(np.array([-1.0]), np.ones(1))
