"""How far answers, and what people turn to, have moved from what they were when the model was trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import numpy as np
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from shelfwise.insight.period import moment
from shelfwise.metrics import (
    CHANGED_FROM,
    MOVED_FROM,
    PSI_A_BIT,
    jensen_shannon,
    population_stability_index,
    smoothed,
)
from shelfwise.pipeline.as_trained import AsTrained, Mix, PlaceAsTrained
from shelfwise.schemas.ids import Doubles
from shelfwise.store import drift_counts
from shelfwise.store.drift_counts import WINDOW_S, Cell, Counting

MOST_CHANCE = 0.05
"""Nothing is said before chance alone makes no more than half of what would be read as a move."""

LEAST_CASES = 100
N_MOVED = 5


class Reading(StrEnum):
    """What a figure says, the least first."""

    TOO_FEW = "too_few"
    STABLE = "stable"
    MOVED = "moved"
    CHANGED = "changed"


class CategoryShare(BaseModel):
    """One category, then and now."""

    category: str = Field(description="The beginning of its path; `other`, and `none` of items without one.")
    trained: float
    now: float


class DriftFigure(BaseModel):
    """How far one distribution has moved."""

    reading: Reading = Field(
        description="stable below an index of 0.1, moved up to 0.25, changed above; too_few: nothing can be said yet."
    )
    value: float | None = Field(description="Null where there are too few.")
    n: int = Field(description="Slates, or events, that it is told from.")
    needed: int | None = Field(description="So many it takes; null where the training had too few to tell.")


class MixFigure(DriftFigure):
    """How far a mix of categories has moved: a Jensen-Shannon divergence in bits, 0 to 1."""

    most_moved: list[CategoryShare] = Field(description="The furthest first; empty where there are too few.")


class PlaceDrift(BaseModel):
    """Answers of one place of the shop."""

    scenario: str
    scores: DriftFigure | None = Field(
        description="A population stability index of scores; null where they are no measure: retrievers order here."
    )
    shown: MixFigure | None = Field(
        description="Of the categories shown; null where they are not told apart, or everybody is shown the same."
    )


class DriftReport(BaseModel):
    """How far the last day is from the training of the model in service."""

    version: str | None = Field(description="In service; null before anything was trained.")
    is_stated: bool = Field(description="Whether the version says what its answers were like; older ones do not.")
    begins_at: datetime = Field(description="Of the day that is told of.")
    ends_at: datetime
    reading: Reading = Field(description="The gravest of all.")
    places: list[PlaceDrift] = Field(description="In the order of `shop.toml`.")
    wanted: MixFigure | None = Field(description="Of the categories that people turn to, by events over the API.")


def drift_report(connection: Connection, version: str | None, as_trained: AsTrained | None, now_s: int) -> DriftReport:
    """What was counted in the last day, beside the training.

    Args:
        connection: Any.
        version: In service; None before anything was trained.
        as_trained: What its answers were like; None where it does not say.
        now_s: Seconds since 1970-01-01 UTC.
    """
    places: list[PlaceDrift] = []
    wanted = None
    if version is not None and as_trained is not None:
        counted = drift_counts.read(connection, version, as_trained.places, now_s)
        labels = as_trained.categories.labels
        places = [_place(counted, version, name, place, labels) for name, place in as_trained.places.items()]
        if as_trained.wanted is not None:
            numbers = _numbers(counted, Counting.WANTED, version, "", len(labels))
            n_events = sum(numbers)
            wanted = mix_figure(as_trained.wanted, numbers, [n_events], n_events, labels)
    figures = [one for place in places for one in (place.scores, place.shown)] + [wanted]
    readings = [one.reading for one in figures if one is not None]
    return DriftReport(
        version=version,
        is_stated=as_trained is not None,
        begins_at=moment(now_s - WINDOW_S),
        ends_at=moment(now_s),
        reading=max(readings, key=list(Reading).index, default=Reading.TOO_FEW),
        places=places,
        wanted=wanted,
    )


def score_figure(mix: Mix, numbers: Sequence[int], filled: Sequence[int], n: int) -> DriftFigure:
    """Of scores.

    Args:
        mix: As trained.
        numbers: Items by bin; length B.
        filled: Slates that filled each place; length P.
        n: Slates.
    """
    needed = _needed(mix)
    if needed is None or n < needed:
        return DriftFigure(reading=Reading.TOO_FEW, value=None, n=n, needed=needed)
    now, before = _beside(mix, numbers, filled)
    index = population_stability_index(now, before)
    return DriftFigure(reading=_reading(index), value=round(index, 4), n=n, needed=needed)


def mix_figure(mix: Mix, numbers: Sequence[int], filled: Sequence[int], n: int, labels: Sequence[str]) -> MixFigure:
    """Of categories, called `labels`; see `score_figure`."""
    needed = _needed(mix)
    if needed is None or n < needed:
        return MixFigure(reading=Reading.TOO_FEW, value=None, n=n, needed=needed, most_moved=[])
    now, before = _beside(mix, numbers, filled)
    bits = jensen_shannon(now, before)
    furthest: list[int] = np.argsort(-np.abs(now - before), kind="stable")[:N_MOVED].tolist()
    return MixFigure(
        reading=_reading(bits * PSI_A_BIT),
        value=round(bits, 4),
        n=n,
        needed=needed,
        most_moved=[
            CategoryShare(category=labels[at], trained=round(float(before[at]), 4), now=round(float(now[at]), 4))
            for at in furthest
        ],
    )


def _place(
    counted: Mapping[Cell, int], version: str, name: str, place: PlaceAsTrained, labels: Sequence[str]
) -> PlaceDrift:
    filled = _numbers(counted, Counting.PLACE, version, name, place.n_lines)
    n = sum(filled[:: place.n_places])
    scores = shown = None
    if place.scores is not None:
        scores = score_figure(
            place.scores, _numbers(counted, Counting.SCORE, version, name, len(place.edges) + 1), filled, n
        )
    if place.categories is not None:
        shown = mix_figure(
            place.categories, _numbers(counted, Counting.CATEGORY, version, name, len(labels)), filled, n, labels
        )
    return PlaceDrift(scenario=name, scores=scores, shown=shown)


def _numbers(counted: Mapping[Cell, int], counting: Counting, version: str, scenario: str, length: int) -> list[int]:
    return [counted.get(Cell(counting, version, scenario, bucket), 0) for bucket in range(length)]


def _beside(mix: Mix, numbers: Sequence[int], filled: Sequence[int]) -> tuple[Doubles, Doubles]:
    """Shares now and as trained, of slates as long as those of now."""
    n_items = sum(filled)
    return smoothed(np.array(numbers)), smoothed(mix.expected(filled) * n_items)


def _needed(mix: Mix) -> int | None:
    left = MOST_CHANCE - mix.chance
    return None if left <= 0 else max(LEAST_CASES, math.ceil(mix.spread / left))


def _reading(index: float) -> Reading:
    if index < MOVED_FROM:
        return Reading.STABLE
    return Reading.MOVED if index < CHANGED_FROM else Reading.CHANGED
