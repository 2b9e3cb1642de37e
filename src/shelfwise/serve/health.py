"""Is it alive, is it ready: for supervisors and load balancers."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from shelfwise.errors import ServiceError, StateError
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import Json
from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.service import Current
from shelfwise.store import catalogue, event_log
from shelfwise.store.records import Records

router = APIRouter(prefix="/health", tags=["health"], route_class=GuardedRoute)


class Live(BaseModel):
    """The process answers."""

    status: Literal["live"] = "live"


class Ready(BaseModel):
    """The process recommends."""

    status: Literal["ready"] = "ready"
    model_version: str
    items: int
    events: int


@router.get("/live", response_model=Live)
@needs(anybody=True)
async def get_live() -> Response:
    """Whether the process answers; needs no key."""
    return Json(Live())


@router.get("/ready", response_model=Ready, responses=documentation.problems(503))
@needs(*KeyScope)
async def get_ready(service: Current) -> Response:
    """Whether it can recommend: 503 while the model is loading, and without one."""
    try:
        version = service.recommender.model.name
    except StateError as error:
        raise ServiceError(error.found, hint=error.hint, code=error.code) from error
    n_items, n_events = await asyncio.to_thread(_counts, service.records)
    return Json(Ready(model_version=version, items=n_items, events=n_events))


def _counts(records: Records) -> tuple[int, int]:
    with records.read() as connection:
        return catalogue.count(connection), event_log.count(connection)
