"""What to show: slates, what is similar to an item, what is trending."""

from __future__ import annotations

import time
from typing import Annotated

import fastapi
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from shelfwise.schemas.events import MAX_ID_CHARS
from shelfwise.schemas.keys import KeyKind, KeyScope
from shelfwise.schemas.queries import MAX_K, Query, Slate, SlateItem
from shelfwise.serve import documentation
from shelfwise.serve.answers import Json
from shelfwise.serve.callers import GuardedRoute, caller_of, needs, proven
from shelfwise.serve.item_paths import ItemIdInPath
from shelfwise.serve.page_filters import require_readable
from shelfwise.serve.quick_route import QuickRoute
from shelfwise.serve.service import Current
from shelfwise.serve.traces import STAGES, Staged

router = APIRouter(tags=["recommend"], route_class=GuardedRoute)
quick = APIRouter(tags=["recommend"], route_class=QuickRoute)

DEFAULT_K = 10
Length = Annotated[int, fastapi.Query(ge=1, le=MAX_K, description="Items wanted.")]


class ItemList(BaseModel):
    """Items in order, best first."""

    model_version: str
    items: list[SlateItem]


@quick.post(
    "/recommend",
    response_model=Slate,
    responses=documentation.problems(400, 409, 413, 415, 422, 503),
)
@needs(KeyScope.RECOMMEND, browsers=True)
async def post_recommend(query: Query, request: Request, service: Current) -> Response:
    """Answer a query with a slate.

    Somebody unknown gets what a stranger should see. What could not be done as configured stands in
    `degraded`. A browser key asks for its own visitor, and need not name it; it filters by what it may read of items.
    """
    caller = caller_of(request)
    if caller.kind is KeyKind.BROWSER:
        query = proven(caller).own_query(query)
        require_readable(query.filter, caller, service.config.storefront)
    began_ns = time.time_ns()
    found = service.answer(query)
    request.scope[STAGES] = Staged(began_ns, found.stages_s, found.slate.scenario)
    return Json(found.slate)


@router.get(
    "/items/{item_id:path}/similar",
    response_model=ItemList,
    responses=documentation.problems(404, 409, 422, 503),
)
@needs(KeyScope.RECOMMEND)
async def get_similar(item_id: ItemIdInPath, service: Current, k: Length = DEFAULT_K) -> Response:
    """Items like this one."""
    recommender = service.recommender
    return Json(ItemList(model_version=recommender.model.name, items=recommender.similar(item_id, k)))


@router.get("/trending", response_model=ItemList, responses=documentation.problems(409, 422, 503))
@needs(KeyScope.RECOMMEND)
async def get_trending(
    service: Current,
    k: Length = DEFAULT_K,
    category: Annotated[
        str | None, fastapi.Query(max_length=1_000, description="Only items under this category path.")
    ] = None,
    region: Annotated[
        str | None, fastapi.Query(max_length=MAX_ID_CHARS, description="In this region, as users' attribute spells it.")
    ] = None,
) -> Response:
    """What is turned to faster than it was, then what many turn to now."""
    recommender = service.recommender
    return Json(ItemList(model_version=recommender.model.name, items=recommender.trending(k, category, region)))
