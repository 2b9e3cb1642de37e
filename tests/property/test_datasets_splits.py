"""Whatever the log, no split shows a model what it is asked about."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shelfwise.datasets.catalogue import NO_TIME_MS, Catalogue
from shelfwise.datasets.examples import Examples
from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.datasets.moments import N_WINDOWS, WINDOW_D, moments
from shelfwise.datasets.splits import (
    Split,
    last_targets,
    leave_last_out,
    leave_one_out,
    next_moments,
    time_split,
)
from shelfwise.datasets.training_data import TrainingData
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import FIRST_REAL_TIME_MS

PURCHASE, VIEW = CODE_BY_KIND[EventKind.PURCHASE], CODE_BY_KIND[EventKind.VIEW]
N_USERS, N_ITEMS = 5, 6
START_MS = FIRST_REAL_TIME_MS + 20 * 365 * DAY_MS

Log = list[tuple[int, int, int, int]]
"""User, time, item, kind; the arrival is the place in the list."""

logs = st.lists(
    st.tuples(
        st.integers(0, N_USERS - 1),
        st.integers(0, 12),
        st.integers(0, N_ITEMS - 1),
        st.sampled_from([PURCHASE, PURCHASE, VIEW]),
    ),
    max_size=40,
)
asked_users = st.lists(st.booleans(), min_size=N_USERS, max_size=N_USERS).map(lambda flags: np.array(flags, bool))


def interactions_of(log: Log, *, unit_ms: int = DAY_MS, start_ms: int = START_MS) -> Interactions:
    """By user, then time, then arrival. `sessions` numbers the events, so that each can be told from all others."""
    ordered = sorted(enumerate(log), key=lambda entry: (entry[1][0], entry[1][1], entry[0]))
    return Interactions(
        np.array([event[0] for _, event in ordered], np.int32),
        np.array([event[2] for _, event in ordered], np.int32),
        np.array([event[3] for _, event in ordered], np.int8),
        np.array([start_ms + event[1] * unit_ms for _, event in ordered], np.int64),
        np.full(len(ordered), np.nan, np.float32),
        np.arange(len(ordered), dtype=np.int64),
        N_USERS,
        N_ITEMS,
    )


def of_user(interactions: Interactions, user: int) -> list[tuple[int, int, int, int]]:
    """Number, item, kind and time of one user's events, in order."""
    return [
        (number, item, kind, time)
        for owner, number, item, kind, time in zip(
            interactions.user_rows.tolist(),
            interactions.sessions.tolist(),
            interactions.item_rows.tolist(),
            interactions.kinds.tolist(),
            interactions.times_ms.tolist(),
            strict=True,
        )
        if owner == user
    ]


def history_of(example: Any) -> list[tuple[int, int, int]]:
    history = example.situation.history
    return list(zip(history.rows.tolist(), history.kinds.tolist(), history.times_ms.tolist(), strict=True))


def nothing_is_later(split: Split) -> None:
    """No history reaches past the moment of its question, and no answer is missing."""
    for example in split.examples:
        times = example.situation.history.times_ms
        assert (np.diff(times) >= 0).all()
        assert (times <= example.situation.now_ms).all()
        assert len(example.relevant) > 0
        assert len(np.unique(example.relevant)) == len(example.relevant)


@settings(max_examples=150, deadline=None)
@given(logs, asked_users, st.sampled_from(["test", "validation"]))
def test_leave_one_out_against_its_definition(log: Log, users: Any, holdout: Any) -> None:
    interactions = interactions_of(log)
    split = leave_one_out(interactions, EventKind.PURCHASE, users, holdout=holdout)
    nothing_is_later(split)
    by_user = {example.user_row: example for example in split.examples}
    for user in range(N_USERS):
        events, kept = of_user(interactions, user), of_user(split.train, user)
        targets = [place for place, event in enumerate(events) if event[2] == PURCHASE]
        if len(targets) < 3 or not users[user]:
            assert user not in by_user
            assert kept == events
            continue
        validation, test = targets[-2:]
        # Trained on is what came before the validation event, and nothing of the rest, whichever is asked.
        assert kept == events[:validation]
        asked = test if holdout == "test" else validation
        example = by_user[user]
        assert example.relevant.tolist() == [events[asked][1]]
        assert example.situation.now_ms == events[asked][3]
        assert history_of(example) == [event[1:] for event in events[:asked]]


@settings(max_examples=100, deadline=None)
@given(logs, asked_users)
def test_leave_last_out_against_its_definition(log: Log, users: Any) -> None:
    interactions = interactions_of(log)
    split = leave_last_out(interactions, EventKind.PURCHASE, users)
    nothing_is_later(split)
    by_user = {example.user_row: example for example in split.examples}
    for user in range(N_USERS):
        events = of_user(interactions, user)
        targets = [place for place, event in enumerate(events) if event[2] == PURCHASE]
        if len(targets) < 2 or not users[user]:
            assert user not in by_user
            assert of_user(split.train, user) == events
        else:
            assert of_user(split.train, user) == events[: targets[-1]]
            assert by_user[user].relevant.tolist() == [events[targets[-1]][1]]
            assert history_of(by_user[user]) == [event[1:] for event in events[: targets[-1]]]


