"""Answers queries: ids in, a slate out. Holds one loaded model version and the live catalogue."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import NamedTuple, Required, TypedDict

import numpy as np

from shelfwise.config.shop import ScenarioSpec
from shelfwise.errors import QueryError, UnknownError, did_you_mean
from shelfwise.pipeline.answer_cache import AnswerCache, answer_key
from shelfwise.pipeline.as_trained import Asker
from shelfwise.pipeline.asking import NOTHING, Asking, Composed, who
from shelfwise.pipeline.batch_lists import BatchLists, UserList
from shelfwise.pipeline.budget import Budget, Stage
from shelfwise.pipeline.components import build_rerankers
from shelfwise.pipeline.funnel import Ranked, allowed_for
from shelfwise.pipeline.live_model import LiveModel
from shelfwise.pipeline.live_offers import LiveOffers
from shelfwise.pipeline.live_rules import LiveRules, restricted
from shelfwise.pipeline.live_scenarios import LiveScenarios
from shelfwise.pipeline.model import Model
from shelfwise.pipeline.offer_entries import offer_entries
from shelfwise.pipeline.place_entries import brand_entries, bundle_entries
from shelfwise.pipeline.places import Place, ask_in_turn, require_answerable
from shelfwise.pipeline.playground import Playground
from shelfwise.pipeline.profiles import LiveProfiles
from shelfwise.pipeline.shortfalls import Shortfall, Told, kinds_of
from shelfwise.pipeline.shown_counts import ShownCounts
from shelfwise.pipeline.slate_steps import Answering, SlateSteps, facts_of
from shelfwise.pipeline.trade_off import Wanted
from shelfwise.pipeline.wording import Wording
from shelfwise.retrieve.content import Content
from shelfwise.retrieve.cooccurrence import Cooccurrence
from shelfwise.retrieve.popular import Popular
from shelfwise.retrieve.retriever import Retriever
from shelfwise.retrieve.trending import Trending
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.ids import Rows
from shelfwise.schemas.queries import BrandEntry, Bundle, Expected, OfferEntry, Query, Slate, SlateItem
from shelfwise.store.records import Records

PATIENCE_S = 5.0
"""How long a request waits for the vector of a profile that came after training, unless the caller says."""

SIMILAR, TRENDING = "item", "trending"
"""Scenarios that rules are told of where an item's neighbours or what is trending is asked for."""


class SlateParts(TypedDict, total=False):
    """What a slate holds beside its names."""

    items: Required[list[SlateItem]]
    bundles: list[Bundle]
    brands: list[BrandEntry]
    offers: list[OfferEntry]
    expected: dict[str, Expected]
    rows: Rows
    best: Rows


class Answer(NamedTuple):
    """A slate, and what a log has to know of it.

    Attributes:
        slate: As it is sent.
        user_id: Whose; None for somebody unknown.
        rules_version: In force.
        rows: The slate's items; shape `(k,)`.
        best: By position, the item that would stand there, given those above it, had nothing been drawn.
        stages_s: Seconds that each stage took.
        shortfalls: Kinds of what stands in the slate's `degraded`.
        was_kept: Whether it was made for an earlier request.
        asker: Who asked, as far as scores depend on it.
        is_about_items: Whether the request named an item that the shop knows.
    """

    slate: Slate
    user_id: str | None
    rules_version: int
    rows: Rows
    best: Rows
    stages_s: Mapping[Stage, float]
    shortfalls: frozenset[Shortfall]
    was_kept: bool = False
    asker: Asker = Asker.STRANGER
    is_about_items: bool = False


