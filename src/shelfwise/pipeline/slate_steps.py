"""The last steps to a slate: the place's rerankers, one after the other, and what each of them did to an item."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from shelfwise.config.shop import ScenarioSpec
from shelfwise.datasets.catalogue import Catalogue
from shelfwise.errors import QueryError
from shelfwise.features.text_vectors import TextVectors
from shelfwise.pipeline.funnel import Funnel, Ranked, taken
from shelfwise.pipeline.live_catalogue import LiveCatalogue
from shelfwise.pipeline.named_groups import NamedGroups
from shelfwise.pipeline.shown_counts import ShownCounts
from shelfwise.rerank.exploring import Exploring
from shelfwise.rerank.listed import Grouping, Groups, ItemFacts, Listed, VectorKind
from shelfwise.rerank.reranker import Reranker
from shelfwise.rerank.rules import Rules
from shelfwise.rerank.trading import DEFAULT, TradingOptions
from shelfwise.rules.plan import NO_PLAN, Plan
from shelfwise.schemas.candidates import Situation
from shelfwise.schemas.ids import Rows
from shelfwise.schemas.queries import Diversity, Query

UNNAMED_RULES = Rules(Rules.Config())
"""The step of places that do not say where rules come in."""


class Answering(NamedTuple):
    """What a step is told of the answer that is being made.

    Attributes:
        slate_id: Names it; whatever is drawn at random is drawn from it.
        user_id: None for somebody unknown.
        diversity: What the request asks for; None: nothing, the place's own setting counts.
        rules: What the rules that hold do to the items.
        exploration: Share of the positions to try out; None: the place's own setting counts.
    """

    slate_id: str
    scenario: str
    user_id: str | None
    diversity: Diversity | None = None
    rules: Plan = NO_PLAN
    exploration: float | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What the steps made.

    Attributes:
        ranked: What is shown, in order.
        steps: Of each item, what each step says of it.
        propensities: Of each item, the chance with which it came to its position; None where nothing was drawn.
        best: By position, the item that would stand there, given those above it, had nothing been drawn; None where
            nothing was.
    """

    ranked: Ranked
    steps: list[list[str]]
    propensities: list[float | None]
    best: Rows | None = None