@settings(max_examples=150, deadline=None)
@given(logs, asked_users, st.integers(-1, 13), st.none() | st.integers(0, 14))
def test_time_split_against_its_definition(log: Log, users: Any, cut: int, until: int | None) -> None:
    interactions = interactions_of(log)
    cut_ms = START_MS + cut * DAY_MS
    until_ms = None if until is None else START_MS + until * DAY_MS
    split = time_split(interactions, EventKind.PURCHASE, users, cut_ms=cut_ms, until_ms=until_ms)
    nothing_is_later(split)
    assert (split.train.times_ms < cut_ms).all()
    assert len(split.train) == sum(time < cut_ms for time in interactions.times_ms)
    by_user = {example.user_row: example for example in split.examples}
    for user in range(N_USERS):
        events = of_user(interactions, user)
        answers = {
            item
            for _, item, kind, time in events
            if kind == PURCHASE and time >= cut_ms and (until_ms is None or time < until_ms)
        }
        if not answers or not users[user]:
            assert user not in by_user
            continue
        example = by_user[user]
        assert set(example.relevant.tolist()) == answers
        assert example.situation.now_ms == cut_ms
        assert (example.situation.history.times_ms < cut_ms).all()
        assert history_of(example) == [event[1:] for event in events if event[3] < cut_ms]


@settings(max_examples=100, deadline=None)
@given(logs, asked_users, st.booleans())
def test_moments_know_nothing_after_their_cut(log: Log, users: Any, has_clock: bool) -> None:
    assume(log)
    if has_clock:
        interactions = interactions_of(log, unit_ms=20 * DAY_MS)
    else:
        interactions = interactions_of(log, unit_ms=1, start_ms=0)
    assert interactions.has_clock == has_clock
    empty: list[Any] = [None] * N_ITEMS
    catalogue = Catalogue(
        empty,
        empty,
        [()] * N_ITEMS,
        empty,
        np.ones(N_ITEMS, np.float32),
        np.full(N_ITEMS, NO_TIME_MS),
        np.ones(N_ITEMS, bool),
    )
    found = moments(TrainingData(interactions, catalogue, None, interactions.end_ms), EventKind.PURCHASE, users)
    numbers = set(interactions.sessions.tolist())
    cuts: list[int] = []
    for moment in found:
        nothing_is_later(moment.split)
        assert moment.data.interactions is moment.split.train
        assert set(moment.split.train.sessions.tolist()) <= numbers
        if not has_clock:
            assert len(found) == 1
            continue
        cut_ms = moment.split.cut_ms
        assert cut_ms == moment.data.now_ms
        assert (moment.data.interactions.times_ms < cut_ms).all()
        assert cut_ms is not None
        cuts.append(cut_ms)
    if has_clock:
        # Latest first, one before the other.
        assert len(found) <= N_WINDOWS
        assert cuts == sorted(cuts, reverse=True)
        if len(cuts) > 1:
            widths = -np.diff(cuts)
            assert (widths <= WINDOW_D * DAY_MS + 1).all()


@settings(max_examples=100, deadline=None)
@given(logs, st.integers(1, 4))
def test_last_targets_against_its_definition(log: Log, n: int) -> None:
    interactions = interactions_of(log)
    found = last_targets(interactions, EventKind.PURCHASE, n)
    for user in range(N_USERS):
        places = [
            place
            for place in range(len(interactions))
            if interactions.user_rows[place] == user and interactions.kinds[place] == PURCHASE
        ]
        assert found[user].tolist() == ([-1] * n + places)[-n:]


@settings(max_examples=100, deadline=None)
@given(logs, asked_users)
def test_repeats_are_what_the_history_holds(log: Log, users: Any) -> None:
    examples = time_split(interactions_of(log), EventKind.PURCHASE, users, cut_ms=START_MS + 6 * DAY_MS).examples
    n_all = n_new = 0
    for example in examples:
        had = set(example.situation.history.rows.tolist())
        n_all += len(example.relevant)
        n_new += sum(item not in had for item in example.relevant.tolist())
    fresh = examples.without_repeats()
    assert sum(len(example.relevant) for example in fresh) == n_new
    for example in fresh:
        assert not set(example.relevant.tolist()) & set(example.situation.history.rows.tolist())
    assert np.isclose(examples.repeat_share(), 0 if n_all == 0 else 1 - n_new / n_all)


@given(st.integers(0, 30), st.integers(0, 5))
def test_shuffling_keeps_every_example_and_follows_the_seed(n: int, seed: int) -> None:
    examples = Examples(list(range(n)))  # type: ignore[arg-type]
    shuffled = examples.shuffled(seed)
    assert sorted(shuffled.entries) == list(range(n))  # type: ignore[type-var]
    assert shuffled.entries == examples.shuffled(seed).entries


@settings(max_examples=200)
@given(logs, asked_users, st.integers(0, 12), st.integers(0, 14), st.integers(1, 3))
def test_within_a_window_each_moment_is_asked_with_what_came_before_it(
    log: Log, users: Any, cut: int, until: int, per_user: int
) -> None:
    interactions = interactions_of(log)
    cut_ms, until_ms = START_MS + cut * DAY_MS, START_MS + until * DAY_MS
    found = next_moments(
        interactions, EventKind.PURCHASE, users, cut_ms=cut_ms, until_ms=until_ms, per_user=per_user, seed=0
    )
    asked: dict[int, set[int]] = {}
    for example in found:
        own = of_user(interactions, example.user_row)
        now_ms = example.situation.now_ms
        assert users[example.user_row]
        assert cut_ms <= now_ms < until_ms
        assert history_of(example) == [(item, kind, time) for _, item, kind, time in own if time < now_ms]
        answers = {item for _, item, kind, time in own if time == now_ms and kind == PURCHASE}
        assert set(example.relevant.tolist()) == answers
        assert now_ms not in asked.setdefault(example.user_row, set())
        asked[example.user_row].add(now_ms)
    for user in range(N_USERS):
        moments_of_user = {
            time for _, _, kind, time in of_user(interactions, user) if kind == PURCHASE and cut_ms <= time < until_ms
        }
        assert len(asked.get(user, ())) == (min(per_user, len(moments_of_user)) if users[user] else 0)
