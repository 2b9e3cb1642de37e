"""`POST /events`: what people did. Acknowledged means durable, and part of that user's next answer."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from shelfwise.schemas.events import CODE_BY_KIND, KIND_BY_CODE, POSITIVE_KINDS, Event
from shelfwise.schemas.keys import KeyKind, KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import Json
from shelfwise.serve.bodies import one_or_many
from shelfwise.serve.callers import caller_of, needs, proven
from shelfwise.serve.incoming import check_event
from shelfwise.serve.problems import FieldProblem, all_refused
from shelfwise.serve.quick_route import QuickRoute
from shelfwise.serve.service import Current
from shelfwise.store.event_log import EventRow

router = APIRouter(tags=["events"], route_class=QuickRoute)

INTEREST = frozenset(CODE_BY_KIND[kind] for kind in POSITIVE_KINDS)


class EventStatus(StrEnum):
    """What became of an event that was sent."""

    STORED = "stored"
    ALREADY_STORED = "already_stored"
    REFUSED = "refused"


class EventResult(BaseModel):
    """What became of one event."""

    status: EventStatus
    errors: list[FieldProblem] = Field(default_factory=list[FieldProblem], description="Why it was refused.")


class EventsAnswer(BaseModel):
    """What became of the events, in the order in which they were sent."""

    stored: int
    already_stored: int
    refused: int
    events: list[EventResult]


@router.post(
    "/events",
    status_code=202,
    response_model=EventsAnswer,
    responses=documentation.problems(400, 413, 415, 422, 503),
    openapi_extra=documentation.body(documentation.one_or_many("events", Event)),
)
@needs(KeyScope.EVENTS, browsers=True)
async def post_events(request: Request, service: Current) -> Response:
    """Store one event or many.

    An event that was stored before (the same `event_id`, or without one the same content) is stored once. One
    that cannot be stored is refused with its reason, and the others are stored; only where all are refused is
    the answer an error. A browser key stores its own visitor's events, and none of a request that names somebody else.
    """
    sent, caller = one_or_many(await request.body(), "events"), caller_of(request)
    now_ms, has_clock = service.now_ms(), service.has_clock
    visitor = None if caller.kind is KeyKind.SERVER else proven(caller)
    if visitor is not None:
        sent = [visitor.own_event(one) for one in sent]
    checked = [check_event(one, now_ms=now_ms, has_clock=has_clock, visitor=visitor) for one in sent]
    good = {place: one for place, one in enumerate(checked) if isinstance(one, EventRow)}
    results = [
        EventResult(status=EventStatus.STORED)
        if isinstance(one, EventRow)
        else EventResult(status=EventStatus.REFUSED, errors=one)
        for one in checked
    ]
    if good:
        places, rows = list(good), list(good.values())
        outcome = await service.events.append(rows)
        for index in outcome.twins:
            results[places[index]] = EventResult(status=EventStatus.ALREADY_STORED)
        for index in outcome.unknown_items:
            reason = FieldProblem(
                field="item_id", code="unknown_item", message=f"there is no item {rows[index].item_id!r}"
            )
            results[places[index]] = EventResult(status=EventStatus.REFUSED, errors=[reason])
        for index in outcome.erased:
            reason = FieldProblem(field="user_id", code="erased_user", message="was erased after this happened")
            results[places[index]] = EventResult(status=EventStatus.REFUSED, errors=[reason])
    stored = [row for place, row in good.items() if results[place].status is EventStatus.STORED]
    service.measures.events(
        Counter(result.status.value for result in results),
        Counter(KIND_BY_CODE[row.kind].value for row in stored),
    )
    if service.has_model:
        turned_to = (row.item_id for row in stored if row.item_id and row.kind in INTEREST)
        service.drift.wanted(turned_to, service.recommender)
    return _answer(results)


def _answer(results: list[EventResult]) -> Response:
    statuses = [result.status for result in results]
    refused = statuses.count(EventStatus.REFUSED)
    if refused == len(results):
        return all_refused("events", [result.errors for result in results])
    answer = EventsAnswer(
        stored=statuses.count(EventStatus.STORED),
        already_stored=statuses.count(EventStatus.ALREADY_STORED),
        refused=refused,
        events=results,
    )
    return Json(answer, 202)
