"""What a place answers that makes offers: those worth most with this user, each with its best items."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from shelfwise.errors import DataKeyError
from shelfwise.pipeline.asking import unopened
from shelfwise.pipeline.funnel import with_items
from shelfwise.pipeline.live_offers import Choice, LiveOffers
from shelfwise.pipeline.place_entries import WordRanked
from shelfwise.pipeline.places import Place
from shelfwise.pipeline.reasons import brand_reason
from shelfwise.schemas.ids import Bools
from shelfwise.schemas.queries import OfferEntry

ITEMS_OF_OFFER = 3
"""Items that are shown of each offer."""


def offer_entries(place: Place, offers: LiveOffers, user: str | None, k: int, worded: WordRanked) -> list[OfferEntry]:
    """At most `k` offers; the place's `degraded` says why there are fewer, and what could not be told.

    Args:
        place: The request in its place.
        offers: The shop's.
        user: Who asks; None for somebody unknown.
        k: Offers wanted.
        worded: Turns ranked items into items with reasons.
    """
    if not offers.exist:
        place.degraded.append("this shop makes no offers: there is no offers.toml in its folder")
        return []
    response = offers.response
    if response is None:
        place.degraded.append("this model version knows nothing of offers: train again")
        return []
    if response.buying is None:
        place.degraded.append(
            "who answers could not be learned here: chances follow from how often is bought of the items"
        )
    try:
        choices = offers.choices(user)
    except DataKeyError as error:
        if (clause := unopened(error)) not in place.degraded:  # who reads profiles has said it
            place.degraded.append(clause)
        choices = offers.choices(user, reads_attributes=False)
    if offers.problem is not None:
        place.degraded.append(f"offers.toml cannot be followed as it is now ({offers.problem}): those before hold")
    entries: list[OfferEntry] = []
    for choice in choices:
        if len(entries) == k:
            break
        entry = _entry(place, choice, len(entries) + 1, response.chance_of, worded)
        if entry is not None:
            entries.append(entry)
    if not entries:
        place.degraded.append("no offer of this shop is open to this user now")
    return entries


def _entry(place: Place, choice: Choice, position: int, chance_of: str, worded: WordRanked) -> OfferEntry | None:
    one, terms = choice.standing, choice.standing.offer.spec
    is_member: Bools = np.zeros(len(place.allowed), bool)
    is_member[: len(one.items.is_member)] = one.items.is_member
    allowed = place.allowed & is_member
    if not allowed.any():
        return None  # all of it was had, excluded, or is kept out by a rule
    ranked = place.funnel.rank(place.situation, allowed, place.spec.retrieve)
    if len(ranked.rows) < ITEMS_OF_OFFER:  # what no retriever named follows in the order of the catalogue
        ranked = with_items(ranked, np.flatnonzero(allowed)[: 2 * ITEMS_OF_OFFER].astype(np.int32))
    items = worded(ranked, place.situation, ITEMS_OF_OFFER)
    end_ms = one.offer.span_ms[1]
    return OfferEntry(
        offer=one.offer.name,
        position=position,
        chance=choice.chance,
        chance_of="answering" if chance_of == "answering" else "buying",
        cost=choice.cost,
        gain=choice.gain,
        discount=terms.discount,
        amount_off=terms.amount_off,
        until=None if np.isinf(end_ms) else datetime.fromtimestamp(end_ms / 1_000, UTC),
        reason=brand_reason(place.situation, is_member, items[0]),
        items=items,
    )
