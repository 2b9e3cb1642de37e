"""How an item does where it is shown: in which places and positions, and whether what was predicted comes true."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from shelfwise.config.objectives import ObjectiveSpec
from shelfwise.metrics.proportions import Proportion, proportion
from shelfwise.schemas.events import EventKind
from shelfwise.store import outcomes, slate_log
from shelfwise.store.slate_log import Showing

LOOKED_THROUGH = 20_000
"""Latest answers in which an item is looked for."""

MAX_SHOWINGS = 2_000
"""Of one item, the latest."""

LAST_POSITION = 20
"""Positions behind it are counted together."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What was predicted, and what came.

    Attributes:
        objective: Of what.
        actual: The share of showings that it came of.
        predicted: Mean of what the ranker expected, over the showings of which that was kept; None where of none.
        n_predicted: How many those are.
    """

    objective: str
    actual: Proportion
    predicted: float | None
    n_predicted: int


@dataclass(frozen=True, slots=True)
class Placed:
    """How an item stands in one place of the shop.

    Attributes:
        scenario: The place.
        n_shown: Answers that showed it there.
        mean_position: 1-based.
        outcomes: In how many of those answers each objective happened with it.
    """

    scenario: str
    n_shown: int
    mean_position: float
    outcomes: dict[str, int]


@dataclass(frozen=True, slots=True)
class Showings:
    """How an item does.

    Attributes:
        n_looked_through: Answers in which it was looked for: the latest, at most `LOOKED_THROUGH`.
        n_shown: Answers that showed it, at most `MAX_SHOWINGS`.
        first_ms: When the first of them was given; None without one.
        last_ms: When the last.
        places: By scenario, the most frequent first.
        positions: How often it stood at each position from the first on; behind `LAST_POSITION` counted together.
        rates: Of each objective.
    """

    n_looked_through: int
    n_shown: int
    first_ms: int | None
    last_ms: int | None
    places: list[Placed]
    positions: list[int]
    rates: list[Rate]


KindsByObjective = Mapping[str, frozenset[EventKind]]
"""By which events an objective happens."""


def that_happen(objectives: Mapping[str, ObjectiveSpec]) -> KindsByObjective:
    """Objectives that happen by the kind of an event alone: none of seconds, of ratings, or that may be undone."""
    return {
        name: frozenset(spec.events)
        for name, spec in objectives.items()
        if spec.measure == "happens" and spec.at_least is None and not spec.kept
    }


def item_showings(connection: Connection, row: int, objectives: KindsByObjective) -> Showings:
    """Look through the latest answers for an item, and for what came of them.

    Args:
        connection: To the store.
        row: The item.
        objectives: What may come of showing it, by the names by which rankers predict it.
    """
    shown = slate_log.showings(connection, row, LOOKED_THROUGH, MAX_SHOWINGS)
    came: dict[str, set[EventKind]] = defaultdict(set)
    for one in outcomes.of_slates(connection, [showing.slate_id for showing in shown], row):
        came[one.slate_id].add(one.kind)
    positions = Counter(min(showing.position, LAST_POSITION + 1) for showing in shown)
    return Showings(
        min(slate_log.count(connection), LOOKED_THROUGH),
        len(shown),
        shown[-1].at_ms if shown else None,
        shown[0].at_ms if shown else None,
        _by_place(shown, came, objectives),
        [positions[place] for place in range(1, max(positions, default=0) + 1)],
        [_rate(objective, kinds, shown, came) for objective, kinds in objectives.items()],
    )


def _by_place(shown: list[Showing], came: dict[str, set[EventKind]], objectives: KindsByObjective) -> list[Placed]:
    by_scenario: dict[str, list[Showing]] = defaultdict(list)
    for showing in shown:
        by_scenario[showing.scenario].append(showing)
    placed = [
        Placed(
            scenario,
            len(there),
            sum(showing.position for showing in there) / len(there),
            {name: _n_with(kinds, there, came) for name, kinds in objectives.items()},
        )
        for scenario, there in by_scenario.items()
    ]
    return sorted(placed, key=lambda one: (-one.n_shown, one.scenario))


def _rate(objective: str, kinds: frozenset[EventKind], shown: list[Showing], came: dict[str, set[EventKind]]) -> Rate:
    expected = [showing.predictions[objective] for showing in shown if objective in showing.predictions]
    mean = sum(expected) / len(expected) if expected else None
    return Rate(objective, proportion(_n_with(kinds, shown, came), len(shown)), mean, len(expected))


def _n_with(kinds: frozenset[EventKind], shown: list[Showing], came: dict[str, set[EventKind]]) -> int:
    """How many of the showings led to an event of one of these kinds."""
    return sum(not kinds.isdisjoint(came[one.slate_id]) for one in shown)
