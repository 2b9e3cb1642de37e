"""Accounts of offers against a literal count, one event after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.offers.ledger import Ledger
from shelfwise.offers.offer_set import Offer
from shelfwise.offers.ready import ReadyOffer
from shelfwise.rules.conditions import Test
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.store.scenario_events import ScenarioEvent

PURCHASE, IMPRESSION = CODE_BY_KIND[EventKind.PURCHASE], CODE_BY_KIND[EventKind.IMPRESSION]
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
BEGIN_MS = round(BEGIN.timestamp() * 1_000)
N_ITEMS, PRICES = 4, (1.0, 2.0, 4.0, 8.0)

events = st.builds(
    ScenarioEvent,
    seq=st.just(0),
    user_row=st.integers(0, 2),
    item_row=st.integers(0, N_ITEMS),  # the last came since
    kind=st.sampled_from([PURCHASE, IMPRESSION]),
    timestamp_ms=st.integers(BEGIN_MS - 2, BEGIN_MS + 4),
    price=st.sampled_from([None, 0.5, 3.0]),
    quantity=st.sampled_from([None, 1.0, 2.5]),
)
offers = st.builds(
    Offer,
    items=st.just("price > 0"),
    discount=st.just(0.5),
    until=st.sampled_from([None, BEGIN + timedelta(milliseconds=3)]),
    cost=st.sampled_from([0.0, 0.25]),
    **{"from": st.just(BEGIN)},  # pyright: ignore[reportArgumentType]
)


@given(
    st.lists(events, max_size=12), offers, st.lists(st.booleans(), min_size=N_ITEMS, max_size=N_ITEMS), st.booleans()
)
def test_answers_and_money(log: list[ScenarioEvent], offer: Offer, members: list[bool], in_money: bool) -> None:
    if in_money:
        offer = offer.model_copy(update={"discount": None, "amount_off": 1.5})
    ready = ReadyOffer("one", offer, Test("price", ">", (0.0,)), None, offer.span_ms(ZoneInfo("UTC")))
    found = Ledger(log).account(ready, np.array(members), np.log(np.array(PRICES, np.float32)))
    end_ms = BEGIN_MS + 3 if offer.until is not None else BEGIN_MS + 1_000
    inside = [
        one for one in log if BEGIN_MS <= one.timestamp_ms < end_ms and one.item_row < N_ITEMS and members[one.item_row]
    ]
    bought = [one for one in inside if one.kind == PURCHASE]
    moments = {(one.user_row, one.timestamp_ms) for one in bought}
    shown = {(one.user_row, one.timestamp_ms) for one in inside if one.kind == IMPRESSION}
    paid = sum(
        (PRICES[one.item_row] if one.price is None else one.price) * (1.0 if one.quantity is None else one.quantity)
        for one in bought
    )
    assert (found.n_answers, found.n_sent) == (len(moments), len(shown))
    assert found.spent == pytest.approx((1.5 * len(moments) if in_money else 0.5 * paid) + offer.cost * len(shown))
    assert found.answers_by_user == {
        user: sum(of == user for of, _ in moments) for user in {user for user, _ in moments}
    }
