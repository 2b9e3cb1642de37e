"""What users did until one moment, as the chance of their buying from a set of items is told from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sparse

from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.features.text_vectors import TextVectors
from shelfwise.schemas.candidates import History
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Bools, Doubles, Floats, Rows

SHORT_D, LONG_D = 30.0, 180.0
"""Half-lives, in days, of how busy somebody is: this month, and as a rule."""

DOUBT_D = 30.0
"""Days of the shop's mean user that a user's own rate starts from."""

SHARE_D = 90.0
"""Half-life, in days, of how often an item is bought."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Demand:
    """What a shop sells at one moment.

    Attributes:
        share: Each item's share of all purchases, older ones counting less; shape `(n_items,)`, its sum 1, or 0 where
            nothing was bought yet.
        per_day: Purchases a day of the mean user who ever did anything.
    """

    share: Doubles
    per_day: float

    @classmethod
    def of(cls, log: Interactions, now_ms: int) -> Self:
        """Count what was bought before a moment.

        Args:
            log: Of which nothing is later than the moment.
            now_ms: The moment.
        """
        bought = log.kinds == CODE_BY_KIND[EventKind.PURCHASE]
        ages_d = (now_ms - log.times_ms) / DAY_MS
        weights = np.exp2(-ages_d[bought] / SHARE_D)
        share = np.bincount(log.item_rows[bought], weights, log.n_items)
        first_d = np.zeros(log.n_users)
        np.maximum.at(first_d, log.user_rows, ages_d)
        return cls(share / max(share.sum(), 1e-12), float(bought.sum() / max(first_d.sum(), 1.0)))

    def of_items(self, is_member: Bools) -> Doubles:
        """Shares with room for items that came since, which nobody bought; shape as `is_member`."""
        found = np.zeros(len(is_member))
        n = min(len(is_member), len(self.share))
        found[:n] = self.share[:n]
        return found