class SlateSteps:
    """The rerankers of a model in service, with what they are told of the items."""

    def __init__(
        self,
        rerankers: Mapping[str, Reranker],
        facts: ItemFacts,
        objectives: tuple[str, ...] = (),
        shown: ShownCounts | None = None,
    ) -> None:
        """Take the steps.

        Args:
            rerankers: By the name of their table.
            facts: What they are told of the items.
            objectives: Names of what the ranker predicts.
            shown: How often items were shown, where answers are logged; None: nobody knows.
        """
        self._rerankers = rerankers
        self._rules_steps = {name for name, one in rerankers.items() if isinstance(one, Rules)}
        self._objectives = objectives
        self._shown = shown
        self.facts = facts

    def require_answerable(self, query: Query, spec: ScenarioSpec) -> None:
        """Refuse what cannot be meant, before anything is computed.

        Raises:
            QueryError: diversity is asked of a place whose rerankers do not trade it.
        """
        self.require_possible(query.scenario, spec, query.diversity, None)

    def require_possible(
        self, scenario: str, spec: ScenarioSpec, diversity: Diversity | None, exploration: float | None
    ) -> None:
        """Refuse settings that none of a place's rerankers reads; None is always possible.

        Raises:
            QueryError: diversity is asked of a place whose rerankers do not trade it, or exploration of one that has
                none which explores.
        """
        if diversity is not None and self.usual_diversity(spec) is None:
            raise QueryError(
                f"scenario {scenario!r} does not trade relevance for diversity",
                expected="a scenario whose `rerank` names such a table, as one with use = 'mmr'",
                where="diversity",
                hint="name one in the scenario's `rerank`, or leave diversity out",
                code="no_diversity",
            )
        if exploration is not None and self.usual_exploration(spec) is None:
            raise QueryError(
                f"scenario {scenario!r} does not explore",
                expected="a scenario whose `rerank` ends with such a table, as one with use = 'thompson'",
                where="exploration",
                hint="name one in the scenario's `rerank`, or leave exploration out",
                code="no_exploration",
            )

    def usual_diversity(self, spec: ScenarioSpec) -> Diversity | None:
        """How varied a place is where a request says nothing; None where none of its rerankers trades diversity."""
        trading = [self._rerankers[name] for name in spec.rerank if self._rerankers[name].trades_diversity]
        if not trading:
            return None
        if spec.diversity is not None:
            return spec.diversity
        own = trading[0].config
        return own.diversity if isinstance(own, TradingOptions) else DEFAULT

    def usual_exploration(self, spec: ScenarioSpec) -> float | None:
        """Share of the positions that a place tries out; None where none of its rerankers explores."""
        exploring = [one for one in (self._rerankers[name] for name in spec.rerank) if isinstance(one, Exploring)]
        if not exploring:
            return None
        return exploring[0].options.share if spec.exploration is None else spec.exploration

    def are_repeatable(self, spec: ScenarioSpec) -> bool:
        """Whether a place's steps make the same of the same: nothing is drawn, and nothing goes by what was shown."""
        return not any(self._rerankers[name].reads_shown or self._rerankers[name].draws for name in spec.rerank)

    def _steps_of(self, spec: ScenarioSpec, plan: Plan) -> list[tuple[str, Reranker]]:
        steps = [(name, self._rerankers[name]) for name in spec.rerank]
        if plan.is_idle or not self._rules_steps.isdisjoint(spec.rerank):
            return steps
        return [("rules", UNNAMED_RULES), *steps]  # whoever forgets to name them has them all the same

    def made(self, ranked: Ranked, spec: ScenarioSpec, k: int, situation: Situation, asked: Answering) -> Made:
        """Make the slate.

        Args:
            ranked: By the weights that the request wants.
            spec: The place.
            k: Items in the slate.
            situation: The request.
            asked: What else the steps are told.
        """
        # Later steps are told of an order and not of who made it: the first has the highest score, whichever it is.
        scores = ranked.scores if _falls(ranked) else -np.sort(-ranked.scores)
        order = np.arange(len(ranked.rows), dtype=np.intp)
        told: dict[int, list[str]] = {}
        chances: dict[int, float] = {}
        held: dict[int, int] = {}
        best: Rows | None = None
        for name, reranker in self._steps_of(spec, asked.rules):
            free = order[~np.isin(order, list(held.values()))] if held else order
            if not len(free):
                break
            listed = Listed(
                ranked.rows[free],
                scores[: len(free)],
                max(k - sum(position < k for position in held), 0),
                self.facts,
                situation,
                asked.scenario,
                asked.slate_id,
                asked.user_id,
                spec.diversity if asked.diversity is None else asked.diversity,
                self._objectives,
                ranked.predictions[free],
                asked.rules,
                self._shown.of(ranked.rows[free]) if reranker.reads_shown and self._shown is not None else None,
                spec.exploration if asked.exploration is None else asked.exploration,
            )
            found = reranker.rerank(listed)
            for place, sentence in found.why.items():
                told.setdefault(int(free[place]), []).append(f"{name}: {sentence}")
            if found.propensities is not None:
                for place, chance in zip(free[found.order].tolist(), found.propensities.tolist(), strict=True):
                    chances[place] = chances.get(place, 1.0) * chance
            if found.best is not None:
                best = ranked.rows[_with_held(free[found.best], {at: one for at, one in held.items() if at < k})]
            order = _with_held(free[found.order], held)
            for position, place in found.held.items():
                held.setdefault(position, int(free[place]))
        places = order[:k].tolist()
        return Made(
            taken(ranked, places),
            [told.get(place, []) for place in places],
            [chances.get(place) for place in places],
            best,
        )


def facts_of(funnel: Funnel, catalogue: LiveCatalogue) -> ItemFacts:
    """What rerankers are told of the items; follows the shop as the catalogue does."""
    return _facts(funnel, {"category": catalogue.kinds, "brand": catalogue.brands, "seller": catalogue.sellers})


def facts_in(funnel: Funnel, catalogue: Catalogue) -> ItemFacts:
    """The same of a catalogue that does not change, as training and evaluation know it."""
    return _facts(funnel, groups_of(catalogue))


def _facts(funnel: Funnel, groups: dict[Grouping, Groups]) -> ItemFacts:
    if funnel.themes is not None:
        groups["theme"] = funnel.themes
    kinds: dict[VectorKind, TextVectors | None] = {
        "text": funnel.vectors,
        "picture": funnel.pictures,
        "behaviour": funnel.behaviour,
    }
    vectors: dict[VectorKind, TextVectors] = {kind: found for kind, found in kinds.items() if found is not None}
    return ItemFacts(funnel.state, groups, vectors)


def groups_of(catalogue: Catalogue) -> dict[Grouping, Groups]:
    """The groups that a catalogue names."""
    found: dict[Grouping, Groups] = {}
    named: tuple[tuple[Grouping, Sequence[Hashable | None]], ...] = (
        ("category", catalogue.paths),
        ("brand", catalogue.brands),
        ("seller", catalogue.sellers),
    )
    for grouping, names in named:
        groups = found[grouping] = NamedGroups()
        for row, name in enumerate(names):
            groups.put(row, name)
    return found


def _falls(ranked: Ranked) -> bool:
    return bool((ranked.scores[1:] <= ranked.scores[:-1]).all())


def _with_held(order: np.ndarray, held: Mapping[int, int]) -> np.ndarray:
    """Put what is held where it belongs; a list that is too short for a position has it at its end."""
    if not held:
        return order
    found = order.tolist()
    for position in sorted(held):
        found.insert(position, held[position])
    return np.array(found, np.intp)
