"""What a place of the shop asks for beyond a ranked list: what it needs, which relation, in whose order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from shelfwise.config.shop import ScenarioSpec
from shelfwise.errors import QueryError
from shelfwise.pipeline.alternatives import alternatives
from shelfwise.pipeline.budget import Budget, Stage
from shelfwise.pipeline.bundles import Bundle, bundles
from shelfwise.pipeline.funnel import Funnel, Ranked, in_order, with_items
from shelfwise.pipeline.live_catalogue import LiveCatalogue
from shelfwise.pipeline.merge import NOTHING, merge
from shelfwise.pipeline.shortfalls import Shortfall, Told
from shelfwise.rank.ranker import unpredicted
from shelfwise.retrieve.complements import Complements
from shelfwise.retrieve.cooccurrence import Cooccurrence
from shelfwise.retrieve.retriever import Retriever
from shelfwise.rules.plan import NO_PLAN, Plan
from shelfwise.schemas.candidates import Candidates, History, Situation
from shelfwise.schemas.ids import Bools, Rows
from shelfwise.schemas.queries import Query


def require_answerable(query: Query, spec: ScenarioSpec) -> None:
    """Refuse what cannot be meant, before anything is computed.

    Raises:
        QueryError: the place needs something that the query does not name, a relation or a bundle is asked of no items
            or of a place that has none, or both an alternative and a bundle are.
    """
    named = {"items": bool(query.items), "category": query.category is not None, "brand": query.brand is not None}
    for need in spec.needs:
        if not named[need]:
            raise QueryError(
                f"scenario {query.scenario!r} needs {need}",
                where=need,
                hint=f"name {need} in the query",
                code="missing",
            )
    asked = "bundle" if query.bundle else "relation" if query.relation else None
    if asked is None:
        return
    if not query.items:
        raise QueryError(
            f"{asked} is asked of no items",
            expected="at least one item of the shop",
            where="items",
            hint="name the item looked at, or those in the cart",
            code="missing",
        )
    if query.bundle and query.relation == "alternatives":
        raise QueryError(
            "a bundle of alternatives is asked for",
            expected="complements, or no relation",
            where="relation",
            hint="a bundle never holds two items of a kind",
        )
    relation = query.relation or "complements"
    if not getattr(spec, relation):
        raise QueryError(
            f"scenario {query.scenario!r} has no {relation}",
            expected=f"a scenario whose table names {relation}, such as 'item'",
            where=asked,
            hint=f"add `{relation} = […]` to [scenarios.{query.scenario}] and train again",
            code="no_such_relation",
        )


def in_turn(answers: Mapping[str, Candidates]) -> Ranked:
    """All of the first retriever's candidates in its own order, then what the second adds, and so on.

    Returns:
        Scores are those of the retriever where one alone named anything, else one over the position.
    """
    merged = merge(answers)
    if not len(merged):
        return in_order(merged, unpredicted(np.empty(0, np.float32)))
    named = merged.ranks > 0
    first = np.argmax(named, axis=1)
    places = np.lexsort((np.take_along_axis(merged.ranks, first[:, None], axis=1)[:, 0], first)).astype(np.int32)
    if len(np.unique(first)) == 1:
        scores = merged.scores[places, first[0]]
    else:
        scores = (1 / np.arange(1, len(places) + 1)).astype(np.float32)
    return Ranked(merged.rows[places], scores, merged, places, unpredicted(scores).predictions)


def ask_in_turn(
    retrievers: Mapping[str, Retriever], names: Sequence[str], situation: Situation, allowed: Bools, k: int
) -> tuple[Ranked, list[str]]:
    """Ask one after the other until `k` items are found.

    Returns:
        The candidates, and what to tell of retrievers that had to be stood in for.
    """
    answers: dict[str, Candidates] = {}
    notes: list[str] = []
    found = np.zeros(len(allowed), bool)
    wanted = min(k, int(np.count_nonzero(allowed)))
    for name in names:
        answers[name] = retrievers[name].retrieve(situation, allowed)
        found[answers[name].rows] = True
        n_found = int(np.count_nonzero(found))
        if n_found >= wanted:
            break
        if len(answers) == 1:
            clause = f"retriever {name!r} named {n_found} of {wanted} items: others were asked"
            notes.append(Told(Shortfall.FEW_CANDIDATES, clause))
    return in_turn(answers), notes


@dataclass(frozen=True, slots=True)
class Place:
    """One request in its place.

    Attributes:
        spec: The place.
        situation: Who asks, with the history that the shop looks at.
        allowed: What may be shown; shape `(n,)`.
        only_purchases: Whether the log holds nothing else: then what goes together was bought, not compared.
        degraded: What could not be done is told here.
        plan: What rules do to this request; what they keep out is not allowed.
        pinned: Items that are candidates of the place's own list, whoever names them.
        budget: Of time, for the place's own list.
        whole: The request with all of the history that counts as had.
    """

    spec: ScenarioSpec
    funnel: Funnel
    catalogue: LiveCatalogue
    situation: Situation
    allowed: Bools
    only_purchases: bool
    degraded: list[str]
    plan: Plan = NO_PLAN
    pinned: Rows = field(default_factory=lambda: NOTHING)
    budget: Budget | None = None
    whole: Situation | None = None

    @property
    def context_alone(self) -> Situation:
        """The request without whose it is: what goes with an item does so for everybody."""
        return replace(self.situation, history=History.empty())

    def ranked(self, k: int) -> Ranked:
        """The place's own list; where its retrievers have too little to say, all others are asked too."""
        spec, funnel = self.spec, self.funnel
        wanted = min(k, int(np.count_nonzero(self.allowed)))
        if spec.order == "retrievers":
            others = [name for name, one in funnel.retrievers.items() if one.is_ranked and name not in spec.retrieve]
            found, notes = ask_in_turn(funnel.retrievers, [*spec.retrieve, *others], self.situation, self.allowed, k)
            self.degraded.extend(notes)
            self._lap("retrieve")
            return with_items(found, self.pinned)
        found = funnel.rank(self.situation, self.allowed, spec.retrieve, self.pinned, self.budget, k)
        if self.budget is not None and self.budget.left_out:
            self.degraded.extend(self.budget.left_out)
            return found
        if spec.retrieve and len(found.rows) < wanted:
            clause = "the scenario's retrievers found too little: all were asked"
            self.degraded.append(Told(Shortfall.FEW_CANDIDATES, clause))
            found = funnel.rank(self.situation, self.allowed, also=self.pinned, depth=k)
            self._lap("rank")
        return found

    def alternatives(self, k: int) -> Ranked:
        """What could be taken instead of the context items: of the same kind, where kinds are known."""
        same = self.catalogue.kinds.sharing(self.situation.context)
        if not same.any():
            clause = "the context items have no category: likeness alone says what is an alternative"
            self.degraded.append(Told(Shortfall.NO_CATEGORY, clause))
            same[:] = True
        allowed = self.allowed & same
        judges = {name: self.funnel.retrievers[name] for name in self.spec.alternatives}
        if self.only_purchases and len(judges) > 1:
            judges = {name: one for name, one in judges.items() if not isinstance(one, Cooccurrence)}
        found = alternatives(self.context_alone, allowed, judges, self.funnel.state.log_price)
        self._lap("retrieve")
        self._tell_if_short("alternatives", len(found.rows), min(k, int(allowed.sum())))
        return found

    def complements(self, k: int) -> Ranked:
        """What is taken with the context items: of another kind, where kinds are known."""
        allowed = self._other_kinds()
        names = self.spec.complements
        found, _ = ask_in_turn(self.funnel.retrievers, names, self.context_alone, allowed, k)
        self._lap("retrieve")
        if len(found.rows):
            self._tell_if_short("complements", len(found.rows), min(k, int(allowed.sum())))
            return found
        clause = (
            "nothing is known to be bought together with the context items: the ranker's choice of other kinds is shown"
        )
        self.degraded.append(Told(Shortfall.FEW_CANDIDATES, clause))
        return self.funnel.rank(self.context_alone, allowed)

    def bundles(self, k: int) -> list[Bundle]:
        """Sets of complements that go together.

        Raises:
            QueryError: none of the place's complements can tell how well items go together.
        """
        named = (self.funnel.retrievers[name] for name in self.spec.complements)
        model = next((one for one in named if isinstance(one, Complements)), None)
        if model is None:
            raise QueryError(
                "this scenario's complements cannot tell which items go together",
                expected='a [retrieve.…] table with use = "complements" among them',
                where="bundle",
                code="no_such_relation",
            )
        kinds = self.catalogue.kinds.codes
        allowed = self._other_kinds() & (kinds >= 0)
        found = model.retrieve(self.context_alone, allowed)
        made = bundles(model.seeds(self.context_alone), found.rows, kinds, model, k)
        self._lap("retrieve")
        if not made:
            clause = "no set of items is known to go together and with the context items"
            self.degraded.append(Told(Shortfall.FEW_CANDIDATES, clause))
        return made

    def _other_kinds(self) -> Bools:
        same = self.catalogue.kinds.sharing(self.situation.context)
        if not same.any():
            clause = "the context items have no category: complements may be of the same kind"
            self.degraded.append(Told(Shortfall.NO_CATEGORY, clause))
        return self.allowed & ~same

    def _tell_if_short(self, what: str, n_found: int, n_wanted: int) -> None:
        if n_found < n_wanted:
            clause = f"only {n_found} of {n_wanted} {what} are known"
            self.degraded.append(Told(Shortfall.FEW_CANDIDATES, clause))

    def _lap(self, stage: Stage) -> None:
        if self.budget is not None:
            self.budget.lap(stage)
