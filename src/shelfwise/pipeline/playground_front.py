"""What the settings of a grid would bring for one query: only the last steps are made again, on the same candidates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from shelfwise.errors import QueryError, did_you_mean
from shelfwise.metrics import front
from shelfwise.pipeline.slate_measures import SlateMeasures
from shelfwise.schemas.ids import Rows
from shelfwise.schemas.playground import DISTANCE, RELEVANCE, Front, FrontPoint

STRENGTHS = (0.0, *np.geomspace(0.01, 100.0, 9).tolist())
"""Weights of the second objective against 1 for the first, each in units of the best that a slate can bring of it."""

AT_ODDS = 0.98
"""Share of an objective's best below which another one's best slate is at odds with it."""

DIVERSITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
FINE_DIVERSITIES = tuple(step / 20 for step in range(21))
"""Where diversity is all that can be varied."""


class Setting(NamedTuple):
    """Weights, none for the ranker's own; and diversity, None where the place trades none."""

    weights: dict[str, float]
    diversity: float | None


SlateOf = Callable[[Setting], Rows]
"""The slate that a setting makes."""


def possible(
    slate_of: SlateOf, measures: SlateMeasures, trade: Sequence[str], default: Sequence[str], k: int, *, trades: bool
) -> Front | None:
    """The front of one query.

    Two objectives are weighed against each other, each at several diversities; where the model predicts nothing to
    weigh, relevance stands against diversity alone.

    Args:
        slate_of: Makes a slate of the candidates.
        measures: Of these slates.
        trade: The two objectives, or none.
        default: Objectives that come first where none are named; the second is the first that is at odds with it.
        k: Items in a slate.
        trades: Whether the place trades diversity.

    Returns:
        None where there is nothing to vary.

    Raises:
        QueryError: an objective is named that these candidates are not predicted.

    Cost:
        Fifty-five slates, each some 0.2 ms.
    """
    names = measures.values.names
    for name in trade:
        if name not in names:
            raise QueryError(
                f"nothing is predicted of {name!r} here",
                expected=f"two of {', '.join(names)}" if names else "no objectives: this list is not predicted",
                where="trade",
                hint=did_you_mean(name, names),
                code="unknown_objective",
            )
    if len(names) < 2:
        settings = [Setting({}, diversity) for diversity in FINE_DIVERSITIES] if trades else []
        axes = (DISTANCE, RELEVANCE)
    else:
        axes = (trade[0], trade[1]) if trade else _pair(names, default, measures, k)
        settings = [
            Setting(weights, diversity)
            for diversity in (DIVERSITIES if trades else (None,))
            for weights in _weights(*axes, measures, k)
        ]
    found = [(setting, _on_axes(slate_of(setting), axes, measures)) for setting in settings]
    found = [one for one in found if np.isfinite(one[1]).all()]
    if not found:
        return None
    # Sums of single-precision numbers are not exact: what differs by less is the same.
    is_best = front(np.array([[float(f"{value:.5g}") for value in on_axes] for _, on_axes in found]))
    return Front(
        x=axes[0],
        y=axes[1],
        points=[
            FrontPoint(weights=setting.weights, diversity=setting.diversity, x=x, y=y, is_on_front=bool(best))
            for (setting, (x, y)), best in zip(found, is_best, strict=True)
        ],
    )


def _pair(names: Sequence[str], default: Sequence[str], measures: SlateMeasures, k: int) -> tuple[str, str]:
    """The first objective, and the next that is at odds with it: whose best slate gives up some of the first."""
    first, *others = [name for name in dict.fromkeys([*default, *names]) if name in names]
    values = measures.values
    for name in others:
        brought = float(values.sums(values.scores({name: 1.0}), k)[values.names.index(first)])
        if brought < AT_ODDS * values.best(first, k):
            return first, name
    return first, others[0]


def _weights(first: str, second: str, measures: SlateMeasures, k: int) -> list[dict[str, float]]:
    best = [measures.values.best(name, k) or 1.0 for name in (first, second)]
    against = [{first: 1.0, second: strength * best[0] / best[1]} for strength in STRENGTHS]
    return [*against, {first: 0.0, second: 1.0}]


def _on_axes(rows: Rows, axes: tuple[str, str], measures: SlateMeasures) -> tuple[float, float]:
    if axes == (DISTANCE, RELEVANCE):
        distance = measures.distance(rows)
        return (np.nan if distance is None else distance), measures.relevance(rows)
    told = measures.expected(rows)
    return told[axes[0]], told[axes[1]]
