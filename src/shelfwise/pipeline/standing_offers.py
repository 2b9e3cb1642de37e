"""The offers of a shop as they stand now: their items, their price, what was answered, what is left of their money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from shelfwise.features.text_vectors import TextVectors
from shelfwise.offers.buyers import Demand
from shelfwise.offers.ledger import Account, Ledger
from shelfwise.offers.ready import ReadyOffer, Terms, mean_price
from shelfwise.offers.response_features import ItemsOnOffer
from shelfwise.rules.columns import ItemColumns
from shelfwise.schemas.ids import Bools, Floats

State = Literal["running", "not begun", "over", "spent", "nothing to show"]


@dataclass(frozen=True, slots=True)
class Standing:
    """One offer.

    Attributes:
        offer: As written, made ready.
        items: Those of its items that may be shown.
        terms: What one answer costs and earns.
        account: What became of it so far.
        state: Only one that is running is shown.
    """

    offer: ReadyOffer
    items: ItemsOnOffer
    terms: Terms
    account: Account
    state: State

    @property
    def left(self) -> float:
        """Money that may still be spent; infinite without a budget."""
        return self.account.left(self.offer.spec.budget)

    def is_open_to(self, user_row: int) -> bool:
        """Whether a user may answer once more."""
        return self.account.answers_by_user.get(user_row, 0) < self.offer.spec.per_user


def standing(
    offers: Sequence[ReadyOffer],
    ledger: Ledger,
    columns: ItemColumns,
    allowed: Bools,
    demand: Demand,
    log_prices: Floats,
    vectors: TextVectors | None,
    now_ms: int,
) -> list[Standing]:
    """Every offer as of a moment.

    Args:
        offers: Made ready.
        ledger: What was answered.
        columns: The items.
        allowed: What may be shown to anybody; shape `(n_items,)`.
        demand: What the shop sells.
        log_prices: NaN where unknown; shape `(n_items,)`.
        vectors: Of the items' texts.
        now_ms: By the shop's clock, which its log is written by.
    """
    found: list[Standing] = []
    for offer in offers:
        # What could be answered to may be out of stock by now: it counts in the account all the same.
        is_member = columns.matching(offer.items, now_ms)
        n = min(len(is_member), len(allowed), len(log_prices))
        shown = is_member[:n] & allowed[:n]
        rows = np.flatnonzero(shown).astype(np.int32)
        terms = Terms.of(offer.spec, mean_price(rows, demand.of_items(shown)[rows], log_prices[rows]))
        account = ledger.account(offer, is_member, log_prices)
        items = ItemsOnOffer.of(shown, demand, log_prices[:n], vectors)
        found.append(Standing(offer, items, terms, account, _state(offer, account, terms, len(rows), now_ms)))
    return found


def _state(offer: ReadyOffer, account: Account, terms: Terms, n_items: int, now_ms: int) -> State:
    if offer.is_over(now_ms):
        return "over"
    if not offer.has_begun(now_ms):
        return "not begun"
    left = account.left(offer.spec.budget)
    if offer.spec.budget is not None and (left <= 0 or left < terms.off + terms.cost):
        return "spent"
    return "running" if n_items else "nothing to show"