class Recommender:
    """One model version in service.

    All of it only reads, and may be called from several threads; what changes is taken up by `live`.
    """

    def __init__(
        self, model: Model, records: Records, *, patience_s: float = PATIENCE_S, encodes_at_once: bool = True
    ) -> None:
        """Put a model into service, with the items and events that came after it was trained.

        Args:
            model: In service.
            records: The shop's.
            patience_s: How long a request waits for the vector of a profile that came after training.
            encodes_at_once: See `LiveModel`.
        """
        self.model = model
        self.live = LiveModel(model, records, encodes_at_once=encodes_at_once)
        self.catalogue, self.clock = self.live.catalogue, self.live.clock
        self._records = records
        self._words = Wording(model, self.catalogue)
        self.rules = LiveRules(self.catalogue, records)
        self.offers = LiveOffers(self.live, records, self.rules)
        self.shown = ShownCounts(records)
        self.steps = SlateSteps(
            build_rerankers(model.config),
            facts_of(model.funnel, self.catalogue),
            model.funnel.ranker.objectives,
            self.shown,
        )
        self.scenarios = LiveScenarios(model.config.scenarios, records)
        profiles = LiveProfiles(model, records, patience_s=patience_s)
        self.asking = Asking(self.live, records, self.rules, profiles, self.scenarios)
        self.playground = Playground(self.live, self.asking, self.scenarios, self.steps, self._words)
        self.kept: AnswerCache[SlateParts] | None = None
        self._batches = BatchLists(self.live, records, self.rules, self.asking, self.steps)

    def recommend(self, query: Query, slate_id: str | None = None) -> Slate:
        """Answer one query; see `answer`."""
        return self.answer(query, slate_id).slate

    def answer(
        self,
        query: Query,
        slate_id: str | None = None,
        *,
        late_s: float | None = None,
        composed: Composed | None = None,
    ) -> Answer:
        """Answer one query, with what a log has to know of it.

        An unknown user gets what a stranger should see. Where the scenario's retrievers have too little to say, all
        others are asked, and the answer says so in `degraded`.

        Args:
            query: The request.
            slate_id: Of an answer that is to be made again: what is drawn at random is drawn from it. A new one where
                omitted.
            late_s: How late the request is already; the place's budget of time is less by it. None: there is no
                budget.
            composed: Makes up what the asker did; None: what the log says counts.

        Raises:
            QueryError: there is no such scenario, or the query asks it for what it cannot give.
        """
        spec = self.scenario(query.scenario)
        require_answerable(query, spec)
        self.steps.require_answerable(query, spec)
        slate_id = slate_id or secrets.token_urlsafe(12)
        budget = Budget()
        place = self.asking.place(query, budget, composed)
        if late_s is not None and place.spec.latency_budget_ms:  # as it is set now: the place has just been asked
            budget.limit(place.spec.latency_budget_ms / 1_000 - late_s)
        wanted = Wanted.of(query, place.spec, self.model.funnel.ranker)
        k = query.k or place.spec.k
        budget.lap("store")
        parts, was_kept = self._kept_or_answered(query, place, wanted, k, slate_id)
        best = parts.get("best")
        slate = Slate(
            slate_id=slate_id,
            scenario=query.scenario,
            model_version=self.model.name,
            degraded=place.degraded,
            items=parts["items"],
            bundles=parts.get("bundles", []),
            brands=parts.get("brands", []),
            offers=parts.get("offers", []),
            expected=parts.get("expected", {}),
        )
        rows = parts.get("rows")
        if rows is None:
            rows = np.array([self.catalogue.row(item.item_id) for item in slate.items], np.int32)
        budget.lap("slate")
        best = rows if best is None else best[: len(rows)]
        short = kinds_of(place.degraded)
        asker = Asker.of(place.situation, has_clock=self.model.funnel.has_clock)
        is_about_items = len(place.situation.context) > 0
        return Answer(
            slate, who(query), self.rules.version, rows, best, budget.stages_s, short, was_kept, asker, is_about_items
        )

    def _kept_or_answered(
        self, query: Query, place: Place, wanted: Wanted, k: int, slate_id: str
    ) -> tuple[SlateParts, bool]:
        """What the slate holds, and whether it was kept from an earlier one."""
        if self.kept is None or place.whole is None or not self._is_repeatable(place):
            return self._answered(query, place, wanted, k, slate_id), False
        key = answer_key(query, k, place.whole, self.live)
        kept = self.kept.get(key)
        if kept is not None:
            return kept, True
        found = self._answered(query, place, wanted, k, slate_id)
        if not place.degraded:  # what could not be done may be possible a moment later
            n_items = len(found["items"]) + sum(len(one.items) for one in found.get("bundles", []))
            self.kept.put(key, found, n_items + sum(len(one.items) for one in found.get("brands", [])))
        return found, False

    def _is_repeatable(self, place: Place) -> bool:
        """Whether who asks the same is to see the same.

        Not where something is drawn, counted, resting or given out, where rules may read the clock or the user's
        attributes, or where retrievers order: they are quick, and trends are to be seen as they rise.
        """
        return (
            not place.degraded
            and not place.spec.rest_d
            and place.spec.answer != "offers"
            and place.spec.order == "ranker"
            and place.plan.is_idle
            and place.plan.allowed is None
            and self.steps.are_repeatable(place.spec)
        )

    def candidates(self, query: Query, k: int) -> Ranked:
        """What a slate of `k` would be chosen from, by the ranker's own weights.

        Raises:
            QueryError: there is no such scenario, or the query asks it for what it cannot give.
        """
        require_answerable(query, self.scenario(query.scenario))
        return self.asking.place(query).ranked(k)

    def _answered(self, query: Query, place: Place, wanted: Wanted, k: int, slate_id: str) -> SlateParts:
        if (query.bundle or query.relation) and not len(place.situation.context):
            clause = "none of the context items is known: the scenario's own list is shown"
            place.degraded.append(Told(Shortfall.UNKNOWN_ITEM, clause))
        elif query.bundle:
            return {"items": [], "bundles": bundle_entries(place, k, self._words.named)}
        elif query.relation == "alternatives":
            return {"items": self._words.ranked(place.alternatives(k), place.context_alone, k)}
        elif query.relation == "complements":
            return {"items": self._words.ranked(place.complements(k), place.context_alone, k)}
        elif place.spec.answer == "offers":
            return {"items": [], "offers": offer_entries(place, self.offers, who(query), k, self._words.ranked)}
        elif place.spec.answer == "brands" and query.brand is None:
            brands = brand_entries(place, k, self._words.ranked)
            if brands:
                return {"items": [], "brands": brands}
            clause = "none of the user's candidates has a brand: items are shown"
            place.degraded.append(Told(Shortfall.NO_BRAND, clause))
        ranked, expected = wanted.applied(place.ranked(k), self.model.funnel, k, place.degraded)
        if not place.spec.rerank and place.plan.is_idle:
            items = self._words.ranked(ranked, place.situation, k)
            return {"items": items, "rows": ranked.rows[:k], "expected": expected}
        made = self.steps.made(
            ranked,
            place.spec,
            k,
            place.situation,
            Answering(slate_id, query.scenario, who(query), query.diversity, place.plan),
        )
        return {
            "items": self._words.made(made, place.situation, k),
            "rows": made.ranked.rows[:k],
            "best": made.ranked.rows[:k] if made.best is None else made.best,
            "expected": wanted.brought(made.ranked, self.model.funnel, k, expected, place.degraded),
        }

    def recommend_all(self, histories: Iterator[tuple[str, History]], scenario: str, k: int) -> Iterator[UserList]:
        """Lists for many users, in their order; only one batch is held at a time.

        Raises:
            QueryError: there is no such scenario, or it needs what is not the same for everybody.
        """
        while self.live.follow():
            pass
        self.asking.follow()
        return self._batches.lists(histories, scenario, self.scenario(scenario), k)

    def similar(self, item_id: str, k: int) -> list[SlateItem]:
        """Items like this one: by text and picture, and where there is neither, by what is bought together.

        Raises:
            UnknownError: the shop never had this item.
        """
        self.asking.follow()
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
        self.asking.follow()
        known = self.asking.regions
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
        """A place of the shop as it is set now.

        Raises:
            QueryError: there is no such scenario.
        """
        return self.scenarios.named(name)

    def _first(self, kind: type[Retriever]) -> str | None:
        return next((name for name, found in self.model.funnel.retrievers.items() if isinstance(found, kind)), None)
