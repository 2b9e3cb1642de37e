"""From a query to what may be answered: who asks, what is known of him, and what may be shown to him."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import numpy as np
from sqlalchemy import Connection

from shelfwise.config.shop import ScenarioSpec
from shelfwise.datasets.interactions import DAY_MS
from shelfwise.errors import DataKeyError, ServiceError
from shelfwise.pipeline.budget import Budget
from shelfwise.pipeline.funnel import allowed_for
from shelfwise.pipeline.last_histories import LastHistories
from shelfwise.pipeline.live_model import LiveModel
from shelfwise.pipeline.live_rules import LiveRules, restricted
from shelfwise.pipeline.live_scenarios import LiveScenarios
from shelfwise.pipeline.places import Place
from shelfwise.pipeline.profiles import LiveProfiles
from shelfwise.pipeline.shortfalls import Shortfall, Told
from shelfwise.retrieve.trending import Trending
from shelfwise.rules.plan import Plan
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.devices import device_code
from shelfwise.schemas.ids import VISITOR_PREFIX, Bools, Rows
from shelfwise.schemas.queries import Query
from shelfwise.store import event_log
from shelfwise.store.history_cache import HistoryCache
from shelfwise.store.records import Records
from shelfwise.store.sealing import ALTERED

CLOSED = Told(
    Shortfall.KEY_MISSING, "what the user says is sealed under a key that is not at hand: this answer does without"
)
SPOILT = Told(Shortfall.OTHER, "what the user says was altered since it was sealed: this answer does without")


def unopened(error: DataKeyError) -> Told:
    """What is said where an answer goes on without what the user says."""
    return SPOILT if error.code == ALTERED else CLOSED


AWAY = Told(Shortfall.STORE_AWAY, "the records store cannot be read: this answer goes on from what was known before")
ASK_AGAIN_S = 1.0
"""How long a store that could not be read is left alone."""

log = logging.getLogger("shelfwise.pipeline")

SEEN = 2_000
"""Latest events of a user that count as had before, where repeats are not allowed."""

Composed = Callable[[int], History]
"""Makes up a history at a moment in milliseconds."""

NOTHING: Rows = np.empty(0, np.int32)


def who(query: Query) -> str | None:
    """Whose history counts: the user's, else that of the visitor's session; None for somebody unknown."""
    return query.user_id or (f"{VISITOR_PREFIX}{query.session_id}" if query.session_id else None)


class Asking:
    """Turns queries into places: ids into rows, users into histories, conditions into what may be shown."""

    def __init__(
        self,
        live: LiveModel,
        records: Records,
        rules: LiveRules,
        profiles: LiveProfiles,
        scenarios: LiveScenarios,
    ) -> None:
        self._live = live
        self._model, self._catalogue, self._clock = live.model, live.catalogue, live.clock
        self._records = records
        self._rules = rules
        self._scenarios = scenarios
        self.profiles = profiles
        self.remembered = LastHistories()
        self._away_until = 0.0
        self._silent_until = 0.0
        self._erasures_seen, self._accounts_seen = live.marks.erasures, live.marks.accounts_erased
        self.on_erasure: list[Callable[[], None]] = []
        self.cache: HistoryCache | None = None
        self.on_cached: Callable[[str], None] = lambda _: None
        """Told of every history that is asked of the cache whether it was `kept` or `missed`."""

    def place(self, query: Query, budget: Budget | None = None, composed: Composed | None = None) -> Place:
        """The request in its place of the shop, as that is set now; what could not be done stands in its `degraded`.

        Where the store cannot be read, the answer goes on from what was known when it could.

        Args:
            query: The request.
            budget: Of time, for the place's own list.
            composed: Makes up what the asker did, at the shop's present moment; None: what the log says counts.

        Raises:
            QueryError: there is no such scenario.
        """
        degraded: list[str] = []
        history = self._read(query)
        spec = self._scenarios.named(query.scenario)
        is_away = history is None
        if history is None:
            user = who(query)
            history = History.empty() if user is None else self.remembered.of(user)
            degraded.append(AWAY)
        if composed is not None:
            history = composed(self._clock.now_ms())
        situation, plan = self._told(query, history, degraded, is_away=is_away)
        allowed, pinned = self.allowed(query, spec, situation, plan)
        if not is_away:
            allowed[self._resting(query, spec, degraded)] = False
        if not allowed.any():
            degraded.append(
                Told(Shortfall.NOTHING_ALLOWED, "the request leaves no item of this shop that may be shown")
            )
        short = situation.latest(self._model.config.behaviour.history)
        return Place(
            spec,
            self._model.funnel,
            self._catalogue,
            short,
            allowed,
            self._model.only_purchases,
            degraded,
            plan,
            pinned,
            budget,
            situation,
        )

    def _told(self, query: Query, history: History, degraded: list[str], *, is_away: bool) -> tuple[Situation, Plan]:
        """Who asks, and what the rules do; of whom nothing can be opened, as of whom nothing is known."""
        told: list[str] = []
        try:
            situation = self._asked(query, history, told, is_away=is_away)
            plan = self._rules.plan(query, situation.now_ms, who(query), len(situation.history), is_away=is_away)
        except DataKeyError as error:
            if time.monotonic() >= self._silent_until:
                log.error("answers go on without what users say: %s", error.found)
                self._silent_until = time.monotonic() + ASK_AGAIN_S
            told = [unopened(error)]
            situation = self._asked(query, history, told, is_away=True)
            plan = self._rules.plan(query, situation.now_ms, who(query), len(situation.history), is_away=True)
        degraded.extend(told)
        return situation, plan

    def _read(self, query: Query) -> History | None:
        """What is new in the store, and the user's history; None where the store cannot be read."""
        if time.monotonic() < self._away_until:
            return None  # to ask again at every request would only make all of them late
        try:
            with self._records.glance() as connection:
                self.follow(connection)
                history = self._history(query, connection)
        except ServiceError as error:
            log.warning("answers go on without the store: %s", error.found)
            self._away_until = time.monotonic() + ASK_AGAIN_S
            return None
        user = who(query)
        if user is not None and len(history):
            self.remembered.put(user, history)
        return history

    def forget(self, user_id: str) -> None:
        """Keep nothing of somebody in memory: neither what he did nor what he said of himself, now or earlier.

        A browser never said anything of itself, and anybody may have one erased: what others said is kept.
        """
        self.remembered.forget(user_id)
        if not user_id.startswith(VISITOR_PREFIX):
            self.profiles.clear()

    def follow(self, connection: Connection | None = None) -> None:
        """Take up what any process stored: an answer is never older than what was acknowledged before it."""
        self._live.catch_up(connection)
        self.note_erasures()
        self._rules.follow(self._live.marks.rules)
        self._scenarios.follow(self._live.marks.scenarios)

    def note_erasures(self) -> None:
        """Forget what is remembered of people where somebody was erased: who it was is not written down anywhere."""
        now = self._live.marks
        if now.accounts_erased != self._accounts_seen:
            self._accounts_seen = now.accounts_erased
            self.profiles.clear()
        if now.erasures != self._erasures_seen:
            self._erasures_seen = now.erasures
            self.remembered.clear()
            for forget in self.on_erasure:
                forget()

    def situation(self, query: Query, degraded: list[str]) -> Situation:
        """Who asks, about what; what was left out is added to `degraded`."""
        return self._asked(query, self.history(query), degraded, is_away=False)

    def history(self, query: Query) -> History:
        """What the asker did so far.

        Raises:
            ServiceError: the store cannot be read.
        """
        with self._records.glance() as connection:
            return self._history(query, connection)

    def _history(self, query: Query, connection: Connection) -> History:
        user = who(query)
        if user is None:
            return History.empty()
        return self._live.known(self._cached(user, connection) or self._stored(user, connection))

    def _stored(self, user: str, connection: Connection) -> History:
        found = event_log.recent_events(connection, user, SEEN, self._model.scenario_names)
        if self.cache is not None and self._live.has_seen_all_events:
            self.cache.put(user, found, self._model.name, self._live.marks)
        return found

    def _cached(self, user: str, connection: Connection) -> History | None:
        """What another request, of whichever machine, read of somebody who did nothing since."""
        if self.cache is None or not self._live.has_seen_all_events:
            return None
        kept = self.cache.get(user, self._model.name, self._live.marks)
        is_whole = kept is not None and self._live.interest.is_whole(user, kept.events)
        self.on_cached("kept" if is_whole else "missed")
        return kept.history if kept is not None and is_whole else None

    def _asked(self, query: Query, history: History, degraded: list[str], *, is_away: bool) -> Situation:
        user = who(query)
        context: list[int] = []
        for item_id in query.items:
            row = self._catalogue.row(item_id)
            if row is None:
                clause = f"the context item {item_id!r} is unknown and was left out"
                degraded.append(Told(Shortfall.UNKNOWN_ITEM, clause))
            else:
                context.append(row)
        profile = None if user is None or is_away else self.profiles.of(user, degraded)
        return Situation(
            history,
            self._clock.now_ms(),
            np.array(context, np.int32),
            self._model.had,
            profile,
            self._model.scenario_names.code(query.scenario),
            self._region(query, None if is_away else user, degraded),
            device_code(query.device),
        )

    def _region(self, query: Query, user: str | None, degraded: list[str]) -> str | None:
        """The region that the request names, where its trends are told apart, else the user's own."""
        if query.region is not None:
            if query.region in self.regions:
                return query.region
            clause = f"trends of region {query.region!r} are not told apart: the whole shop's are shown"
            degraded.append(Told(Shortfall.UNKNOWN_REGION, clause))
            return None
        return None if user is None else self._live.home_of(user)

    @property
    def regions(self) -> tuple[str, ...]:
        """Those whose trends are told apart."""
        retrievers = self._model.funnel.retrievers.values()
        return next((one.regions for one in retrievers if isinstance(one, Trending)), ())

    def allowed(self, query: Query, spec: ScenarioSpec, situation: Situation, plan: Plan) -> tuple[Bools, Rows]:
        """What may be shown to this user, and what rules pin of that which may be shown to anybody who asks this."""
        allowed = restricted(self._catalogue.allowed, plan)
        if query.category is not None:
            allowed = allowed & self._catalogue.under(query.category)
        if query.brand is not None:
            allowed = allowed & self._catalogue.brands.named(query.brand)
        if query.filter is not None:
            allowed = allowed & self._rules.filtered(query.filter, situation.now_ms)
        excluded = np.array([row for row in map(self._catalogue.row, query.exclude) if row is not None], np.int32)
        pinned = NOTHING
        if plan.pins:
            for_all = allowed_for(allowed, situation, repeats=True, exclude=excluded)
            pinned = np.array(sorted({pin.row for pin in plan.pins if pin.row >= 0 and for_all[pin.row]}), np.int32)
        return allowed_for(allowed, situation, repeats=self._repeats(spec), exclude=excluded), pinned

    def _resting(self, query: Query, spec: ScenarioSpec, degraded: list[str]) -> Rows:
        """Items that were shown to the user in this place too lately to come again."""
        user = who(query)
        if not spec.rest_d or user is None:
            return NOTHING
        if not self._model.funnel.has_clock:
            clause = "this log has no clock: what was shown here lately cannot be told"
            degraded.append(Told(Shortfall.NO_CLOCK, clause))
            return NOTHING
        since_ms = self._clock.now_ms() - int(spec.rest_d * DAY_MS)
        with self._records.glance() as connection:
            return self.known_rows(event_log.shown_since(connection, user, query.scenario, since_ms))

    def known_rows(self, rows: list[int]) -> Rows:
        """Those of the items that the catalogue in service has."""
        found = np.array(rows, np.int32)
        return found[found < len(self._catalogue)]

    def _repeats(self, spec: ScenarioSpec) -> bool:
        return self._model.repeats if spec.repeats == "inherit" else spec.repeats == "allow"
