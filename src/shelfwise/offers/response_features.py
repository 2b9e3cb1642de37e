"""What the chance is told from that a user buys something of a set of items within some days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from shelfwise.features.text_vectors import TextVectors
from shelfwise.offers.buyers import SHORT_D, Buyers, Demand, bought_days
from shelfwise.schemas.ids import Bools, Doubles, Floats

NAMES = (
    "expected_as_a_rule",
    "expected_lately",
    "share",
    "expected_of_all",
    "days_bought",
    "bought_lately",
    "recency",
    "ever_bought",
    "due",
    "expected_by_rhythm",
    "has_rhythm",
    "user_recency",
    "user_days",
    "likeness",
    "price_above_usual",
    "price_unlike_usual",
    "set_size",
    "looked_lately",
    "days",
    "user_known",
)

DOUBT = (10.0, 50.0)
"""Purchases by which the shop's share of a set counts beside the user's own: as a rule, and lately."""

EXPECTED_AS_A_RULE = NAMES.index("expected_as_a_rule")


@dataclass(frozen=True, slots=True)
class ItemsOnOffer:
    """A set of items as the features see it, at one moment.

    Attributes:
        is_member: Which items; shape `(n_items,)`.
        share: Of all that the shop sells lately.
        log_price: Mean logarithm, by what is bought; NaN where unknown.
        centre: Mean text vector, by what is bought, of length 1; shape `(D,)`; None in a shop without vectors.
    """

    is_member: Bools
    share: float
    log_price: float
    centre: Floats | None

    @classmethod
    def of(cls, is_member: Bools, demand: Demand, log_prices: Floats, vectors: TextVectors | None) -> Self:
        """Sum up a set.

        Args:
            is_member: Shape `(n_items,)`.
            demand: Of the shop.
            log_prices: NaN where unknown; shape `(n_items,)`.
            vectors: Of the items' texts.
        """
        rows = np.flatnonzero(is_member).astype(np.int32)
        shares = demand.of_items(is_member)[rows]
        weights = shares + 1e-9  # what nobody bought counts where nothing else does
        priced = ~np.isnan(log_prices[rows])
        log_price = float(np.average(log_prices[rows][priced], weights=weights[priced])) if priced.any() else np.nan
        centre = None
        if vectors is not None and len(rows):
            found = weights @ vectors.take(rows)[0]
            centre = (found / max(float(np.linalg.norm(found)), 1e-12)).astype(np.float32)
        return cls(is_member, float(shares.sum()), log_price, centre)

    @property
    def n(self) -> int:
        """Items in the set."""
        return int(self.is_member.sum())


def response_features(buyers: Buyers, items: ItemsOnOffer, days: float) -> Floats:
    """One line a user.

    Args:
        buyers: What they did before the moment.
        items: The set.
        days: How long after the moment a purchase counts.

    Returns:
        In the order of `NAMES`; never NaN; shape `(n, F)`.

    Cost:
        O(E) for the events of all of them.
    """
    n = len(buyers)
    users, ages_d = bought_days(buyers, items.is_member)
    n_days = np.bincount(users, minlength=n).astype(np.float64)
    lately = np.bincount(users, np.exp2(-ages_d / SHORT_D), n)
    first_d, last_d = np.zeros(n), np.full(n, np.inf)
    np.maximum.at(first_d, users, ages_d)
    np.minimum.at(last_d, users, ages_d)
    inside = items.is_member[buyers.rows]
    n_inside = np.bincount(buyers.users[inside & buyers.is_purchase], minlength=n)
    looked = np.bincount(buyers.users[inside], np.exp2(-buyers.ages_d[inside] / SHORT_D), n)
    all_lately = np.bincount(buyers.users, np.exp2(-buyers.ages_d / SHORT_D) * buyers.is_purchase, n)
    as_a_rule = (n_inside + DOUBT[0] * items.share) / (buyers.n_bought + DOUBT[0])
    of_late = (lately + DOUBT[1] * items.share) / (np.maximum(all_lately, lately) + DOUBT[1])
    has_rhythm = n_days >= 2
    gap_d = np.where(has_rhythm, (first_d - np.where(has_rhythm, last_d, 0)) / np.maximum(n_days - 1, 1), 1.0)
    gap_d = np.maximum(gap_d, 1.0)
    due = np.where(has_rhythm, np.clip(np.log(np.where(has_rhythm, last_d + 1, 1) / gap_d), -3, 3), 0)
    likeness = np.zeros(n) if buyers.taste is None or items.centre is None else buyers.taste @ items.centre
    price = np.nan_to_num(np.clip(items.log_price - buyers.log_price, -3, 3))
    columns = (
        _log(as_a_rule * buyers.long_per_day * days),
        _log(of_late * buyers.short_per_day * days),
        _log(np.full(n, items.share)),
        _log(buyers.short_per_day * days),
        np.log1p(n_days),
        np.log1p(lately),
        np.exp2(-last_d / SHORT_D),
        n_days > 0,
        due,
        np.where(has_rhythm, np.clip(np.log(days / gap_d), -3, 3), 0),
        has_rhythm,
        np.exp2(-buyers.last_d / SHORT_D),
        np.log1p(buyers.n_days),
        likeness,
        price,
        np.abs(price),
        np.full(n, np.log(max(items.n, 1))),
        np.log1p(looked),
        np.full(n, np.log(days)),
        np.log1p(buyers.known_d),
    )
    return np.stack([np.asarray(column, np.float32) for column in columns], axis=1)


def _log(expected: Doubles) -> Doubles:
    return np.log(np.clip(expected, 1e-6, 1e6))
