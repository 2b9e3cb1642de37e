"""What intervals and paired comparisons find, what they do not, and what they refuse."""

import math

import numpy as np
import pytest

from shelfwise.metrics import arrays, bootstrap_interval, holm, paired_difference


def test_an_interval_holds_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    samples = rng.random((300, 120)) < 0.3

    intervals = [bootstrap_interval(sample.astype(np.float64), n_resamples=200) for sample in samples]

    share = np.mean([interval.low <= 0.3 <= interval.high for interval in intervals])
    assert 0.91 <= share <= 0.99


def test_an_interval_has_the_width_of_the_normal_law_for_many_users() -> None:
    values = np.random.default_rng(2).normal(5.0, 2.0, size=4000)

    interval = bootstrap_interval(values, n_resamples=2000)

    assert interval.mean == pytest.approx(float(values.mean()))
    assert (interval.high - interval.low) / 2 == pytest.approx(1.96 * 2.0 / math.sqrt(4000), rel=0.1)


def test_two_users_resample_to_the_three_means_there_are() -> None:
    # Both mean 0 and mean 1 come up a quarter of the time.
    values = np.array([0.0, 1.0])

    wide, narrow = (bootstrap_interval(values, confidence=confidence) for confidence in (0.6, 0.4))

    assert (wide.low, wide.mean, wide.high) == (0.0, 0.5, 1.0)
    assert (narrow.low, narrow.mean, narrow.high) == (0.5, 0.5, 0.5)


def test_users_without_a_value_are_as_if_never_measured() -> None:
    values = np.array([0.1, 0.9, 0.4, 0.0])
    with_gaps = np.array([math.nan, 0.1, 0.9, math.nan, 0.4, 0.0])

    assert bootstrap_interval(with_gaps, seed=4) == bootstrap_interval(values, seed=4)


def test_the_seed_decides_the_interval() -> None:
    values = np.random.default_rng(0).random(50)

    assert bootstrap_interval(values, seed=7) == bootstrap_interval(values, seed=7)
    assert bootstrap_interval(values, seed=7) != bootstrap_interval(values, seed=8)


def test_resampling_in_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random(51)
    at_once = bootstrap_interval(values, n_resamples=99)

    monkeypatch.setattr(arrays, "BLOCK_CELLS", 7 * 51)

    assert bootstrap_interval(values, n_resamples=99) == at_once


def test_a_planted_difference_is_found() -> None:
    rng = np.random.default_rng(3)
    b = rng.random(2000)
    a = b + 0.02 + rng.normal(0.0, 0.1, size=2000)

    found = paired_difference(a, b)

    assert found.low <= 0.02 <= found.high
    assert found.low > 0.0
    assert found.p_value == pytest.approx(1 / 1001)
    assert found.relative == pytest.approx(float(a.mean() / b.mean()) - 1.0)
    assert 0.0 < found.relative_low < found.relative < found.relative_high < 0.08


def test_pairing_finds_what_two_intervals_cannot_tell_apart() -> None:
    rng = np.random.default_rng(4)
    b = rng.random(300)
    a = b + rng.normal(0.01, 0.02, size=300)

    assert bootstrap_interval(a).low < bootstrap_interval(b).high
    assert paired_difference(a, b).p_value < 0.01


def test_no_difference_is_found_where_there_is_none_more_often_than_promised() -> None:
    rng = np.random.default_rng(5)
    pairs = rng.random((300, 2, 60))

    p_values = np.array([paired_difference(a, b, n_resamples=200).p_value for a, b in pairs])

    assert 0.01 <= np.mean(p_values <= 0.05) <= 0.09
    assert 0.4 <= np.mean(p_values) <= 0.6


def test_the_p_value_is_the_share_of_sign_flips_that_go_as_far() -> None:
    # All five differences agree: 2 of the 32 ways to sign them do.
    a, b = np.array([0.1, 0.3, 0.7, 0.2, 0.6]), np.zeros(5)

    assert paired_difference(a, b, n_resamples=20_000).p_value == pytest.approx(2 / 32, abs=0.006)


def test_equal_models_differ_by_nothing() -> None:
    values = np.array([0.1, 0.2, 0.7])

    found = paired_difference(values, values)

    assert (found.mean_difference, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert (found.relative, found.relative_low, found.relative_high) == (0.0, 0.0, 0.0)


def test_a_user_missing_in_one_model_is_left_out_of_both() -> None:
    a, b = np.array([1.0, 0.5, math.nan, 0.2]), np.array([0.5, math.nan, 9.0, 0.4])

    assert paired_difference(a, b) == paired_difference(np.array([1.0, 0.2]), np.array([0.5, 0.4]))


def test_a_baseline_of_0_has_no_relative_gain() -> None:
    found = paired_difference(np.array([1.0, 0.0]), np.zeros(2))

    assert found.mean_difference == 0.5
    assert all(map(math.isnan, (found.relative, found.relative_low, found.relative_high)))


def test_a_baseline_that_resamples_to_0_has_no_upper_bound() -> None:
    b = np.array([1.0, 0.0, 0.0])

    found = paired_difference(np.ones(3), b)

    assert found.relative == pytest.approx(2.0)
    assert found.relative_low == 0.0
    assert found.relative_high == math.inf


def test_the_seed_decides_the_comparison() -> None:
    a, b = np.random.default_rng(6).random((2, 40))

    assert paired_difference(a, b, seed=1) == paired_difference(a, b, seed=1)
    assert paired_difference(a, b, seed=1) != paired_difference(a, b, seed=2)


def test_values_that_cannot_be_resampled_are_refused() -> None:
    with pytest.raises(ValueError, match="no user has a value"):
        bootstrap_interval(np.array([math.nan]))
    with pytest.raises(ValueError, match="values must be finite"):
        bootstrap_interval(np.array([1.0, math.inf]))
    with pytest.raises(ValueError, match="values have 2 dimensions"):
        bootstrap_interval(np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"a has shape \(2,\), b has \(3,\)"):
        paired_difference(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="no user has a value"):
        paired_difference(np.array([1.0, math.nan]), np.array([math.nan, 1.0]))


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, math.nan])
def test_a_confidence_that_is_no_share_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match=r"confidence must lie in \(0, 1\)"):
        bootstrap_interval(np.ones(3), confidence=confidence)
    with pytest.raises(ValueError, match=r"confidence must lie in \(0, 1\)"):
        paired_difference(np.ones(3), np.ones(3), confidence=confidence)


def test_resampling_not_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="n_resamples must be at least 1, not 0"):
        bootstrap_interval(np.ones(3), n_resamples=0)


def test_holm_keeps_the_order_given_and_stops_at_1() -> None:
    assert holm(np.array([0.04, 0.01, 0.03])).tolist() == pytest.approx([0.06, 0.03, 0.06])
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]
    assert holm(np.array([])).tolist() == []


@pytest.mark.parametrize("p_value", [-0.1, 1.1, math.nan])
def test_holm_refuses_what_is_no_p_value(p_value: float) -> None:
    with pytest.raises(ValueError, match=r"p_values must lie in \[0, 1\]"):
        holm(np.array([0.5, p_value]))


def test_holm_refuses_a_table() -> None:
    with pytest.raises(ValueError, match="p_values have 2 dimensions"):
        holm(np.ones((1, 2)))
