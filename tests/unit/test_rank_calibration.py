"""Calibrated probabilities mean what they say, and keep the order."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfwise.rank.calibration import ENOUGH, ByScenario, Calibration, calibration_error
from shelfwise.schemas.ids import Floats


def sigmoid(odds: Floats) -> Floats:
    return (1 / (1 + np.exp(-odds))).astype(np.float32)


def told(n: int, seed: int = 0, *, slope: float = 1.0, shift: float = 0.0) -> tuple[Floats, Floats]:
    """Predicted log-odds, and what happened by a probability of which they are a distortion."""
    random = np.random.default_rng(seed)
    true = random.normal(-2, 1.5, n)
    happened = (random.random(n) < sigmoid(true.astype(np.float32))).astype(np.float32)
    return ((true - shift) / slope).astype(np.float32), happened


def test_a_distorted_prediction_is_set_right() -> None:
    odds, happened = told(40_000, slope=0.4, shift=1.5)
    fitted = Calibration.fit(odds, happened)
    fresh, fresh_happened = told(40_000, seed=1, slope=0.4, shift=1.5)
    before = calibration_error(sigmoid(fresh), fresh_happened)
    after = calibration_error(sigmoid(fitted(fresh)), fresh_happened)
    assert before > 0.05
    assert after < 0.01


def test_few_happenings_move_a_line_and_next_to_none_move_nothing() -> None:
    odds, happened = told(800, slope=0.5, shift=1.0)
    assert 20 <= happened.sum() < ENOUGH
    assert len(Calibration.fit(odds, happened).given) == 2
    few = np.zeros(800, np.float32)
    few[:5] = 1
    np.testing.assert_allclose(Calibration.fit(odds, few)(odds), odds, rtol=1e-5)


@given(st.integers(0, 10_000), st.sampled_from([300, 6_000]))
@settings(max_examples=25, deadline=None)
def test_the_order_is_never_turned(seed: int, n: int) -> None:
    odds, happened = told(n, seed=seed, slope=0.7)
    fitted = Calibration.fit(odds, happened)
    grid = np.linspace(-50, 50, 400).astype(np.float32)
    assert (np.diff(fitted(grid)) >= 0).all()
    assert np.isfinite(fitted(grid)).all()


def test_a_scenario_with_enough_has_its_own_and_others_share_one() -> None:
    odds, happened = told(20_000)
    skewed, more = told(20_000, seed=1, shift=2.0)
    scenarios = np.repeat(np.array([1, 2]), 20_000)
    small = np.full(50, 3)
    fitted = ByScenario.fit(
        np.concatenate([odds, skewed, odds[:50]]),
        np.concatenate([happened, more, happened[:50]]),
        np.concatenate([scenarios, small]),
    )
    assert set(fitted.own) == {1, 2}
    assert calibration_error(sigmoid(fitted(skewed, 2)), more) < 0.01
    assert calibration_error(sigmoid(fitted(odds, 1)), happened) < 0.01
    np.testing.assert_array_equal(fitted(odds, 3), fitted.overall(odds))


def test_it_is_kept_as_plain_json() -> None:
    odds, happened = told(20_000)
    fitted = ByScenario.fit(odds, happened, np.ones(20_000, np.int64))
    again = ByScenario.from_document(fitted.as_document())
    np.testing.assert_array_equal(again(odds, 1), fitted(odds, 1))


def test_the_error_is_the_mean_gap_over_bins() -> None:
    said = np.repeat(np.array([0.1, 0.9], np.float32), 100)
    happened = np.concatenate([np.zeros(100), np.ones(100)]).astype(np.float32)
    assert abs(calibration_error(said, happened, n_bins=2) - 0.1) < 1e-6
    assert calibration_error(happened, happened) == 0
