"""The benchmark of continuing asks nothing that any training saw."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import growth
from growth import grow
from shelfwise.schemas.events import EventKind
from shelfwise.testing.small_shop import small_shop

EVERYBODY = np.ones(150, bool)


@given(seed=st.integers(0, 20), has_clock=st.booleans())
def test_what_is_asked_is_neither_known_nor_new(seed: int, has_clock: bool) -> None:
    log = small_shop(n_users=150, seed=seed, has_clock=has_clock).interactions
    grown = grow(log, EventKind.PURCHASE, EVERYBODY, seed=seed)
    assert not (grown.known & grown.new).any()
    assert 0.08 < grown.new.sum() / (grown.known | grown.new).sum() < 0.12
    learned = grown.known | grown.new
    bounds = log.bounds()
    has_new = np.zeros(log.n_users, bool)
    has_new[log.user_rows[grown.new]] = True
    assert len(grown.of_new) and len(grown.of_old)
    for questions, is_new in ((grown.of_new, True), (grown.of_old, False)):
        for question in questions:
            user, n_known = question.user_row, len(question.situation.history)
            own = slice(int(bounds[user]), int(bounds[user + 1]))
            # What was learned of this user is a part of the history that is asked with: nothing of or after the answer.
            assert not learned[own][n_known:].any()
            assert set(question.relevant.tolist()) <= set(log.item_rows[own][n_known:].tolist())
            if not is_new:
                assert not has_new[user]
            elif not has_clock:
                assert has_new[user]
    if has_clock:
        assert log.times_ms[grown.known].max() < log.times_ms[grown.new].min()
        assert all(len(question.situation.history) for question in grown.of_old)


def test_what_is_set_aside_for_tuning_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "ENOUGH", 10)
    log = small_shop(n_users=150, has_clock=False).interactions
    measured = grow(log, EventKind.PURCHASE, EVERYBODY, seed=0)
    aside = grow(log, EventKind.PURCHASE, EVERYBODY, seed=0, tuning=True)
    for one, other in ((measured.of_new, aside.of_new), (measured.of_old, aside.of_old)):
        users = {question.user_row for question in one}
        assert len(other) and not users & {question.user_row for question in other}
    assert (measured.new == aside.new).all()
