"""The offers in force while answering: the shop's file, followed as it changes, and the log of what is answered."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shelfwise.errors import ConfigError
from shelfwise.offers.buyers import Buyers
from shelfwise.offers.ledger import Ledger
from shelfwise.offers.offer_set import FILE_NAME, OfferSet, read_offers
from shelfwise.offers.ready import ReadyOffer, ready, user_fields
from shelfwise.offers.replies import Replies
from shelfwise.offers.response import ResponseModel
from shelfwise.offers.response_features import response_features
from shelfwise.pipeline.live_model import LiveModel
from shelfwise.pipeline.live_rules import LiveRules, open_fields
from shelfwise.pipeline.standing_offers import Standing, standing
from shelfwise.rules.conditions import Condition, Fact, holds
from shelfwise.rules.fields import USER_PREFIX
from shelfwise.schemas.candidates import History
from shelfwise.store import event_log, people
from shelfwise.store.records import Records
from shelfwise.store.scenario_events import ScenarioEvent, newest_seq, scenario_events_after

log = logging.getLogger("shelfwise.offers")

LOOK_EVERY_S = 1.0
"""How often the file and the items are looked at; the log of answers is read on at each request."""

SEEN = 2_000
"""Latest events of a user by which his chance is told."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An offer for one user.

    Attributes:
        standing: The offer.
        chance: Of an answer.
        cost: Expected, in money.
        gain: Expected, in money.
    """

    standing: Standing
    chance: float
    cost: float
    gain: float


class LiveOffers:
    """Follows a shop's offers.

    Attributes:
        problem: Why the file cannot be followed as it is now; None where it can.

    Args:
        live: The model in service.
        records: The shop's; offers stand in their folder.
        rules: Whose columns of the items are used.
    """

    def __init__(self, live: LiveModel, records: Records, rules: LiveRules) -> None:
        self._live, self._records, self._rules = live, records, rules
        self._path = records.folder / FILE_NAME
        self._places = [name for name, spec in live.model.config.scenarios.items() if spec.answer == "offers"]
        self._stamp: tuple[int, int] | None = None
        self._offers: tuple[ReadyOffer, ...] = ()
        self._events: list[ScenarioEvent] = []
        self._seq = 0
        self._ledger, self._replies = Ledger([]), Replies()
        self._standing: list[Standing] = []
        self._looked_at = float("-inf")
        self._lock = threading.Lock()
        self.problem: str | None = None

    @property
    def exist(self) -> bool:
        """Whether the shop has a file of offers."""
        return self._path.is_file()

    @property
    def response(self) -> ResponseModel | None:
        """Who answers; None in a model version that was made before offers were."""
        return self._live.model.response

    def standing(self) -> list[Standing]:
        """Every offer as it stands now; empty without a file, or in a model that knows nothing of offers.

        Cost:
            A look at the events stored since the last call; once a second, one at every item of every offer.
        """
        response = self.response
        if response is None or not self.exist:
            return []
        with self._lock:  # several threads may ask
            return self._followed(response)

    def _followed(self, response: ResponseModel) -> list[Standing]:
        is_news = self._read_on()
        if not is_news and time.monotonic() - self._looked_at < LOOK_EVERY_S:
            return self._standing
        self._looked_at = time.monotonic()
        stat = self._path.stat()
        if self._stamp != (stat.st_mtime_ns, stat.st_size):
            self._stamp = (stat.st_mtime_ns, stat.st_size)
            try:
                self.use(read_offers(self._path))
                self.problem = None
            except ConfigError as error:  # those before stay, and requests are answered
                self.problem = f"{error.where}: {error.found}" if error.where != str(self._path) else error.found
                log.error("%s cannot be followed: %s", self._path, error)
        funnel = self._live.model.funnel
        self._standing = standing(
            self._offers,
            self._ledger,
            self._rules.columns,
            self._live.catalogue.allowed,
            response.demand,
            funnel.state.log_price,
            funnel.vectors,
            self._live.clock.now_ms(),
        )
        return self._standing

    def use(self, offers: OfferSet) -> None:
        """Make these offers from now on.

        Raises:
            ConfigError: a condition cannot be read, or asks of a field what makes no sense.
        """
        self._offers = ready(offers, open_fields(self._rules.columns)[0], user_fields((), is_open=True))

    def _read_on(self) -> bool:
        with self._records.read() as connection:
            newest = newest_seq(connection)
            if newest == self._seq:
                return False
            new = scenario_events_after(connection, self._places, self._seq)
        self._seq = newest
        if not new:
            return False
        self._events += new
        self._ledger = Ledger(self._events)
        self._replies = self._ledger.replies()
        return True

    def choices(self, user: str | None, *, reads_attributes: bool = True) -> list[Choice]:
        """What may be offered to a user, what gains most first, equals in the order written.

        Args:
            user: Who; None for somebody unknown.
            reads_attributes: Whether what the user says counts; else the user is one who says nothing.

        Raises:
            DataKeyError: what the user says cannot be opened.
        """
        response = self.response
        running = [one for one in self.standing() if one.state == "running"]
        if response is None or not running:
            return []
        history, attributes = History.empty(), dict[str, str]()
        if user is not None:
            with self._records.glance() as connection:
                history = self._live.known(event_log.recent_events(connection, user, SEEN))
                attributes = people.attributes_of_one(connection, user) if reads_attributes else {}
        now_ms, funnel = self._live.clock.now_ms(), self._live.model.funnel
        buyers = Buyers.of_histories([history], now_ms, response.demand, funnel.state.log_price, funnel.vectors)
        replies = self._replies.features(np.array([history.user_row]), now_ms)
        found: list[Choice] = []
        for one in running:
            if not one.is_open_to(history.user_row) or not in_audience(one, user, len(history), attributes):
                continue
            features = response_features(buyers, one.items, self.days(one, now_ms))
            chance = response.chances(features, replies)
            cost, gain = one.terms.expected_cost(chance), one.terms.expected_gain(chance)
            found.append(Choice(one, float(chance[0]), float(cost[0]), float(gain[0])))
        return sorted(found, key=lambda one: -one.gain)

    def chances(self, several: Sequence[Standing], buyers: Buyers, user_rows: np.ndarray, now_ms: int) -> np.ndarray:
        """Of many users and offers; shape `(U, O)`.

        Args:
            several: The offers.
            buyers: The users, as of now.
            user_rows: Their rows in the store; shape `(U,)`.
            now_ms: By the shop's clock.
        """
        response = self.response
        if response is None or not several:
            return np.zeros((len(buyers), len(several)))
        replies = self._replies.features(user_rows, now_ms)
        return np.stack(
            [
                response.chances(response_features(buyers, one.items, self.days(one, now_ms)), replies)
                for one in several
            ],
            axis=1,
        )

    def days(self, one: Standing, now_ms: int) -> float:
        """Days in which an offer may still be answered, within what was learned."""
        left = one.offer.days_left(now_ms, self._live.model.config.offers.usual_d)
        return left if self.response is None else self.response.days_that_count(left)


def in_audience(one: Standing, user: str | None, n_events: int, attributes: Mapping[str, str]) -> bool:
    """Whether an offer is for a user."""
    return one.offer.audience is None or is_of(one.offer.audience, user, n_events, attributes)


def is_of(audience: Condition, user: str | None, n_events: int, attributes: Mapping[str, str]) -> bool:
    """Whether a condition over users is true of one."""

    def fact_of(name: str) -> Fact:
        if name == "user":
            return user
        return float(n_events) if name == "events" else attributes.get(name[len(USER_PREFIX) :])

    return bool(holds(audience, fact_of))
