"""Offers held against the shop: what is misspelt, and what looks like a slip."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from shelfwise.datasets.catalogue import is_allowed
from shelfwise.offers.offer_set import OfferSet
from shelfwise.offers.ready import ReadyOffer, ready, user_fields
from shelfwise.pipeline.live_offers import is_of
from shelfwise.rules.columns import ItemColumns
from shelfwise.rules.conditions import tests
from shelfwise.rules.fields import USER_PREFIX, is_numeric
from shelfwise.schemas.ids import Bools
from shelfwise.store import catalogue as item_store
from shelfwise.store import people
from shelfwise.store.records import Records


class OfferFinding(NamedTuple):
    """One thing that looks like a slip.

    Attributes:
        code: Stable, for machines.
        offer: Its name.
        message: What is odd, and what happens then.
    """

    code: str
    offer: str
    message: str


def check_offers(offers: OfferSet, records: Records, now_ms: int) -> list[OfferFinding]:
    """What looks like a slip, in the order of the offers.

    Args:
        offers: To be checked.
        records: The shop's.
        now_ms: By the shop's clock.

    Raises:
        ConfigError: a condition cannot be read or names a field that nothing has (with the near name).
    """
    columns, shown = ItemColumns(), list[bool]()
    with records.read() as connection:
        for entry in item_store.read_all(connection):
            columns.put(entry)
            shown.append(is_allowed(entry))
        attributes = people.read_attributes(connection)
        values = people.values_by_attribute(connection)
    fields = user_fields(values, (name for name, found in values.items() if is_numeric(found)))
    allowed = np.array(shown, bool)
    return [
        finding
        for offer in ready(offers, columns.fields(), fields)
        for finding in (
            *_of_items(offer, columns, allowed, now_ms),
            *_of_money(offer),
            *_of_times(offer, now_ms),
            *_of_audience(offer, attributes),
        )
    ]


def _of_items(offer: ReadyOffer, columns: ItemColumns, allowed: Bools, now_ms: int) -> Iterator[OfferFinding]:
    is_member = columns.matching(offer.items, now_ms)
    if not is_member.any():
        yield _found("no_items", offer, "no item of the shop is meant by it")
        return
    if not (is_member & allowed).any():
        yield _found("none_shown", offer, "none of its items may be shown now: they are sold out or deleted")
    if not any(columns.get(int(row), "price", now_ms) is not None for row in np.flatnonzero(is_member)):
        yield _found("no_price", offer, "none of its items has a price: what it costs and gains cannot be told")


def _of_money(offer: ReadyOffer) -> Iterator[OfferFinding]:
    spec = offer.spec
    if spec.discount is not None and spec.discount >= spec.margin:
        yield _found(
            "loses_money",
            offer,
            f"it lets off {spec.discount:.0%} of the price where {spec.margin:.0%} are earned: every answer loses "
            "money, and no plan for gain will send it",
        )
    if spec.budget is not None and 0 < spec.budget < spec.cost:
        yield _found("budget_too_small", offer, "its budget does not pay for one sending")


def _of_times(offer: ReadyOffer, now_ms: int) -> Iterator[OfferFinding]:
    if offer.is_over(now_ms):
        yield _found("over", offer, "it is over, by the shop's clock; what was answered to it is learned from")
    elif not offer.has_begun(now_ms):
        yield _found("not_begun", offer, "it has not begun, by the shop's clock")


def _of_audience(offer: ReadyOffer, attributes: dict[int, dict[str, str]]) -> Iterator[OfferFinding]:
    audience = offer.audience
    if audience is None or not all(test.field.startswith(USER_PREFIX) for test in tests(audience)):
        return
    if not any(is_of(audience, None, 0, told) for told in ({}, *attributes.values())):
        yield _found("no_audience", offer, "it is for nobody: no user's attributes fulfil its audience")


def _found(code: str, offer: ReadyOffer, message: str) -> OfferFinding:
    return OfferFinding(code, offer.name, f"offers.{offer.name}: {message}")
