"""`POST /events/check`: what would become of an event, field by field; nothing is stored."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from shelfwise.errors import did_you_mean
from shelfwise.schemas.events import KIND_BY_CODE, Event, EventKind
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import Json
from shelfwise.serve.bodies import one_or_many
from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.incoming import check_event
from shelfwise.serve.problems import FieldProblem
from shelfwise.serve.service import Current
from shelfwise.store import event_log
from shelfwise.store.event_log import AppendOutcome, EventRow
from shelfwise.store.records import Records

router = APIRouter(tags=["events"], route_class=GuardedRoute)


class Outcome(StrEnum):
    """What would become of an event."""

    STORED = "stored"
    ALREADY_STORED = "already_stored"
    REFUSED = "refused"


class CheckedField(BaseModel):
    """One field of an event that was sent."""

    field: str = Field(description="As it was sent; empty for what concerns the event as a whole.")
    is_known: bool = Field(description="Whether events have such a field.")
    errors: list[FieldProblem]
    hint: str | None = Field(default=None, description="The near name of a misspelt one.")


class CheckedEvent(BaseModel):
    """One event, looked through."""

    outcome: Outcome
    fields: list[CheckedField]
    stored: dict[str, Any] | None = Field(description="What would be stored; null where it is refused.")


class EventCheckAnswer(BaseModel):
    """What would become of the events, in the order in which they were sent."""

    events: list[CheckedEvent]


@router.post(
    "/events/check",
    response_model=EventCheckAnswer,
    responses=documentation.problems(400, 413, 415, 422, 503),
    openapi_extra=documentation.body(documentation.one_or_many("events", Event)),
)
@needs(KeyScope.EVENTS)
async def check_events(request: Request, service: Current) -> Response:
    """Look one event or many through as `POST /events` would, and say for each field what is wrong.

    Nothing is stored, and nobody's next answer changes.
    """
    sent = one_or_many(await request.body(), "events")
    now_ms, has_clock = service.now_ms(), service.has_clock
    checked = [check_event(one, now_ms=now_ms, has_clock=has_clock) for one in sent]
    rows = [one for one in checked if isinstance(one, EventRow)]
    tried = await asyncio.to_thread(_tried, service.records, rows)
    told: list[CheckedEvent] = []
    n_good = 0
    for one, found in zip(sent, checked, strict=True):
        if isinstance(found, EventRow):
            told.append(_good(one, found, n_good, tried))
            n_good += 1
        else:
            told.append(CheckedEvent(outcome=Outcome.REFUSED, fields=_fields(one, found), stored=None))
    return Json(EventCheckAnswer(events=told))


def _tried(records: Records, rows: list[EventRow]) -> AppendOutcome:
    with records.read() as connection:
        return event_log.outcome_of(connection, rows)


def _good(sent: Any, row: EventRow, place: int, tried: AppendOutcome) -> CheckedEvent:
    problems: list[FieldProblem] = []
    if place in tried.unknown_items:
        problems.append(FieldProblem(field="item_id", code="unknown_item", message=f"there is no item {row.item_id!r}"))
    if place in tried.erased:
        problems.append(FieldProblem(field="user_id", code="erased_user", message="was erased after this happened"))
    if problems:
        return CheckedEvent(outcome=Outcome.REFUSED, fields=_fields(sent, problems), stored=None)
    outcome = Outcome.ALREADY_STORED if place in tried.twins else Outcome.STORED
    return CheckedEvent(outcome=outcome, fields=_fields(sent, []), stored=_stored(row))


def _fields(sent: Any, problems: list[FieldProblem]) -> list[CheckedField]:
    names = list(cast("dict[str, Any]", sent)) if isinstance(sent, dict) else []
    absent = [one.field for one in problems if one.field not in names]
    found: list[CheckedField] = []
    for name in dict.fromkeys([*names, *absent]):
        is_known = name in Event.model_fields or not name
        found.append(
            CheckedField(
                field=name,
                is_known=is_known,
                errors=[one for one in problems if one.field == name],
                hint=None if is_known else did_you_mean(name, list(Event.model_fields)),
            )
        )
    for one in found:
        if one.field == "event" and one.errors and isinstance(sent, dict):
            value = str(cast("dict[str, Any]", sent).get("event", ""))
            one.hint = did_you_mean(value, [kind.value for kind in EventKind])
    return found


def _stored(row: EventRow) -> dict[str, Any]:
    told = {name: value for name, value in row._asdict().items() if value is not None}
    told["event"] = KIND_BY_CODE[told.pop("kind")].value
    at = datetime.fromtimestamp(told.pop("timestamp_ms") / 1_000, UTC)
    del told["event_key"]
    return {"timestamp": at.isoformat(timespec="milliseconds"), **told}
