"""What became of offers so far: who answered to which, how often, and what it cost; counted from the log of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfwise.offers.ready import ReadyOffer
from shelfwise.offers.replies import PastOffer, Replies
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Bools, Floats, Rows, Times
from shelfwise.store.scenario_events import ScenarioEvent

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Account:
    """One offer's, as of now.

    Attributes:
        n_answers: Purchases of its items in the places that make offers, while it held; several lines of one moment
            are one answer.
        n_sent: Moments at which it was shown there, where the shop logs that.
        spent: Money let off, and what sending cost.
        answers_by_user: By user row.
    """

    n_answers: int
    n_sent: int
    spent: float
    answers_by_user: dict[int, int]

    def left(self, budget: float | None) -> float:
        """Money that may still be spent; infinite without a budget."""
        return float("inf") if budget is None else max(budget - self.spent, 0.0)


class Ledger:
    """Every event of the places that make offers, as columns.

    Args:
        events: In the order in which they were stored.
    """

    def __init__(self, events: Sequence[ScenarioEvent]) -> None:
        nan = float("nan")
        self.users: Ints = np.array([one.user_row for one in events], np.int64)
        self.rows: Rows = np.array([one.item_row for one in events], np.int32)
        self.times_ms: Times = np.array([one.timestamp_ms for one in events], np.int64)
        self.is_answer: Bools = np.array([one.kind == CODE_BY_KIND[EventKind.PURCHASE] for one in events], bool)
        self._prices = np.array([nan if one.price is None else one.price for one in events], np.float64)
        self._pieces = np.array([1.0 if one.quantity is None else one.quantity for one in events], np.float64)

    def replies(self) -> Replies:
        """All of them, of whichever offer."""
        answered, sent = _moments(self, self.is_answer), _moments(self, ~self.is_answer)
        return Replies(self.users[answered], self.times_ms[answered], self.users[sent], self.times_ms[sent])

    def account(self, offer: ReadyOffer, is_member: Bools, log_prices: Floats) -> Account:
        """What became of one offer.

        An event says of no offer that it answers it: one of an item of two offers counts for both, so that neither
        spends more than it may.

        Args:
            offer: The offer.
            is_member: Its items; shape `(n_items,)`.
            log_prices: Of every item, for lines that name no price; NaN where unknown; shape `(n_items,)`.
        """
        inside = self._of(offer, is_member)
        lines = np.flatnonzero(inside & self.is_answer)
        answers = _moments(self, inside & self.is_answer)
        sent = _moments(self, inside & ~self.is_answer)
        users, counts = np.unique(self.users[answers], return_counts=True)
        if offer.spec.amount_off is not None:
            off = offer.spec.amount_off * len(answers)
        else:
            usual = np.nan_to_num(np.exp(log_prices[self.rows[lines]].astype(np.float64)))
            prices = np.where(np.isnan(self._prices[lines]), usual, self._prices[lines])
            off = float((offer.spec.discount or 0.0) * (prices * self._pieces[lines]).sum())
        by_user = dict(zip(users.tolist(), counts.tolist(), strict=True))
        return Account(len(answers), len(sent), off + offer.spec.cost * len(sent), by_user)

    def past(self, offer: ReadyOffer, is_member: Bools, now_ms: int, everybody: Ints) -> PastOffer | None:
        """What is learned from an offer; None unless it began, is over and was answered to.

        Args:
            offer: The offer.
            is_member: Its items; shape `(n_items,)`.
            now_ms: The present.
            everybody: To whom it was made, where the shop does not log whom it showed it to.
        """
        start_ms, end_ms = offer.span_ms
        if not offer.is_over(now_ms) or np.isinf(start_ms):
            return None
        inside = self._of(offer, is_member)
        answered = np.unique(self.users[inside & self.is_answer])
        if not len(answered):
            return None
        shown = np.unique(self.users[inside & ~self.is_answer])
        sent = np.union1d(shown if len(shown) else everybody, answered)
        return PastOffer(is_member, int(start_ms), int(end_ms), sent, np.isin(sent, answered))

    def _of(self, offer: ReadyOffer, is_member: Bools) -> Bools:
        start_ms, end_ms = offer.span_ms
        known = self.rows < len(is_member)
        inside = np.zeros(len(self.rows), bool)
        inside[known] = is_member[self.rows[known]]
        return inside & (self.times_ms >= start_ms) & (self.times_ms < end_ms)


def _moments(ledger: Ledger, chosen: Bools) -> Ints:
    """Places of the first event of each user's moment, among the chosen."""
    places = np.flatnonzero(chosen)
    pairs = np.stack([ledger.users[places], ledger.times_ms[places]])
    return places[np.sort(np.unique(pairs, axis=1, return_index=True)[1])]
