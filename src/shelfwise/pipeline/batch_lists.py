"""Lists for all users at once: one batch after the other, without words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from shelfwise.config.shop import ScenarioSpec
from shelfwise.datasets.interactions import DAY_MS
from shelfwise.errors import QueryError
from shelfwise.pipeline.asking import NOTHING, Asking
from shelfwise.pipeline.live_model import LiveModel
from shelfwise.pipeline.live_rules import LiveRules
from shelfwise.pipeline.places import Place, require_answerable
from shelfwise.pipeline.slate_steps import Answering, SlateSteps
from shelfwise.pipeline.trade_off import Wanted
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.ids import Bools, Floats, Rows
from shelfwise.schemas.queries import Query
from shelfwise.store import event_log
from shelfwise.store.records import Records

BATCH = 256
"""Users ranked at a time when all are asked for."""


class UserList(NamedTuple):
    """One user's list, without words."""

    user_id: str
    rows: Rows
    scores: Floats


class BatchLists:
    """Asks for every user what one request asks for one."""

    def __init__(self, live: LiveModel, records: Records, rules: LiveRules, asking: Asking, steps: SlateSteps) -> None:
        self._live, self._model = live, live.model
        self._records = records
        self._rules = rules
        self._asking = asking
        self._steps = steps

    def lists(
        self, histories: Iterator[tuple[str, History]], scenario: str, spec: ScenarioSpec, k: int
    ) -> Iterator[UserList]:
        """Lists for many users, in their order; only one batch is held at a time.

        Raises:
            QueryError: the scenario needs what is not the same for everybody, or answers with offers.
        """
        now_ms, asks = self._live.clock.now_ms(), self._model.scenario_names.code(scenario)
        require_answerable(Query(scenario=scenario), spec)
        if spec.answer == "offers":
            raise QueryError(
                f"scenario {scenario!r} answers with offers, which are no lists of items",
                where="scenario",
                hint="`shelfwise offers plan` says who gets which",
            )
        shown: dict[str, list[int]] = {}
        if spec.rest_d and self._model.funnel.has_clock:
            with self._records.read() as connection:
                shown = event_log.shown_to_each_since(connection, scenario, now_ms - int(spec.rest_d * DAY_MS))
        batch: list[tuple[str, Situation]] = []
        for user_id, history in histories:
            batch.append(
                (user_id, Situation(self._live.known(history), now_ms, NOTHING, self._model.had, scenario=asks))
            )
            if len(batch) == BATCH:
                yield from self._of(batch, scenario, spec, k, shown)
                batch = []
        yield from self._of(batch, scenario, spec, k, shown)

    def _of(
        self,
        batch: Sequence[tuple[str, Situation]],
        scenario: str,
        spec: ScenarioSpec,
        k: int,
        shown: Mapping[str, list[int]],
    ) -> Iterator[UserList]:
        n_history = self._model.config.behaviour.history
        profiles = self._asking.profiles.of_many([user_id for user_id, _ in batch])
        regions = self._live.regions_of([user_id for user_id, _ in batch])
        now_ms = batch[0][1].now_ms if batch else 0
        plans = self._rules.plans(scenario, now_ms, [(user_id, len(asked.history)) for user_id, asked in batch])
        query = Query(scenario=scenario)
        requests: list[tuple[Situation, Bools]] = []
        pinned: list[Rows] = []
        for (user_id, situation), profile, region, plan in zip(batch, profiles, regions, plans, strict=True):
            allowed, pins = self._asking.allowed(query, spec, situation, plan)
            allowed[self._asking.known_rows(shown.get(user_id, []))] = False
            requests.append((replace(situation, profile=profile, region=region).latest(n_history), allowed))
            pinned.append(pins)
        funnel, is_ranked = self._model.funnel, spec.order == "ranker"
        wanted = Wanted.of(Query(scenario=scenario), spec, funnel.ranker)
        lists = funnel.rank_many(requests, spec.retrieve, pinned, k) if is_ranked else [None] * len(batch)
        for (user_id, _), (situation, allowed), ranked, plan, pins in zip(
            batch, requests, lists, plans, pinned, strict=True
        ):
            if ranked is None or (spec.retrieve and len(ranked.rows) < k):
                only_purchases = self._model.only_purchases
                place = Place(spec, funnel, self._live.catalogue, situation, allowed, only_purchases, [], plan, pins)
                ranked = funnel.rank(situation, allowed, also=pins, depth=k) if is_ranked else place.ranked(k)
            ranked, _ = wanted.applied(ranked, funnel, k, [])
            if spec.rerank or not plan.is_idle:
                asked = Answering(f"{self._model.name}/{scenario}/{user_id}", scenario, user_id, rules=plan)
                ranked = self._steps.made(ranked, spec, k, situation, asked).ranked
            yield UserList(user_id, ranked.rows[:k], ranked.scores[:k])
