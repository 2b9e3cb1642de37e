"""Tries a query: the scenario's own slate and another, of the same candidates. Nothing of it is logged or counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from shelfwise.config.objectives import REVENUE
from shelfwise.errors import QueryError
from shelfwise.pipeline.asking import Asking, who
from shelfwise.pipeline.funnel import Ranked
from shelfwise.pipeline.live_model import LiveModel
from shelfwise.pipeline.live_scenarios import LiveScenarios
from shelfwise.pipeline.places import Place, require_answerable
from shelfwise.pipeline.playground_front import Setting, possible
from shelfwise.pipeline.shortfalls import Shortfall, Told
from shelfwise.pipeline.slate_measures import SlateMeasures
from shelfwise.pipeline.slate_steps import Answering, Made, SlateSteps
from shelfwise.pipeline.trade_off import Wanted, require_predicted
from shelfwise.pipeline.wording import Wording
from shelfwise.schemas.candidates import History
from shelfwise.schemas.events import CODE_BY_KIND
from shelfwise.schemas.ids import Rows
from shelfwise.schemas.playground import (
    PlayedEvent,
    PlayedItem,
    PlayedSlate,
    PlaygroundAnswer,
    PlaygroundQuery,
    Weighable,
)
from shelfwise.schemas.queries import Query, SlateItem
from shelfwise.schemas.scenario_settings import SettingsNow

SLATE_ID = "playground"
"""What is drawn at random is drawn from this name: the same query shows the same, whatever else is turned."""

STEP_MS = 60_000
"""Between two events of a history that somebody made up."""


class Playground:
    """Compares slates of one model in service. It only reads, and may be called from several threads."""

    def __init__(
        self, live: LiveModel, asking: Asking, scenarios: LiveScenarios, steps: SlateSteps, words: Wording
    ) -> None:
        self._model, self._catalogue = live.model, live.catalogue
        self._asking, self._scenarios, self._steps, self._words = asking, scenarios, steps, words

    def compare(self, asked: PlaygroundQuery) -> PlaygroundAnswer:
        """The scenario's own list, and the one that the query asks for.

        Both, and the front where it is asked for, are made of one set of candidates, retrieved and predicted once.

        Raises:
            QueryError: there is no such scenario, it answers with something else than a list, or the query asks it for
                what it cannot give.
        """
        query, ranker = asked.query, self._model.funnel.ranker
        spec = self._scenarios.named(query.scenario)
        require_answerable(query, spec)
        if query.bundle or query.relation or spec.answer == "offers" or (spec.answer == "brands" and not query.brand):
            raise QueryError(
                f"scenario {query.scenario!r} answers this query with something else than the ranker's list",
                expected="a query that is answered by a list of items",
                where="query",
                hint="leave `bundle` and `relation` out; a scenario of brands lists the items of the brand it is asked",
                code="no_list",
            )
        self._steps.require_possible(query.scenario, spec, query.diversity, asked.exploration)
        require_predicted("query.weights", query.weights, ranker)
        require_predicted("query.floors", query.floors, ranker)
        made_up: list[str] = []
        place = self._asking.place(query, composed=self._composed(asked.history, made_up))
        place.degraded[:0] = made_up
        k = query.k or place.spec.k
        ranked = place.ranked(k)
        plain = query.model_copy(update={"weights": {}, "floors": {}, "diversity": None})
        own_order = Wanted.of(plain, place.spec, ranker).applied(ranked, self._model.funnel, k, [])[0]
        measures = SlateMeasures.of(own_order, self._model.funnel, self._steps.facts)
        usual = self._made(plain, place, ranked, k, None, [])
        tried = self._made(query, place, ranked, k, asked.exploration, place.degraded)
        trades = self._steps.usual_diversity(place.spec) is not None

        def slate_of(setting: Setting) -> Rows:
            turned = plain.model_copy(update={"weights": setting.weights, "diversity": setting.diversity})
            none_tried = 0.0 if self._steps.usual_exploration(place.spec) is not None else None
            return self._made(turned, place, ranked, k, none_tried, []).ranked.rows

        weights = self._weights(plain, place)
        front = possible(slate_of, measures, asked.trade, list(weights), k, trades=trades) if asked.front else None
        return PlaygroundAnswer(
            scenario=query.scenario,
            model_version=self._model.name,
            settings_version=self._scenarios.version,
            usual=self._slate(usual, tried, plain, place, measures, None),
            tried=self._slate(tried, usual, query, place, measures, asked.exploration),
            left=[self._catalogue.item_ids[row] for row in usual.ranked.rows[~_in(usual, tried)].tolist()],
            weighable=self._weighable(weights, measures, k),
            trades_diversity=trades,
            explores=self._steps.usual_exploration(place.spec) is not None,
            front=front,
            degraded=place.degraded,
        )

    def _composed(self, events: Sequence[PlayedEvent] | None, degraded: list[str]) -> Callable[[int], History] | None:
        if events is None:
            return None

        def history(now_ms: int) -> History:
            known = [(row, one) for one in events if (row := self._catalogue.row(one.item_id)) is not None]
            for one in events:
                if self._catalogue.row(one.item_id) is None:
                    clause = f"item {one.item_id!r} of the history is unknown and was left out"
                    degraded.append(Told(Shortfall.UNKNOWN_ITEM, clause))
            n = len(known)
            return History(
                np.array([row for row, _ in known], np.int32),
                np.array([CODE_BY_KIND[one.event] for _, one in known], np.int8),
                now_ms - STEP_MS * np.arange(n, 0, -1, dtype=np.int64),
            )

        return history

    def _made(
        self, query: Query, place: Place, ranked: Ranked, k: int, exploration: float | None, degraded: list[str]
    ) -> Made:
        funnel = self._model.funnel
        wanted = Wanted.of(query, place.spec, funnel.ranker)
        ordered, expected = wanted.applied(ranked, funnel, k, degraded)
        asked = Answering(SLATE_ID, query.scenario, who(query), query.diversity, place.plan, exploration)
        made = self._steps.made(ordered, place.spec, k, place.situation, asked)
        wanted.brought(made.ranked, funnel, k, expected, degraded)  # tells of floors that the steps broke
        return made

    def _slate(
        self, made: Made, other: Made, query: Query, place: Place, measures: SlateMeasures, exploration: float | None
    ) -> PlayedSlate:
        rows = made.ranked.rows
        position = {int(row): at for at, row in enumerate(other.ranked.rows.tolist(), start=1)}
        usual, explored = self._steps.usual_diversity(place.spec), self._steps.usual_exploration(place.spec)
        return PlayedSlate(
            settings=SettingsNow(
                weights=self._weights(query, place) if measures.values.names else {},
                diversity=usual if query.diversity is None else query.diversity,
                exploration=explored if exploration is None else exploration,
            ),
            items=[
                self._item(item, row, position.get(row))
                for item, row in zip(self._words.made(made, place.situation, len(rows)), rows.tolist(), strict=True)
            ],
            expected=measures.expected(rows),
            relevance=measures.relevance(rows),
            distance=measures.distance(rows),
        )

    def _item(self, item: SlateItem, row: int, elsewhere: int | None) -> PlayedItem:
        pictures = self._model.funnel.pictures
        return PlayedItem(
            **item.model_dump(),
            elsewhere=elsewhere,
            category=" > ".join(self._catalogue.paths[row]) or None,
            has_picture=pictures is not None and bool(pictures.take(np.array([row], np.int32))[1][0]),
        )

    def _weights(self, query: Query, place: Place) -> dict[str, float]:
        """What counts, the ranker's own weights where nobody says otherwise."""
        ranker = self._model.funnel.ranker
        return dict(Wanted.of(query, place.spec, ranker).weights or ranker.default_weights)

    def _weighable(self, weights: dict[str, float], measures: SlateMeasures, k: int) -> list[Weighable]:
        best = {name: measures.values.best(name, k) for name in measures.values.names}
        all_of_it = sum(weights.get(name, 0.0) * best[name] for name in best)
        specs = self._model.config.objectives
        return [
            Weighable(
                objective=name,
                usual=weights.get(name, 0.0),
                unit=weights.get(name) or (all_of_it / most if most > 0 and all_of_it > 0 else 1.0),
                best=most,
                measure="money" if name == REVENUE else specs[name].measure if name in specs else "happens",
            )
            for name, most in best.items()
        ]


def _in(one: Made, other: Made) -> np.ndarray:
    return np.isin(one.ranked.rows, other.ranked.rows)
