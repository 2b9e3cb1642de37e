"""Answers queries: ids in, a slate out. Holds one loaded model version and the live catalogue."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Required, TypedDict

import numpy as np

from shelfwise.config.shop import ScenarioSpec
from shelfwise.datasets.interactions import DAY_MS
from shelfwise.errors import QueryError, UnknownError, did_you_mean
from shelfwise.pipeline.components import build_rerankers
from shelfwise.pipeline.funnel import Ranked, allowed_for
from shelfwise.pipeline.live_model import LiveModel
from shelfwise.pipeline.live_rules import LiveRules, restricted
from shelfwise.pipeline.model import Model
from shelfwise.pipeline.place_entries import brand_entries, bundle_entries
from shelfwise.pipeline.places import Place, ask_in_turn, require_answerable
from shelfwise.pipeline.profiles import LiveProfiles
from shelfwise.pipeline.shown_counts import ShownCounts
from shelfwise.pipeline.slate_steps import Answering, SlateSteps, facts_of
from shelfwise.pipeline.trade_off import Wanted
from shelfwise.pipeline.wording import Wording
from shelfwise.retrieve.content import Content
from shelfwise.retrieve.cooccurrence import Cooccurrence
from shelfwise.retrieve.popular import Popular
from shelfwise.retrieve.retriever import Retriever
from shelfwise.retrieve.trending import Trending
from shelfwise.rules.plan import Plan
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.devices import device_code
from shelfwise.schemas.ids import VISITOR_PREFIX, Bools, Floats, Rows
from shelfwise.schemas.queries import BrandEntry, Bundle, Expected, Query, Slate, SlateItem
from shelfwise.store import event_log
from shelfwise.store.records import Records

SEEN = 2_000
"""Latest events of a user that count as had before, where repeats are not allowed."""

NOTHING: Rows = np.empty(0, np.int32)

PATIENCE_S = 5.0
"""How long a request waits for the vector of a profile that came after training, unless the caller says."""

SIMILAR, TRENDING = "item", "trending"
"""Scenarios that rules are told of where an item's neighbours or what is trending is asked for."""

BATCH = 256
"""Users ranked at a time when all are asked for."""


class SlateParts(TypedDict, total=False):
    """What a slate holds beside its names."""

    items: Required[list[SlateItem]]
    bundles: list[Bundle]
    brands: list[BrandEntry]
    expected: dict[str, Expected]
    best: Rows


class Answer(NamedTuple):
    """A slate, and what a log has to know of it.

    Attributes:
        slate: As it is sent.
        user_id: Whose; None for somebody unknown.
        rules_version: In force.
        rows: The slate's items; shape `(k,)`.
        best: By position, the item that would stand there, given those above it, had nothing been drawn.
    """

    slate: Slate
    user_id: str | None
    rules_version: int
    rows: Rows
    best: Rows


class UserList(NamedTuple):
    """One user's list, without words; for batches."""

    user_id: str
    rows: Rows
    scores: Floats


