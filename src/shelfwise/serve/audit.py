"""`GET /audit`: what administrators did."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import fastapi
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import Json
from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.service import Current
from shelfwise.store import audit_log

router = APIRouter(tags=["audit"], route_class=GuardedRoute)

MAX_ENTRIES, USUAL_ENTRIES = 1_000, 100


class AuditEntryAnswer(BaseModel):
    """One thing that was done."""

    entry: int
    at: datetime
    actor: str = Field(description="A key by id and name, or who sat at the command line.")
    action: str
    subject: str = Field(description="A key, a version, the receipt of an erasure; never a person.")
    detail: dict[str, Any]


class AuditAnswer(BaseModel):
    """Entries, newest first."""

    entries: list[AuditEntryAnswer]
    next: int | None = Field(description="To be sent as `before` for the entries before these; null at the end.")


@router.get("/audit", response_model=AuditAnswer, responses=documentation.problems(422))
@needs(KeyScope.ADMIN)
async def get_audit(
    service: Current,
    limit: Annotated[int, fastapi.Query(ge=1, le=MAX_ENTRIES)] = USUAL_ENTRIES,
    before: Annotated[int | None, fastapi.Query(ge=1, le=2**62, description="The `next` of an earlier answer.")] = None,
) -> Response:
    """Keys made and revoked, rules and models put in force, people exported and erased."""
    with service.records.glance() as connection:
        found = audit_log.read(connection, limit, before)
    entries = [AuditEntryAnswer.model_validate(one.as_document()) for one in found]
    return Json(AuditAnswer(entries=entries, next=entries[-1].entry if len(entries) == limit else None))
