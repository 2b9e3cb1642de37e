"""`GET /items/{id}/insight`: an item's neighbours, how it does where it is shown, and what is wrong with its data."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import fastapi
from fastapi import APIRouter, Response
from sqlalchemy import Connection

from shelfwise.errors import UnknownError
from shelfwise.pipeline.item_neighbours import Neighbour, item_neighbours
from shelfwise.pipeline.item_showings import Rate, Showings, item_showings, that_happen
from shelfwise.schemas.insight import (
    FindingAnswer,
    InsightAnswer,
    NamedItem,
    NeighbourAnswer,
    PlaceAnswer,
    RateAnswer,
    ShowingsAnswer,
    Side,
)
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import NEVER_KEPT, Json, plain
from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.item_paths import ItemIdInPath
from shelfwise.serve.service import Current, Service
from shelfwise.store import catalogue
from shelfwise.store.catalogue import StoredItem

router = APIRouter(tags=["items"], route_class=GuardedRoute)

MAX_NEIGHBOURS = 50


@router.get(
    "/items/{item_id:path}/insight", response_model=InsightAnswer, responses=documentation.problems(404, 422, 503)
)
@needs(KeyScope.ADMIN)
async def get_insight(
    item_id: ItemIdInPath,
    service: Current,
    k: Annotated[int, fastapi.Query(ge=1, le=MAX_NEIGHBOURS, description="Neighbours by each side.")] = 8,
) -> Response:
    """An item's neighbours, where it was shown and what came of it, and what is wrong with its data.

    Rates are those of events that name the answer's `slate_id`.
    """
    looked = await service.looks.findings()
    found = await asyncio.to_thread(partial(_read, service, item_id, k))
    kinds = looked.findings.of(found.entry.row)
    told = {kind: looked.findings.detail(kind, found.entry.row, found.entry.item.category) for kind in kinds}
    twins = {row for detail in told.values() for row in detail.get("rows", [])}
    rows = twins | {one.row for near in found.near.values() for one in near or []}
    names = await asyncio.to_thread(service.records.reading, lambda connection: _names(connection, rows))
    answer = InsightAnswer(
        item=found.entry.item,
        has_model=service.has_model,
        neighbours={side: _neighbours(near, names) for side, near in found.near.items()},
        showings=_showings(found.showings),
        findings=[
            FindingAnswer(
                kind=kind,
                items=[names[row] for row in detail.get("rows", []) if row in names],
                usual=detail.get("usual"),
            )
            for kind, detail in told.items()
        ],
    )
    return Json(plain(answer), headers=NEVER_KEPT)


@dataclass(frozen=True, slots=True)
class _Read:
    """What a thread reads."""

    entry: StoredItem
    showings: Showings
    near: dict[Side, list[Neighbour] | None]


def _read(service: Service, item_id: str, k: int) -> _Read:
    with service.records.read() as connection:
        entry = catalogue.get(connection, item_id)
        if entry is None or entry.deleted:
            raise UnknownError(f"there is no item {item_id!r}", code="unknown_item")
        config = service.recommender.model.config if service.has_model else service.config
        showings = item_showings(connection, entry.row, that_happen(config.objectives))
    near = item_neighbours(service.recommender, entry.row, k) if service.has_model else dict.fromkeys(Side)
    return _Read(entry, showings, near)


def _names(connection: Connection, rows: set[int]) -> dict[int, NamedItem]:
    return {entry.row: _named(entry) for entry in catalogue.read_rows(connection, rows)}


def _named(entry: StoredItem) -> NamedItem:
    return NamedItem(item_id=entry.item.item_id, title=entry.item.title, has_image=bool(entry.item.image))


def _neighbours(near: list[Neighbour] | None, names: Mapping[int, NamedItem]) -> list[NeighbourAnswer] | None:
    if near is None:
        return None
    return [
        NeighbourAnswer(**names[one.row].model_dump(), likeness=round(one.likeness, 4))
        for one in near
        if one.row in names
    ]


def _showings(showings: Showings) -> ShowingsAnswer:
    return ShowingsAnswer(
        n_looked_through=showings.n_looked_through,
        n_shown=showings.n_shown,
        first_at=_at(showings.first_ms),
        last_at=_at(showings.last_ms),
        places=[
            PlaceAnswer(
                scenario=one.scenario,
                n_shown=one.n_shown,
                mean_position=round(one.mean_position, 2),
                outcomes=one.outcomes,
            )
            for one in showings.places
        ],
        positions=showings.positions,
        rates=[_rate(one) for one in showings.rates],
    )


def _rate(rate: Rate) -> RateAnswer:
    actual = rate.actual
    return RateAnswer(
        objective=rate.objective,
        n=actual.n_hits,
        actual=actual.share,
        low=actual.low,
        high=actual.high,
        predicted=rate.predicted,
        n_predicted=rate.n_predicted,
    )


def _at(moment_ms: int | None) -> datetime | None:
    return None if moment_ms is None else datetime.fromtimestamp(moment_ms / 1_000, UTC)