class Recommender:
    """One model version in service.

    All of it only reads, and may be called from several threads; what changes is taken up by `live`.
    """

    def __init__(self, model: Model, records: Records, *, patience_s: float = PATIENCE_S) -> None:
        """Put a model into service, with the items and events that came after it was trained.

        Args:
            model: In service.
            records: The shop's.
            patience_s: How long a request waits for the vector of a profile that came after training.
        """
        self.model = model
        self.live = LiveModel(model, records)
        self.catalogue, self.clock = self.live.catalogue, self.live.clock
        self._records = records
        self.profiles = LiveProfiles(model, records, patience_s=patience_s)
        self._words = Wording(model, self.catalogue)
        self.rules = LiveRules(self.catalogue, records)
        self.shown = ShownCounts(records)
        self._steps = SlateSteps(
            build_rerankers(model.config),
            facts_of(model.funnel, self.catalogue),
            model.funnel.ranker.objectives,
            self.shown,
        )

    def recommend(self, query: Query, slate_id: str | None = None) -> Slate:
        """Answer one query; see `answer`."""
        return self.answer(query, slate_id).slate

    def answer(self, query: Query, slate_id: str | None = None) -> Answer:
        """Answer one query, with what a log has to know of it.

        An unknown user gets what a stranger should see. Where the scenario's retrievers have too little to say, all
        others are asked, and the answer says so in `degraded`.

        Args:
            query: The request.
            slate_id: Of an answer that is to be made again: what is drawn at random is drawn from it. A new one where
                omitted.

        Raises:
            QueryError: there is no such scenario, or the query asks it for what it cannot give.
        """
        spec = self.scenario(query.scenario)
        require_answerable(query, spec)
        wanted = Wanted.of(query, spec, self.model.funnel.ranker)
        self._steps.require_answerable(query, spec)
        slate_id = slate_id or secrets.token_urlsafe(12)
        k = query.k or spec.k
        place = self._place(query, spec)
        parts = self._answered(query, place, wanted, k, slate_id)
        best = parts.get("best")
        slate = Slate(
            slate_id=slate_id,
            scenario=query.scenario,
            model_version=self.model.name,
            degraded=place.degraded,
            items=parts["items"],
            bundles=parts.get("bundles", []),
            brands=parts.get("brands", []),
            expected=parts.get("expected", {}),
        )
        rows = np.array([self.catalogue.row(item.item_id) for item in slate.items], np.int32)
        return Answer(slate, _who(query), self.rules.version, rows, rows if best is None else best[: len(rows)])

    def candidates(self, query: Query, k: int) -> Ranked:
        """What a slate of `k` would be chosen from, by the ranker's own weights.

        Raises:
            QueryError: there is no such scenario, or the query asks it for what it cannot give.
        """
        spec = self.scenario(query.scenario)
        require_answerable(query, spec)
        return self._place(query, spec).ranked(k)

    def _place(self, query: Query, spec: ScenarioSpec) -> Place:
        degraded: list[str] = []
        situation = self._situation(query, degraded)
        plan = self.rules.plan(query, situation.now_ms, _who(query), len(situation.history))
        allowed, pinned = self._allowed(query, spec, situation, plan)
        allowed[self._resting(query, spec, degraded)] = False
        if not allowed.any():
            degraded.append("the request leaves no item of this shop that may be shown")
        short = situation.latest(self.model.config.behaviour.history)
        return Place(
            spec,
            self.model.funnel,
            self.catalogue,
            short,
            allowed,
            self.model.only_purchases,
            degraded,
            plan,
            pinned,
        )

    def _answered(self, query: Query, place: Place, wanted: Wanted, k: int, slate_id: str) -> SlateParts:
        if (query.bundle or query.relation) and not len(place.situation.context):
            place.degraded.append("none of the context items is known: the scenario's own list is shown")
        elif query.bundle:
            return {"items": [], "bundles": bundle_entries(place, k, self._words.named)}
        elif query.relation == "alternatives":
            return {"items": self._words.ranked(place.alternatives(k), place.context_alone, k)}
        elif query.relation == "complements":
            return {"items": self._words.ranked(place.complements(k), place.context_alone, k)}
        elif place.spec.answer == "brands" and query.brand is None:
            brands = brand_entries(place, k, self._words.ranked)
            if brands:
                return {"items": [], "brands": brands}
            place.degraded.append("none of the user's candidates has a brand: items are shown")
        ranked, expected = wanted.applied(place.ranked(k), self.model.funnel, k, place.degraded)
        if not place.spec.rerank and place.plan.is_idle:
            return {"items": self._words.ranked(ranked, place.situation, k), "expected": expected}
        made = self._steps.made(
            ranked,
            place.spec,
            k,
            place.situation,
            Answering(slate_id, query.scenario, _who(query), query.diversity, place.plan),
        )
        return {
            "items": self._words.made(made, place.situation, k),
            "best": made.ranked.rows[:k] if made.best is None else made.best,
            "expected": wanted.brought(made.ranked, self.model.funnel, k, expected, place.degraded),
        }

    def _resting(self, query: Query, spec: ScenarioSpec, degraded: list[str]) -> Rows:
        """Items that were shown to the user in this place too lately to come again."""
        user = _who(query)
        if not spec.rest_d or user is None:
            return NOTHING
        if not self.model.funnel.has_clock:
            degraded.append("this log has no clock: what was shown here lately cannot be told")
            return NOTHING
        since_ms = self.clock.now_ms() - int(spec.rest_d * DAY_MS)
        with self._records.read() as connection:
            return self._known_rows(event_log.shown_since(connection, user, query.scenario, since_ms))

    def _known_rows(self, rows: list[int]) -> Rows:
        found = np.array(rows, np.int32)
        return found[found < len(self.catalogue)]

    def recommend_all(self, histories: Iterator[tuple[str, History]], scenario: str, k: int) -> Iterator[UserList]:
        """Lists for many users, in their order; only one batch is held at a time.

        Raises:
            QueryError: there is no such scenario, or it needs what is not the same for everybody.
        """
        spec, now_ms, asks = self.scenario(scenario), self.clock.now_ms(), self.model.scenario_names.code(scenario)
        require_answerable(Query(scenario=scenario), spec)
        shown: dict[str, list[int]] = {}
        if spec.rest_d and self.model.funnel.has_clock:
            with self._records.read() as connection:
                shown = event_log.shown_to_each_since(connection, scenario, now_ms - int(spec.rest_d * DAY_MS))
        batch: list[tuple[str, Situation]] = []
        for user_id, history in histories:
            batch.append((user_id, Situation(self.live.known(history), now_ms, NOTHING, self.model.had, scenario=asks)))
            if len(batch) == BATCH:
                yield from self._lists(batch, scenario, k, shown)
                batch = []
        yield from self._lists(batch, scenario, k, shown)

    def similar(self, item_id: str, k: int) -> list[SlateItem]:
        """Items like this one: by text and picture, and where there is neither, by what is bought together.

        Raises:
            UnknownError: the shop never had this item.
        """
        row = self.catalogue.row(item_id)
        if row is None:
            raise UnknownError(
                f"there is no item {item_id!r}",
                hint=did_you_mean(item_id, self.catalogue.item_ids) if len(self.catalogue) < 50_000 else None,
                code="unknown_item",
            )
        situation = Situation(History.empty(), self.clock.now_ms(), np.array([row], np.int32))
        plan = self.rules.plan(Query(scenario=SIMILAR), situation.now_ms, None, 0)
        allowed = allowed_for(restricted(self.catalogue.allowed, plan), situation, repeats=True)
        for kind in (Content, Cooccurrence):
            name = self._first(kind)
            if name is not None:
                found = self.model.funnel.retrievers[name].retrieve(situation, allowed)
                if len(found):
                    return self._words.named(found, name, k, situation)
        return []

    def trending(self, k: int, category: str | None = None, region: str | None = None) -> list[SlateItem]:
        """What is turned to faster than it was; then what many turn to now.

        Args:
            k: Items at most.
            category: Only items under this path.
            region: Whose trends; None: the whole shop's.

        Raises:
            QueryError: the trends of this region are not told apart.
        """
        known = self._regions()
        if region is not None and region not in known:
            raise QueryError(
                f"trends of region {region!r} are not told apart",
                expected=f"one of {', '.join(known)}" if known else "no region: this shop tells none apart",
                where="region",
                hint=did_you_mean(region, known) or "name users' attribute in [behaviour] region, and train again",
                code="unknown_region",
            )
        asked = Situation(History.empty(), self.clock.now_ms(), NOTHING, region=region)
        plan = self.rules.plan(Query(scenario=TRENDING, category=category), asked.now_ms, None, 0)
        allowed = restricted(self.catalogue.allowed, plan)
        if category is not None:
            allowed = allowed & self.catalogue.under(category)
        names = [name for name in (self._first(Trending), self._first(Popular)) if name is not None]
        found, _ = ask_in_turn(self.model.funnel.retrievers, names, asked, allowed, k)
        return self._words.ranked(found, asked, k)

    def scenario(self, name: str) -> ScenarioSpec:
        """The configuration of a place of the shop.

        Raises:
            QueryError: there is no such scenario.
        """
        scenarios = self.model.config.scenarios
        if name not in scenarios:
            raise QueryError(
                f"there is no scenario {name!r}; known: {', '.join(scenarios)}",
                where="scenario",
                hint=did_you_mean(name, scenarios) or "add a [scenarios.…] table to shop.toml and train again",
                code="unknown_scenario",
            )
        return scenarios[name]

    def _situation(self, query: Query, degraded: list[str]) -> Situation:
        user = _who(query)
        history = History.empty()
        if user is not None:
            with self._records.read() as connection:
                history = self.live.known(event_log.recent_events(connection, user, SEEN, self.model.scenario_names))
        context: list[int] = []
        for item_id in query.items:
            row = self.catalogue.row(item_id)
            if row is None:
                degraded.append(f"the context item {item_id!r} is unknown and was left out")
            else:
                context.append(row)
        profile = None if user is None else self.profiles.of(user, degraded)
        return Situation(
            history,
            self.clock.now_ms(),
            np.array(context, np.int32),
            self.model.had,
            profile,
            self.model.scenario_names.code(query.scenario),
            self._region(query, user, degraded),
            device_code(query.device),
        )

    def _region(self, query: Query, user: str | None, degraded: list[str]) -> str | None:
        """The region that the request names, where its trends are told apart, else the user's own."""
        if query.region is not None:
            if query.region in self._regions():
                return query.region
            degraded.append(f"trends of region {query.region!r} are not told apart: the whole shop's are shown")
            return None
        return None if user is None else self.live.regions_of([user])[0]

    def _regions(self) -> tuple[str, ...]:
        """Those whose trends are told apart."""
        name = self._first(Trending)
        found = None if name is None else self.model.funnel.retrievers[name]
        return found.regions if isinstance(found, Trending) else ()

    def _allowed(self, query: Query, spec: ScenarioSpec, situation: Situation, plan: Plan) -> tuple[Bools, Rows]:
        """What may be shown to this user, and what rules pin of that which may be shown to anybody who asks this."""
        allowed = restricted(self.catalogue.allowed, plan)
        if query.category is not None:
            allowed = allowed & self.catalogue.under(query.category)
        if query.brand is not None:
            allowed = allowed & self.catalogue.brands.named(query.brand)
        if query.filter is not None:
            allowed = allowed & self.rules.filtered(query.filter, situation.now_ms)
        excluded = np.array([row for row in map(self.catalogue.row, query.exclude) if row is not None], np.int32)
        pinned = NOTHING
        if plan.pins:
            for_all = allowed_for(allowed, situation, repeats=True, exclude=excluded)
            pinned = np.array(sorted({pin.row for pin in plan.pins if pin.row >= 0 and for_all[pin.row]}), np.int32)
        return allowed_for(allowed, situation, repeats=self._repeats(spec), exclude=excluded), pinned

    def _repeats(self, spec: ScenarioSpec) -> bool:
        return self.model.repeats if spec.repeats == "inherit" else spec.repeats == "allow"

    def _lists(
        self, batch: Sequence[tuple[str, Situation]], scenario: str, k: int, shown: Mapping[str, list[int]]
    ) -> Iterator[UserList]:
        spec = self.scenario(scenario)
        n_history = self.model.config.behaviour.history
        profiles = self.profiles.of_many([user_id for user_id, _ in batch])
        regions = self.live.regions_of([user_id for user_id, _ in batch])
        now_ms = batch[0][1].now_ms if batch else 0
        plans = self.rules.plans(scenario, now_ms, [(user_id, len(asked.history)) for user_id, asked in batch])
        query = Query(scenario=scenario)
        requests: list[tuple[Situation, Bools]] = []
        pinned: list[Rows] = []
        for (user_id, situation), profile, region, plan in zip(batch, profiles, regions, plans, strict=True):
            allowed, pins = self._allowed(query, spec, situation, plan)
            allowed[self._known_rows(shown.get(user_id, []))] = False
            requests.append((replace(situation, profile=profile, region=region).latest(n_history), allowed))
            pinned.append(pins)
        funnel, is_ranked = self.model.funnel, spec.order == "ranker"
        wanted = Wanted.of(Query(scenario=scenario), spec, funnel.ranker)
        lists = funnel.rank_many(requests, spec.retrieve, pinned) if is_ranked else [None] * len(batch)
        for (user_id, _), (situation, allowed), ranked, plan, pins in zip(
            batch, requests, lists, plans, pinned, strict=True
        ):
            if ranked is None or (spec.retrieve and len(ranked.rows) < k):
                only_purchases = self.model.only_purchases
                place = Place(spec, funnel, self.catalogue, situation, allowed, only_purchases, [], plan, pins)
                ranked = funnel.rank(situation, allowed, also=pins) if is_ranked else place.ranked(k)
            ranked, _ = wanted.applied(ranked, funnel, k, [])
            if spec.rerank or not plan.is_idle:
                asked = Answering(f"{self.model.name}/{scenario}/{user_id}", scenario, user_id, rules=plan)
                ranked = self._steps.made(ranked, spec, k, situation, asked).ranked
            yield UserList(user_id, ranked.rows[:k], ranked.scores[:k])

    def _first(self, kind: type[Retriever]) -> str | None:
        return next((name for name, found in self.model.funnel.retrievers.items() if isinstance(found, kind)), None)


def _who(query: Query) -> str | None:
    return query.user_id or (f"{VISITOR_PREFIX}{query.session_id}" if query.session_id else None)
