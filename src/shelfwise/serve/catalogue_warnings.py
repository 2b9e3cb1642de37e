"""`GET /catalogue/warnings`: what is wrong with the catalogue's data, by kind, page by page."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from typing import Annotated

import fastapi
from fastapi import APIRouter, Response

from shelfwise.schemas.insight import FaultyItem, FindingKind, WarningsAnswer
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import Json, plain
from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.cursors import cursor_after, row_of
from shelfwise.serve.service import Current
from shelfwise.store import catalogue

router = APIRouter(tags=["items"], route_class=GuardedRoute)

MAX_PAGE = 500


@router.get("/catalogue/warnings", response_model=WarningsAnswer, responses=documentation.problems(422, 503))
@needs(KeyScope.ADMIN)
async def get_warnings(
    service: Current,
    kind: Annotated[FindingKind | None, fastapi.Query(description="Items of this kind; none: counts only.")] = None,
    limit: Annotated[int, fastapi.Query(ge=1, le=MAX_PAGE)] = 50,
    after: Annotated[str | None, fastapi.Query(max_length=64, description="The `next` of an earlier answer.")] = None,
) -> Response:
    """Counts by kind over the whole catalogue, and the items of one kind; as it was half a minute ago at most.

    The first question after a start, or after a change, waits for a look at every item: seconds at 100,000.
    """
    looked = await service.looks.findings()
    found = looked.findings
    of_kind = [] if kind is None else found.rows[kind]
    start = 0 if after is None else bisect_right(of_kind, row_of(after))
    page = of_kind[start : start + limit]
    entries = await asyncio.to_thread(service.records.reading, lambda connection: catalogue.read_rows(connection, page))
    answer = WarningsAnswer(
        at=looked.at,
        n_items=found.n_items,
        n_without=found.n_without,
        counts={one: len(rows) for one, rows in found.rows.items()},
        items=[
            FaultyItem(
                item_id=entry.item.item_id,
                title=entry.item.title,
                category=entry.item.category,
                price=entry.item.price,
                currency=entry.item.currency,
                kinds=found.of(entry.row),
            )
            for entry in entries
            if not entry.deleted
        ],
        next=cursor_after(page[-1]) if start + limit < len(of_kind) else None,
    )
    return Json(plain(answer))
