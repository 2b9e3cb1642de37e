"""`POST /search`: items by words."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shelfwise.errors import ServiceError
from shelfwise.pipeline.live_rules import restricted
from shelfwise.schemas.events import MAX_ID_CHARS, MAX_QUERY_CHARS
from shelfwise.schemas.ids import Bools
from shelfwise.schemas.keys import KeyKind, KeyScope
from shelfwise.schemas.queries import MAX_FILTER_CHARS, MAX_K, Query
from shelfwise.serve import documentation
from shelfwise.serve.answers import Json
from shelfwise.serve.callers import GuardedRoute, caller_of, needs
from shelfwise.serve.page_filters import require_readable
from shelfwise.serve.service import Current, Service

log = logging.getLogger("shelfwise.serve")

router = APIRouter(tags=["search"], route_class=GuardedRoute)

SCENARIO = "search"
"""What rules are told of where items are searched for."""

MAX_OFFSET = 10_000


class SearchQuery(BaseModel):
    """What is searched for."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"query": "red mug"},
                {"query": "warm lmap", "filter": "price < 20", "category": "Home > Lamps", "k": 10},
            ]
        },
    )

    query: str = Field(min_length=1, max_length=MAX_QUERY_CHARS, description="As it was typed; slips are forgiven.")
    k: int = Field(default=20, ge=1, le=MAX_K, description="Items wanted.")
    offset: int = Field(default=0, ge=0, le=MAX_OFFSET, description="Items to leave out: `next` of the page before.")
    category: str | None = Field(default=None, max_length=1_000, description="Only items under this category path.")
    brand: str | None = Field(default=None, min_length=1, max_length=MAX_ID_CHARS, description="Only of this brand.")
    filter: str | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_FILTER_CHARS,
        description=(
            "Only items of which this condition is true, written as in rules; a browser key filters by what it may "
            "read of items."
        ),
    )


class SearchHit(BaseModel):
    """One item that was found."""

    item_id: str
    position: int = Field(description="1-based, over all pages.")
    score: float = Field(description="Comparable within one search only.")
    title: str | None


class SearchAnswer(BaseModel):
    """Items with all of the words, best first; where there are none, items with some."""

    items: list[SearchHit]
    next: int | None = Field(description="`offset` of the next page; null at the end.")


@router.post("/search", response_model=SearchAnswer, responses=documentation.problems(400, 409, 413, 415, 422))
@needs(KeyScope.RECOMMEND, browsers=True)
async def post_search(sent: SearchQuery, request: Request, service: Current) -> Response:
    """Find items by words in title, brand, category, attributes and description.

    A browser key finds by no attributes but those that it may read. A new or changed item is found once it is
    acknowledged, a deleted or sold-out one no more. What rules block is not found where they hold for the scenario
    `search`.
    """
    caller = caller_of(request)
    require_readable(sent.filter, caller, service.config.storefront)
    index = service.full_text()
    try:
        service.recommender.asking.follow()  # what another process acknowledged is found too
        await service.take_up()
    except ServiceError as error:
        log.warning("found as known before: %s", error.found)
    allowed = _allowed(service, sent)
    end = sent.offset + sent.k
    find = partial(index.find, for_page=caller.kind is KeyKind.BROWSER)
    hits = await asyncio.to_thread(find, sent.query, allowed, end)
    catalogue, page = service.recommender.catalogue, slice(sent.offset, end)
    items = [
        SearchHit(item_id=catalogue.item_ids[row], position=place, score=score, title=catalogue.titles[row])
        for place, (row, score) in enumerate(
            zip(hits.rows[page].tolist(), hits.scores[page].tolist(), strict=True), sent.offset + 1
        )
    ]
    return Json(SearchAnswer(items=items, next=None if hits.is_all or end > MAX_OFFSET else end))


def _allowed(service: Service, sent: SearchQuery) -> Bools:
    """Which items may be found."""
    recommender = service.recommender
    catalogue, now_ms = recommender.catalogue, recommender.clock.now_ms()
    asked = Query(scenario=SCENARIO, category=sent.category, brand=sent.brand)
    allowed = restricted(catalogue.allowed, recommender.rules.plan(asked, now_ms, None, 0))
    if sent.category is not None:
        allowed = allowed & catalogue.under(sent.category)
    if sent.brand is not None:
        allowed = allowed & catalogue.brands.named(sent.brand)
    if sent.filter is not None:
        allowed = allowed & recommender.rules.filtered(sent.filter, now_ms)
    return allowed
