"""Settings with what they brought, and which of them nothing else beats."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import tomlkit

from shelfwise.errors import UnknownError
from shelfwise.metrics import front, hypervolume
from shelfwise.metrics.hypervolume import MOST_OBJECTIVES


@dataclass(frozen=True, slots=True)
class Point:
    """One setting.

    Attributes:
        number: Of the trial; -1 for the shop's own settings.
        options: Of `[rank]`: those that were tried.
        weights: Of the objectives in the order that was judged.
        figures: NDCG@10 by objective.
        is_on_front: Whether no other point is as good in everything and better in something.
    """

    number: int
    options: dict[str, Any]
    weights: dict[str, float]
    figures: dict[str, float]
    is_on_front: bool = False

    def in_words(self) -> str:
        """Options and weights in a line."""
        told = [f"{name} {value}" for name, value in self.options.items() if not isinstance(value, dict)]
        weighed = [f"{value:g} {name}" for name, value in self.weights.items()]
        return f"{', '.join([*told, ''])}{' + '.join(weighed)}"

    def toml(self, scenario: str) -> str:
        """What to write into `shop.toml`: keys of two tables that may be there already."""
        rank = tomlkit.table()
        for name, value in {"use": "multi-objective", **self.options}.items():
            rank.add(name, _inline(value) if isinstance(value, dict) else value)
        place = tomlkit.table()
        place.add("weights", _inline(self.weights))
        document = tomlkit.document()
        document.add("rank", rank)
        document.add("scenarios", tomlkit.table(is_super_table=True).add(scenario, place))
        return tomlkit.dumps(document)


@dataclass(frozen=True, slots=True)
class Front:
    """What a search found.

    Attributes:
        objectives: That were judged.
        not_judged: Objectives that happen in this shop, and of which the later visits tell nothing, or nothing yet.
        goal: The one that a shop earns by.
        scenario: Whose weights the lines for `shop.toml` set.
        own: The shop's own settings.
        points: Every trial, in their order.
        n_learned: Visits that were learned from.
        n_judged: Later visits that were judged on.
    """

    objectives: tuple[str, ...]
    not_judged: tuple[str, ...]
    goal: str
    scenario: str
    own: Point
    points: tuple[Point, ...]
    n_learned: int
    n_judged: int

    @property
    def best(self) -> Point:
        """The point that serves the goal best; of equals, the first."""
        return max((self.own, *self.points), key=lambda one: one.figures[self.goal])

    def point(self, number: int) -> Point:
        """The point of a trial.

        Raises:
            UnknownError: there is none of that number.
        """
        for one in (self.own, *self.points):
            if one.number == number:
                return one
        raise UnknownError(
            f"there is no trial {number}",
            expected=f"one of {', '.join(str(one.number) for one in self.points)}",
            where="--point",
        )

    def volume(self, points: tuple[Point, ...]) -> float | None:
        """Hypervolume of some points above 0; None for more objectives than that is measured for."""
        if len(self.objectives) > MOST_OBJECTIVES:
            return None
        return hypervolume(_table(points, self.objectives), np.zeros(len(self.objectives)))

    def as_document(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            **{name: getattr(self, name) for name in ("goal", "scenario", "n_learned", "n_judged")},
            "objectives": list(self.objectives),
            "not_judged": list(self.not_judged),
            "hypervolume": {"own": self.volume((self.own,)), "all": self.volume((self.own, *self.points))},
            "best": self.best.number,
            "own": {**asdict(self.own), "toml": self.own.toml(self.scenario)},
            "points": [{**asdict(one), "toml": one.toml(self.scenario)} for one in self.points],
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Front:
        """Read what `as_document` wrote."""

        def point(one: dict[str, Any]) -> Point:
            return Point(**{name: value for name, value in one.items() if name != "toml"})

        return cls(
            tuple(document["objectives"]),
            tuple(document["not_judged"]),
            document["goal"],
            document["scenario"],
            point(document["own"]),
            tuple(point(one) for one in document["points"]),
            document["n_learned"],
            document["n_judged"],
        )


def with_front(own: Point, points: list[Point], objectives: tuple[str, ...]) -> tuple[Point, tuple[Point, ...]]:
    """The same points, each told whether it is on the front of all."""
    marks = front(_table((own, *points), objectives)).tolist()
    marked = [
        Point(one.number, one.options, one.weights, one.figures, mark)
        for one, mark in zip((own, *points), marks, strict=True)
    ]
    return marked[0], tuple(marked[1:])


def _table(points: tuple[Point, ...], objectives: tuple[str, ...]) -> Any:
    return np.array([[one.figures[name] for name in objectives] for one in points]).reshape(-1, len(objectives))


def _inline(values: dict[str, float]) -> Any:
    table = tomlkit.inline_table()
    table.update(values)
    return table
