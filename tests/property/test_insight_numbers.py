"""The arithmetic of what a shop is told: quantiles from buckets, periods, changes beyond chance."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, false_discovery_control

from shelfwise.errors import QueryError
from shelfwise.insight.change import FALSE_SHARE, changes, discoveries
from shelfwise.insight.latency import ENDS_MS, bucket_of, quantile_ms
from shelfwise.insight.period import DAY_S, STEPS_S, Period
from shelfwise.insight.rates import Rate
from shelfwise.insight.windows import Windows, people

DAY_MS = 86_400_000


@given(st.lists(st.floats(0.0001, 9.9), min_size=1, max_size=200), st.floats(0.01, 1.0))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(seconds: list[float], share: float) -> None:
    found = quantile_ms(Counter(map(bucket_of, seconds)), share)
    true_ms = 1_000 * sorted(seconds)[int(np.ceil(share * len(seconds) - 1e-9)) - 1]
    assert found is not None
    bucket = bucket_of(true_ms / 1_000)
    assert (ENDS_MS[bucket - 1] if bucket else 0) - 0.005 <= found <= ENDS_MS[bucket] + 0.005


def test_what_takes_longer_than_all_is_told_as_the_last_end() -> None:
    assert quantile_ms({bucket_of(60.0): 3}, 0.5) == ENDS_MS[-1]
    assert quantile_ms({}, 0.5) is None


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_wilsons_interval_holds_the_share_and_narrows(n: int, more: int) -> None:
    rate = Rate.counted(n, n + more)
    assert rate.share is not None and rate.low is not None and rate.high is not None
    assert 0 <= rate.low <= rate.share <= rate.high <= 1
    assert Rate.counted(0, 0).share is None


@given(st.floats(1.7e9, 1.8e9), st.floats(1.0, 390.0 * DAY_S), st.sampled_from([None, *STEPS_S]))
def test_a_period_is_made_of_whole_steps_and_holds_what_was_asked_for(
    begins: float, length_s: float, step_s: int | None
) -> None:
    try:
        period = Period.around(begins, begins + length_s, step_s)
    except QueryError:
        assert step_s is not None and length_s / step_s > 1_500
        return
    assert period.from_s <= begins and begins + length_s <= period.to_s
    assert period.from_s % period.step_s == 0 and period.n_steps * period.step_s == period.to_s - period.from_s
    assert period.before.to_s == period.from_s and period.before.n_steps == period.n_steps
    assert period.place(period.from_s) == 0 and period.place(period.to_s - 1) == period.n_steps - 1
    assert step_s is not None or period.n_steps <= 400


counts = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=25)


@settings(deadline=None)
@given(counts)
def test_changes_are_those_of_the_exact_test_held_against_how_many_were_tested(pairs: list[tuple[int, int]]) -> None:
    now, before = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    found = changes(now, before)
    if not now.sum() or not before.sum():
        assert not (found.is_rising | found.is_falling).any()
        return
    share = now.sum() / (now + before).sum()
    p_values = {}
    for place, (a, b) in enumerate(pairs):
        if a + b >= 5:
            both = (binomtest(a, a + b, share, alternative=side).pvalue for side in ("greater", "less"))
            p_values[place] = min(1.0, 2 * min(both))
    adjusted = false_discovery_control(list(p_values.values())) if p_values else []
    expected = {place for place, p in zip(p_values, adjusted, strict=True) if p <= FALSE_SHARE}
    assert set(np.flatnonzero(found.is_rising | found.is_falling).tolist()) == expected
    assert found.n_tested == len(p_values)
    ratio = (now + 0.5) / (before + 0.5) * before.sum() / now.sum()
    assert ((found.low < ratio * 1.001) & (ratio * 0.999 < found.high)).all()
    assert (ratio[found.is_rising] > 1).all() and (ratio[found.is_falling] < 1).all()


def test_a_shop_that_doubles_makes_nothing_rise() -> None:
    before = np.full(200, 30, np.int64)
    assert not changes(2 * before, before).is_rising.any()
    assert not changes(np.zeros(3, np.int64), np.zeros(3, np.int64)).is_rising.any()


def test_of_what_chance_moves_hardly_anything_is_told() -> None:
    random = np.random.default_rng(0)
    told = sum(
        bool((found.is_rising | found.is_falling).any())
        for found in (changes(random.poisson(20, 500), random.poisson(20, 500)) for _ in range(100))
    )
    assert told <= 12  # five expected, of a hundred catalogues in which nothing changed


@given(st.lists(st.floats(0, 1), max_size=50))
def test_discoveries_are_benjamini_and_hochbergs(p_values: list[float]) -> None:
    found = discoveries(np.array(p_values), 0.1)
    expected = false_discovery_control(p_values) <= 0.1 + 1e-12 if p_values else []
    assert found.tolist() == list(expected)


def test_people_are_counted_once_for_each_group() -> None:
    found = people(np.array([0, 0, 2, 2, -1], np.int32), np.array([7, 7, 7, 8, 9], np.int32), 4)
    assert found.tolist() == [1, 0, 2, 0]
    assert people(np.empty(0, np.int32), np.empty(0, np.int32), 2).tolist() == [0, 0]


@pytest.mark.parametrize(("days", "n_steps"), [(1, 1), (7, 7), (14, 14), (28, 4), (91, 13), (400, 57)])
def test_small_charts_have_days_or_weeks(days: int, n_steps: int) -> None:
    windows = Windows(int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1_000), days)
    assert windows.n_steps == n_steps
    assert windows.as_of_ms - windows.starts_ms == windows.starts_ms - windows.before_ms == days * DAY_MS