@dataclass(frozen=True, slots=True)
class Buyers:
    """Some users' events before one moment, by user and oldest first, and what follows from all of a user's.

    Attributes:
        users: Whose each event is, from 0; shape `(E,)`.
        rows: Of which item; shape `(E,)`.
        ages_d: Days before the moment; shape `(E,)`.
        is_purchase: Which of them are purchases; shape `(E,)`.
        n_bought: Purchases of each user; shape `(n,)`.
        n_days: Days on which each bought something; shape `(n,)`.
        short_per_day: Purchases a day lately, with some doubt; shape `(n,)`.
        long_per_day: Purchases a day as a rule, with some doubt; shape `(n,)`.
        last_d: Days since the last purchase; infinite for none; shape `(n,)`.
        known_d: Days since the first event; shape `(n,)`.
        log_price: Mean logarithm of what was bought; NaN where unknown; shape `(n,)`.
        taste: Mean text vector of what was bought, of length 1, or 0; shape `(n, D)`; None in a shop without vectors.
    """

    users: Ints
    rows: Rows
    ages_d: Doubles
    is_purchase: Bools
    n_bought: Doubles
    n_days: Doubles
    short_per_day: Doubles
    long_per_day: Doubles
    last_d: Doubles
    known_d: Doubles
    log_price: Doubles
    taste: Floats | None

    def __len__(self) -> int:
        return len(self.n_bought)

    @classmethod
    def of(
        cls,
        users: Ints,
        rows: Rows,
        ages_d: Doubles,
        is_purchase: Bools,
        n_users: int,
        demand: Demand,
        log_prices: Floats,
        vectors: TextVectors | None,
    ) -> Self:
        """Sum up events that are sorted by user, then time.

        Args:
            users: From 0 to `n_users - 1`; shape `(E,)`.
            rows: Shape `(E,)`.
            ages_d: At least 0; shape `(E,)`.
            is_purchase: Shape `(E,)`.
            n_users: Users, those without events included.
            demand: The shop's, where a user's own rate starts from.
            log_prices: Of every item that is named; NaN where unknown.
            vectors: Of the items' texts.
        """
        who, what, ages = users[is_purchase], rows[is_purchase], ages_d[is_purchase]
        known_d, last_d = np.zeros(n_users), np.full(n_users, np.inf)
        np.maximum.at(known_d, users, ages_d)
        np.minimum.at(last_d, who, ages)
        prices = log_prices[what]
        has_price = ~np.isnan(prices)
        n_priced = np.bincount(who[has_price], minlength=n_users)
        summed = np.bincount(who[has_price], prices[has_price], n_users)
        return cls(
            users,
            rows,
            ages_d,
            is_purchase,
            np.bincount(who, minlength=n_users).astype(np.float64),
            np.bincount(who[_is_new_day(who, ages)], minlength=n_users).astype(np.float64),
            _per_day(who, ages, known_d, SHORT_D, demand.per_day),
            _per_day(who, ages, known_d, LONG_D, demand.per_day),
            last_d,
            known_d,
            np.where(n_priced > 0, summed / np.maximum(n_priced, 1), np.nan),
            None if vectors is None else _taste(who, what, n_users, vectors),
        )

    @classmethod
    def of_log(
        cls,
        log: Interactions,
        chosen: Ints,
        now_ms: int,
        demand: Demand,
        log_prices: Floats,
        vectors: TextVectors | None,
    ) -> Self:
        """Users of a log of which nothing is later than `now_ms`, by row, in the order of `chosen`."""
        place = np.full(log.n_users, -1, np.int64)
        place[chosen] = np.arange(len(chosen))
        kept = np.flatnonzero(place[log.user_rows] >= 0)
        kept = kept[np.argsort(place[log.user_rows[kept]], kind="stable")]
        ages_d = np.maximum((now_ms - log.times_ms[kept]) / DAY_MS, 0.0)
        bought = log.kinds[kept] == CODE_BY_KIND[EventKind.PURCHASE]
        users = place[log.user_rows[kept]]
        return cls.of(users, log.item_rows[kept], ages_d, bought, len(chosen), demand, log_prices, vectors)

    @classmethod
    def of_histories(
        cls,
        histories: Sequence[History],
        now_ms: int,
        demand: Demand,
        log_prices: Floats,
        vectors: TextVectors | None,
    ) -> Self:
        """Users by what is known of each now."""
        users = np.repeat(np.arange(len(histories)), [len(one) for one in histories])
        nothing = History.empty()
        rows, kinds, times_ms = (
            np.concatenate([getattr(one, name) for one in (nothing, *histories)])
            for name in ("rows", "kinds", "times_ms")
        )
        ages_d = np.maximum((now_ms - times_ms) / DAY_MS, 0.0)
        bought = kinds == CODE_BY_KIND[EventKind.PURCHASE]
        return cls.of(users, rows, ages_d, bought, len(histories), demand, log_prices, vectors)


def _is_new_day(users: Ints, ages_d: Doubles) -> Bools:
    """Which events are the first of their user's on that day, counted back from the moment; shape as given."""
    days = np.floor(ages_d)
    return np.append(True, (users[1:] != users[:-1]) | (days[1:] != days[:-1]))[: len(users)]


def _per_day(users: Ints, ages_d: Doubles, known_d: Doubles, half_life_d: float, usual: float) -> Doubles:
    weighed = np.bincount(users, np.exp2(-ages_d / half_life_d), len(known_d))
    watched_d = half_life_d / np.log(2) * (1 - np.exp2(-known_d / half_life_d))
    return (weighed + usual * DOUBT_D) / (watched_d + DOUBT_D)


def _taste(users: Ints, rows: Rows, n_users: int, vectors: TextVectors) -> Floats:
    distinct, place = np.unique(rows, return_inverse=True)
    counts = sparse.csr_matrix((np.ones(len(rows), np.float32), (users, place)), shape=(n_users, len(distinct)))
    found = np.asarray(counts @ vectors.take(distinct.astype(np.int32))[0], np.float32)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)


def bought_days(buyers: Buyers, is_member: Bools) -> tuple[Ints, Doubles]:
    """Users and ages of the days on which something of a set was bought, by user and oldest first; the same length."""
    inside = buyers.is_purchase & is_member[buyers.rows]
    users, ages_d = buyers.users[inside], buyers.ages_d[inside]
    first = _is_new_day(users, ages_d)
    return users[first], ages_d[first]
