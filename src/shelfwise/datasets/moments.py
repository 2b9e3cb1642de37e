"""Moments in the past at which a model may be asked what it did not know yet: for fitting rankers and for tuning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shelfwise.datasets.examples import Examples
from shelfwise.datasets.interactions import DAY_MS
from shelfwise.datasets.splits import Split, leave_last_out, next_moments, time_split
from shelfwise.datasets.training_data import TrainingData
from shelfwise.schemas.events import EventKind
from shelfwise.schemas.ids import Bools

WINDOW_D = 28.0
N_WINDOWS = 3
"""Windows of time, one before the other, whose events are asked for; fewer where the log is short."""

MOMENTS_PER_USER = 10
"""Moments within a window that a user is asked about at most."""

HISTORY_SHARE = 0.5
"""The oldest part of a log that is never asked about: something must be known before the first question."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A split with everything the stages may be fitted on at that time.

    Attributes:
        split: What is asked at the cut, and what may be known.
        within: Further questions, at moments after the cut, with the history of those moments: for where the split's
            own are few, as in a shop whose users come once and stay for a while. Empty without a clock.
        data: What the stages are fitted on.
        until_ms: Where the window after the cut ends; None without a clock.
    """

    split: Split
    within: Examples
    data: TrainingData
    until_ms: int | None = None

    def visits(self, seed: int) -> Examples:
        """Requests as they came, in a random order: what a probability is learned from; see `moments`' `any_kind`."""
        return (self.within if self.data.interactions.has_clock else self.split.examples).shuffled(seed)

    def questions(self, seed: int) -> Examples:
        """All questions, those at the cut first; each kind in a random order."""
        return Examples([*self.split.examples.shuffled(seed).entries, *self.within.shuffled(seed).entries])


def moments(data: TrainingData, target: EventKind, users: Bools, *, any_kind: bool = False) -> list[Moment]:
    """The splits that the ranker learns from, latest first.

    With a clock: windows of `WINDOW_D` days before `data.now_ms`, each asked with what was known at its start, and at
    moments within.
    Without: each user's last target event.

    Args:
        any_kind: Whether the moments within a window are all those at which a user did anything, and not only those of
            the target event.
    """
    interactions = data.interactions
    if not interactions.has_clock:
        split = leave_last_out(interactions, target, users)
        return [Moment(split, Examples([]), data.with_interactions(split.train, data.now_ms))]
    earliest = float(np.quantile(interactions.times_ms, 0.01))
    span_d = (data.now_ms - earliest) / DAY_MS
    window_d = min(WINDOW_D, span_d * (1 - HISTORY_SHARE) / 2)
    n_windows = max(1, min(N_WINDOWS, int(span_d * (1 - HISTORY_SHARE) / window_d)))
    found: list[Moment] = []
    for index in range(n_windows):
        until_ms = data.now_ms - int(index * window_d * DAY_MS)
        cut_ms = until_ms - int(window_d * DAY_MS)
        split = time_split(interactions, target, users, cut_ms=cut_ms, until_ms=until_ms)
        if len(split.train):
            within = next_moments(
                interactions,
                target,
                users,
                cut_ms=cut_ms,
                until_ms=until_ms,
                per_user=MOMENTS_PER_USER,
                seed=index,
                any_kind=any_kind,
            )
            found.append(Moment(split, within, data.with_interactions(split.train, cut_ms), until_ms))
    return found


def since(data: TrainingData, target: EventKind, users: Bools, cut_ms: int) -> Moment:
    """What came after a moment, as a window like those of `moments`, of `WINDOW_D` days at most; needs a clock."""
    until_ms = min(data.now_ms, cut_ms + int(WINDOW_D * DAY_MS))
    split = time_split(data.interactions, target, users, cut_ms=cut_ms, until_ms=until_ms)
    within = next_moments(
        data.interactions, target, users, cut_ms=cut_ms, until_ms=until_ms, per_user=MOMENTS_PER_USER, seed=0
    )
    return Moment(split, within, data.with_interactions(split.train, cut_ms), until_ms)


def before_all_questions(data: TrainingData, target: EventKind, users: Bools) -> TrainingData:
    """What was known before the earliest moment that a ranker is asked about.

    An encoder that learns from behaviour may learn from this and nothing later: otherwise its vectors would know the
    ranker's answers, and the ranker would trust them too much.
    """
    found = moments(data, target, users)
    return found[-1].data if found else data.with_interactions(data.interactions.where(np.zeros(0, np.intp)), 0)
