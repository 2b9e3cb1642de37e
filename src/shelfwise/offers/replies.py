"""Real answers to offers: who was sent which, who took it, and what that tells of the next one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from shelfwise.datasets.interactions import DAY_MS
from shelfwise.offers.buyers import Ints
from shelfwise.schemas.ids import Bools, Floats, Times

REPLY_NAMES = ("answers", "answers_per_sending", "sendings", "answered_lately")

FADES_D = 60.0
"""Half-life, in days, of an answer's meaning something for the next."""

USUAL_SENDINGS = 20.0
"""Sendings by which nobody's share of answers is taken at its word."""


def _no_users() -> Ints:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Replies:
    """All sendings and all answers of a shop, of whichever offer.

    Attributes:
        answer_users: User row of each answer; shape `(A,)`.
        answer_ms: When; shape `(A,)`.
        sent_users: User row of each sending; shape `(S,)`.
        sent_ms: When; shape `(S,)`.
    """

    answer_users: Ints = field(default_factory=_no_users)
    answer_ms: Times = field(default_factory=_no_users)
    sent_users: Ints = field(default_factory=_no_users)
    sent_ms: Times = field(default_factory=_no_users)

    def before(self, time_ms: int) -> Self:
        """Those known at a moment."""
        answered, sent = self.answer_ms < time_ms, self.sent_ms < time_ms
        return type(self)(
            self.answer_users[answered], self.answer_ms[answered], self.sent_users[sent], self.sent_ms[sent]
        )

    def features(self, users: Ints, now_ms: int) -> Floats:
        """One line a user, from what happened before a moment, in the order of `REPLY_NAMES`; shape `(n, 4)`.

        Args:
            users: Rows, distinct; -1 for somebody unknown.
            now_ms: The moment.
        """
        known = self.before(now_ms)
        n = int(max(users.max(initial=-1), known.answer_users.max(initial=-1), known.sent_users.max(initial=-1))) + 2
        fresh = np.exp2((known.answer_ms - now_ms) / DAY_MS / FADES_D)
        answers = np.bincount(known.answer_users, minlength=n)[users]
        sendings = np.bincount(known.sent_users, minlength=n)[users]
        lately = np.bincount(known.answer_users, fresh, n)[users]
        columns = (
            np.log1p(answers),
            np.log((answers + 0.1) / (sendings + USUAL_SENDINGS)),
            np.log1p(sendings),
            np.log1p(lately),
        )
        return np.stack(columns, axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class PastOffer:
    """An offer that is over.

    Attributes:
        is_member: Its items; shape `(n_items,)`.
        start_ms: When it began.
        end_ms: When it ended.
        sent: Rows of the users to whom it was sent, distinct; shape `(n,)`.
        answered: Which of them took it; shape `(n,)`.
    """

    is_member: Bools
    start_ms: int
    end_ms: int
    sent: Ints
    answered: Bools

    @property
    def days(self) -> float:
        """How long it ran."""
        return max((self.end_ms - self.start_ms) / DAY_MS, 1.0)
