"""Offers made ready: conditions read and typed, times as numbers, and what an answer costs and earns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from shelfwise.datasets.interactions import DAY_MS
from shelfwise.offers.offer_set import Offer, OfferSet
from shelfwise.rules.conditions import Condition
from shelfwise.rules.fields import USER_PREFIX, FieldKind, Fields, typed
from shelfwise.rules.parse import parse
from shelfwise.schemas.ids import Doubles, Floats, Rows

USER_FIELDS = {"user": FieldKind.TEXT, "events": FieldKind.NUMBER}
"""What conditions over users may name, beside their attributes."""


@dataclass(frozen=True, slots=True)
class ReadyOffer:
    """An offer with its conditions typed.

    Attributes:
        name: Of its table.
        spec: As it is written.
        items: Its condition over items.
        audience: Its condition over users; None: everybody.
        span_ms: From when until when it holds.
    """

    name: str
    spec: Offer
    items: Condition
    audience: Condition | None
    span_ms: tuple[float, float]

    def is_over(self, now_ms: int) -> bool:
        """Whether it holds no more."""
        return now_ms >= self.span_ms[1]

    def has_begun(self, now_ms: int) -> bool:
        """Whether it held at some time up to now."""
        return now_ms >= self.span_ms[0]

    def days_left(self, now_ms: int, usual_d: float) -> float:
        """Days in which it may still be answered; the usual number where it names no end."""
        end_ms = self.span_ms[1]
        return usual_d if np.isinf(end_ms) else max((end_ms - now_ms) / DAY_MS, 0.0)


@dataclass(frozen=True, slots=True)
class Terms:
    """What one answer to an offer is expected to be, in money.

    Attributes:
        price: Paid before the discount, for one piece.
        off: Let off.
        earned: Margin less what is let off.
        cost: Of one sending, answered or not.
    """

    price: float
    off: float
    earned: float
    cost: float

    @classmethod
    def of(cls, offer: Offer, price: float) -> Terms:
        """An offer on items at a mean price; a price that is not known counts as 0."""
        price = price if np.isfinite(price) else 0.0
        off = min(offer.amount_off, price) if offer.amount_off is not None else (offer.discount or 0.0) * price
        return cls(price, off, offer.margin * price - off, offer.cost)

    def expected_cost(self, chance: Doubles) -> Doubles:
        """Of a sending with these chances of an answer; shape as given."""
        return self.cost + chance * self.off

    def expected_gain(self, chance: Doubles) -> Doubles:
        """Of the same, less what the sending costs; shape as given."""
        return chance * self.earned - self.cost


def user_fields(attributes: Iterable[str], numeric: Iterable[str] = (), *, is_open: bool = False) -> Fields:
    """What an audience may name; open for offers that were checked before."""
    return Fields(USER_FIELDS, frozenset(attributes), USER_PREFIX, "user", frozenset(numeric), is_open)


def ready(offers: OfferSet, item_fields: Fields, of_users: Fields) -> tuple[ReadyOffer, ...]:
    """All offers with their conditions read and typed, in the order written; those not enabled are left out.

    Raises:
        ConfigError: a condition cannot be read, or names a field that does not exist (with the near name); `where` is
            the path of the key.
    """
    found: list[ReadyOffer] = []
    for name, offer in offers.offers.items():
        path = f"offers.{name}.items"
        items = typed(parse(offer.items, where=path), item_fields, where=path)
        audience = None
        if offer.audience is not None:
            path = f"offers.{name}.audience"
            audience = typed(parse(offer.audience, where=path), of_users, where=path)
        if offer.enabled:
            found.append(ReadyOffer(name, offer, items, audience, offer.span_ms(offers.zone)))
    return tuple(found)


def mean_price(rows: Rows, share: Doubles, log_prices: Floats) -> float:
    """Mean price of some items, by how often each is bought; NaN where none has one.

    Args:
        rows: The items; shape `(N,)`.
        share: Of each in what the shop sells; shape `(N,)`.
        log_prices: NaN where unknown; shape `(N,)`.
    """
    known = ~np.isnan(log_prices)
    if not len(rows) or not known.any():
        return float("nan")
    # What nobody bought yet counts where nothing else does.
    return float(np.average(np.exp(log_prices[known].astype(np.float64)), weights=share[known] + 1e-9))
