"""Ask the past: who bought of which set of items within some days, and what was known when they began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.datasets.training_data import TrainingData
from shelfwise.features.text_vectors import TextVectors
from shelfwise.offers.buyers import Buyers, Demand, Ints
from shelfwise.offers.likely_sets import drawn_sets, named_sets
from shelfwise.offers.response_features import NAMES, ItemsOnOffer, response_features
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Bools, Floats, Rows

HORIZONS_D = (7.0, 14.0, 28.0, 56.0)
"""Days that offers run."""

N_MOMENTS = 4
"""Moments at which offers of each length are imagined."""

KNOWN_SHARE = 1 / 3
"""The oldest part of a log in which nothing is asked."""

MAX_USERS, N_SETS = 800, 24
"""Of each moment and length; every one of these users is asked about every one of these sets."""


@dataclass(frozen=True, slots=True)
class Questions:
    """Users and sets of items at moments of the past, and what became of them.

    Attributes:
        features: In the order of `response_features.NAMES`; shape `(N, F)`.
        bought: 1 where the user bought something of the set in time, else 0; shape `(N,)`.
    """

    features: Floats
    bought: Floats

    def __len__(self) -> int:
        return len(self.bought)

    @classmethod
    def together(cls, parts: Sequence[Self]) -> Self:
        """All of several, in order; at least one."""
        return cls(np.concatenate([one.features for one in parts]), np.concatenate([one.bought for one in parts]))


@dataclass(frozen=True, slots=True)
class Moment:
    """When an offer is imagined to begin, and how long it runs."""

    start_ms: int
    days: float

    @property
    def end_ms(self) -> int:
        """The moment from which purchases count no more."""
        return self.start_ms + int(self.days * DAY_MS)


def moments(log: Interactions, now_ms: int) -> tuple[list[Moment], list[Moment]]:
    """When to ask: earlier moments to learn from, and later ones to calibrate by, whose days the earlier do not reach.

    Offers as long as a sixth of the log at most are imagined. The latest stretch of time, as long as the longest of
    them, calibrates; of what comes before, the oldest part is never asked about.

    Returns:
        Both empty where the log is shorter than six of the shortest offers.
    """
    begin_ms = int(np.quantile(log.times_ms, 0.01))
    span_d = (now_ms - begin_ms) / DAY_MS
    horizons = [days for days in HORIZONS_D if days <= span_d / 6]
    if not horizons:
        return [], []
    longest_ms = int(horizons[-1] * DAY_MS)
    earliest_ms = begin_ms + int((now_ms - begin_ms) * KNOWN_SHARE)
    learn: list[Moment] = []
    calibrate: list[Moment] = []
    for days in horizons:
        length_ms = int(days * DAY_MS)
        starts = np.linspace(now_ms - longest_ms, now_ms - length_ms, 1 if days == horizons[-1] else 2)
        calibrate += [Moment(int(start), days) for start in starts]
        last_ms = now_ms - longest_ms - length_ms
        learn += [Moment(int(start), days) for start in np.linspace(min(earliest_ms, last_ms), last_ms, N_MOMENTS)]
    return learn, calibrate


def bought_within(log: Interactions, chosen: Ints, is_member: Bools, moment: Moment) -> Bools:
    """Which of some users bought something of a set in an offer's days; shape `(len(chosen),)`."""
    inside = (log.times_ms >= moment.start_ms) & (log.times_ms < moment.end_ms) & is_member[log.item_rows]
    inside &= log.kinds == CODE_BY_KIND[EventKind.PURCHASE]
    did = np.zeros(log.n_users, bool)
    did[log.user_rows[inside]] = True
    return did[chosen]


class Asker:
    """Asks a shop's past.

    Args:
        data: The shop's.
        may_be_asked: By user row.
    """

    def __init__(self, data: TrainingData, may_be_asked: Bools) -> None:
        self._data, self._may_be_asked = data, may_be_asked
        self._sets: dict[str, list[Rows]] = named_sets(data.catalogue)
        self._vectors = None if data.vectors is None else TextVectors(data.vectors)
        with np.errstate(divide="ignore", invalid="ignore"):
            prices = data.catalogue.prices
            self._log_prices = np.log(np.where(prices > 0, prices, np.nan)).astype(np.float32)
        self._kept: tuple[tuple[int, bytes], Demand, Buyers] | None = None

    def ask(self, moment: Moment, seed: int, max_users: int = MAX_USERS, n_sets: int = N_SETS) -> Questions:
        """Some of those who had done something before a moment, about sets drawn from what was sold before it."""
        log = self._data.interactions
        users = np.unique(log.user_rows[log.times_ms < moment.start_ms])
        users = users[self._may_be_asked[users]]
        users = np.sort(np.random.default_rng(seed).permutation(users)[:max_users]).astype(np.int64)
        demand = self._known(users, moment.start_ms)[0]
        after = log.where((log.times_ms >= moment.start_ms) & (log.times_ms < moment.end_ms))
        features = [np.zeros((0, len(NAMES)), np.float32)]
        bought = [np.zeros(0, bool)]
        for is_member in drawn_sets(self._sets, demand.share, n_sets, seed):
            features.append(self.features(is_member, users, moment.start_ms, moment.days))
            bought.append(bought_within(after, users, is_member, moment))
        return Questions(np.concatenate(features), np.concatenate(bought).astype(np.float32))

    def features(self, is_member: Bools, users: Ints, start_ms: int, days: float) -> Floats:
        """What is known, at a moment, of users and a set of items; shape `(len(users), F)`.

        Args:
            is_member: Shape `(n_items,)`.
            users: Rows, distinct.
            start_ms: The moment.
            days: How long after it a purchase counts.
        """
        demand, buyers = self._known(users, start_ms)
        items = ItemsOnOffer.of(is_member, demand, self._log_prices, self._vectors)
        return response_features(buyers, items, days)

    def _known(self, users: Ints, start_ms: int) -> tuple[Demand, Buyers]:
        """What is asked of one set after the other; the last answer is kept."""
        key = (start_ms, users.tobytes())
        if self._kept is None or self._kept[0] != key:
            before = self._data.interactions.before(start_ms)
            demand = Demand.of(before, start_ms)
            buyers = Buyers.of_log(before, users, start_ms, demand, self._log_prices, self._vectors)
            self._kept = (key, demand, buyers)
        return self._kept[1:]
