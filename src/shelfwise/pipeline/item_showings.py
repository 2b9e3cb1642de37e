"""How an item does where it is shown: in which places and positions, and whether what was predicted comes true."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection

from shelfwise.metrics.proportions import Proportion, proportion
from shelfwise.schemas.events import EventKind
from shelfwise.store import outcomes, slate_log
from shelfwise.store.slate_log import Showing

LOOKED_THROUGH = 20_000
"""Latest answers in which an item is looked for."""

MAX_SHOWINGS = 2_000
"""Of one item, the latest."""

COUNTED = {"click": EventKind.CLICK, "cart": EventKind.CART, "purchase": EventKind.PURCHASE}
"""What may come of showing an item, by the objective that predicts it."""

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
        outcomes: How many of those answers led to each kind of event with it.
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
        rates: Of each of `COUNTED`.
    """

    n_looked_through: int
    n_shown: int
    first_ms: int | None
    last_ms: int | None
    places: list[Placed]
    positions: list[int]
    rates: list[Rate]


def item_showings(connection: Connection, row: int) -> Showings:
    """Look through the latest answers for an item, and for what came of them."""
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
        _by_place(shown, came),
        [positions[place] for place in range(1, max(positions, default=0) + 1)],
        [_rate(objective, kind, shown, came) for objective, kind in COUNTED.items()],
    )


def _by_place(shown: list[Showing], came: dict[str, set[EventKind]]) -> list[Placed]:
    by_scenario: dict[str, list[Showing]] = defaultdict(list)
    for showing in shown:
        by_scenario[showing.scenario].append(showing)
    placed = [
        Placed(
            scenario,
            len(there),
            sum(showing.position for showing in there) / len(there),
            {name: sum(kind in came[one.slate_id] for one in there) for name, kind in COUNTED.items()},
        )
        for scenario, there in by_scenario.items()
    ]
    return sorted(placed, key=lambda one: (-one.n_shown, one.scenario))


def _rate(objective: str, kind: EventKind, shown: list[Showing], came: dict[str, set[EventKind]]) -> Rate:
    expected = [showing.predictions[objective] for showing in shown if objective in showing.predictions]
    n_came = sum(kind in came[showing.slate_id] for showing in shown)
    mean = sum(expected) / len(expected) if expected else None
    return Rate(objective, proportion(n_came, len(shown)), mean, len(expected))
