"""People's rights: to have what is known of them, and to be forgotten."""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from shelfwise.pipeline.personal_export import personal_export
from shelfwise.schemas.keys import KeyScope
from shelfwise.schemas.queries import Query, Slate
from shelfwise.serve import documentation
from shelfwise.serve.answers import NEVER_KEPT, Json
from shelfwise.serve.callers import GuardedRoute, caller_of, needs
from shelfwise.serve.item_paths import UserIdInPath
from shelfwise.serve.service import Current
from shelfwise.store import audit_log, erasures

router = APIRouter(tags=["users"], route_class=GuardedRoute)


class PersonalExport(BaseModel):
    """What a shop knows of a person."""

    user_id: str
    exported_at: datetime
    given: dict[str, Any] = Field(description="Attributes, and events as they were sent.")
    shown: list[dict[str, Any]] = Field(description="Answers that are kept, with what stood where.")
    derived: dict[str, Any] | None = Field(
        description="Profile text and vector, interests, and what the model would recommend now; null without a model."
    )


class ReceiptAnswer(BaseModel):
    """What was erased; names nobody."""

    receipt: str = Field(description="Names the erasure, in the audit log too.")
    at: datetime
    attributes: int
    events: int
    slates: int
    quarantined_lines: int
    profile_vectors: int = Field(description="Overwritten, in the cache and in model versions.")
    store_rebuilt: bool = Field(
        description="Whether no copy is left in gaps of the database file; false above 1 GB: `shelfwise users erase`."
    )
    models_trained_before: list[str] = Field(description="Versions that learned with the person; they hold no names.")


@router.get("/users/{user_id:path}/export", response_model=PersonalExport, responses=documentation.problems(404, 422))
@needs(KeyScope.ADMIN)
async def get_export(user_id: UserIdInPath, request: Request, service: Current) -> Response:
    """Everything that a person gave, and everything that was made of it."""
    recommender = service.recommender if service.has_model else None
    loop = asyncio.get_running_loop()

    async def answered(query: Query) -> Slate:
        return service.recommender.recommend(query)

    def recommend(query: Query) -> Slate:
        # The model follows the store while it answers, and only one may do that at a time: on the event loop.
        return asyncio.run_coroutine_threadsafe(answered(query), loop).result()

    found = await asyncio.to_thread(personal_export, service.records, recommender, user_id, recommend)
    await service.writer.run(partial(_noted, user_id=user_id, actor=caller_of(request).name))
    return Json(found, headers=NEVER_KEPT)


@router.delete("/users/{user_id:path}", response_model=ReceiptAnswer, responses=documentation.problems(404, 422))
@needs(KeyScope.ADMIN)
async def delete_user(user_id: UserIdInPath, request: Request, service: Current) -> Response:
    """Erase a person: events, attributes, kept answers, profile texts and vectors.

    What happened before stays out, from wherever it may come again, and so out of the next training. What somebody does
    afterwards is stored as anybody's. Asking twice gives two receipts.
    """
    return Json((await service.erase(user_id, caller_of(request).name)).as_document())


def _noted(connection: Connection, user_id: str, actor: str) -> None:
    audit_log.note(connection, actor, "user.export", erasures.pseudonym(connection, user_id).hex()[:16])
