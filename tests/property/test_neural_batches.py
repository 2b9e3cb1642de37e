"""Sequences: every event is learned from once, padding is never, and augmentation invents nothing."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.datasets.interactions import Interactions
from shelfwise.neural.augment import augmented
from shelfwise.neural.batches import Log, batches, by_length, histories
from shelfwise.neural.settings import NetworkOptions

lengths_of = st.lists(st.integers(0, 40), min_size=1, max_size=12)


def log_of(lengths: list[int], *, has_clock: bool = True) -> Log:
    n = sum(lengths)
    users = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    times = 1_700_000_000_000 + 90_000 * np.arange(n, dtype=np.int64)
    return Log.of(
        Interactions(
            users,
            np.arange(n, dtype=np.int32),  # every event is an item of its own: it can be told where it went
            np.full(n, 6, np.int8),
            times,
            np.full(n, np.nan, np.float32),
            np.full(n, -1, np.int64),
            len(lengths),
            max(n, 1),
        ),
        has_clock=has_clock,
    )


@given(lengths_of, st.integers(1, 10), st.integers(0, 100))
def test_every_event_but_a_users_first_is_a_target_once(lengths: list[int], history: int, offset: int) -> None:
    log = log_of(lengths)
    windows = log.windows(history, offset)
    targets = Counter(place for window in windows for place in window[1:].tolist())
    firsts = {int(start) for start, length in zip(log.starts, lengths, strict=False) if length}
    assert targets == Counter(set(range(sum(lengths))) - firsts)
    for window in windows:
        assert 2 <= len(window) <= history + 1
        assert len(set(log.interactions.user_rows[window].tolist())) == 1


@given(lengths_of, st.integers(1, 60), st.integers(0, 5))
def test_groups_hold_every_sequence_once_and_no_more_events_than_asked(
    lengths: list[int], n_events: int, seed: int
) -> None:
    whole = np.array(lengths) + 1
    groups = by_length(whole, n_events, np.random.default_rng(seed))
    assert sorted(np.concatenate(groups).tolist()) == list(range(len(lengths)))
    for group in groups:
        assert len(group) == 1 or len(group) * whole[group].max() <= n_events


@given(lengths_of)
def test_a_batch_says_what_came_next(lengths: list[int]) -> None:
    log = log_of(lengths)
    options = NetworkOptions(crop=0, shuffle=0, drop_events=0, events_per_step=64)
    seen: list[int] = []
    for batch in batches(log, log.windows(50, 0), options, np.random.default_rng(0)):
        is_event = batch.targets >= 0
        # Items count up within a user, so what comes next is one more.
        np.testing.assert_array_equal(batch.targets[is_event], batch.items[is_event] + 1)
        assert not batch.items[~is_event].any()
        minutes = (batch.items * is_event).max(axis=1, keepdims=True) - batch.items
        np.testing.assert_allclose(batch.minutes_ago[is_event], (1.5 * minutes)[is_event], rtol=1e-5)
        seen += batch.targets[is_event].tolist()
    assert len(seen) == len(set(seen)) == sum(max(length - 1, 0) for length in lengths)


def test_without_a_clock_all_events_are_equally_old() -> None:
    log = log_of([5, 3], has_clock=False)
    assert not histories(log, [np.arange(5), np.arange(5, 8)]).minutes_ago.any()


@given(
    st.integers(0, 30),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 0.95),
    st.integers(0, 1_000),
)
def test_augmentation_leaves_out_and_swaps_but_never_invents(
    n: int, crop: float, shuffle: float, drop_events: float, seed: int
) -> None:
    places = 100 + np.arange(n)
    told = augmented(places, np.random.default_rng(seed), crop=crop, shuffle=shuffle, drop_events=drop_events)
    assert len(set(told.tolist())) == len(told) >= min(n, 2)
    assert set(told.tolist()) <= set(places.tolist())
    # At most one pair of neighbours stands the wrong way round.
    assert (np.diff(told) < 0).sum() <= 1
    if drop_events == 0:
        assert told.max(initial=100) - told.min(initial=100 + n) + 1 <= max(len(told), n if n < 3 else 0) or n == 0
    np.testing.assert_array_equal(places, 100 + np.arange(n))  # what was given is not changed


def test_cropping_keeps_half_and_reaches_both_ends() -> None:
    random, places = np.random.default_rng(0), np.arange(10)
    told = [augmented(places, random, crop=1, shuffle=0, drop_events=0) for _ in range(300)]
    assert {len(one) for one in told} == {5, 6, 7, 8, 9, 10}
    assert all((np.diff(one) == 1).all() for one in told)
    assert {int(one[0]) for one in told} >= {0, 1, 2, 3, 4, 5}
    assert {int(one[-1]) for one in told} >= {4, 5, 6, 7, 8, 9}
