"""`GET /slates/{id}`: what was shown, why, and with which model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from shelfwise.errors import UnknownError
from shelfwise.schemas.events import MAX_ID_CHARS
from shelfwise.schemas.items import Item
from shelfwise.schemas.keys import KeyKind, KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import NEVER_KEPT, Json
from shelfwise.serve.callers import GuardedRoute, caller_of, needs, proven
from shelfwise.serve.service import Current
from shelfwise.store import catalogue, slate_log
from shelfwise.store.slate_log import LoggedSlate

router = APIRouter(tags=["slates"], route_class=GuardedRoute)


class ShownItem(BaseModel):
    """One item of an answer that was given."""

    item_id: str
    position: int = Field(description="1-based.")
    title: str | None = Field(description="As it is now.")
    sources: list[str] = Field(description="Retrievers that named it then.")
    reason: str | None = Field(description="What was said of it; null where that was not kept.")
    steps: list[str] = Field(description="What put it where it stood.")
    predictions: dict[str, float] = Field(
        description="What the ranker expected of it then, by objective; empty where that was not kept."
    )
    propensity: float = Field(description="The chance with which it came to this position; 1 where nothing was drawn.")
    instead_of: str | None = Field(description="What would have stood here had nothing been drawn; null: itself.")


class ShownSlate(BaseModel):
    """An answer that was given."""

    slate_id: str
    at: datetime
    user_id: str | None
    scenario: str
    model_version: str
    rules_version: int = Field(description="In force then; 0 before the first.")
    query: dict[str, Any] = Field(description="What else was asked for.")
    items: list[ShownItem]


@router.get("/slates/{slate_id}", response_model=ShownSlate, responses=documentation.problems(404, 422))
@needs(KeyScope.ADMIN, own=(KeyScope.RECOMMEND,))
async def get_slate(
    slate_id: Annotated[str, Path(max_length=MAX_ID_CHARS)], request: Request, service: Current
) -> Response:
    """What was shown, why, and with which model; kept for `[serve] slates_kept_d` days.

    A browser key is told of its own visitor's answers, and of no other's that there are any.
    """
    caller = caller_of(request)
    own = proven(caller).owner if caller.kind is KeyKind.BROWSER else None
    with service.records.glance() as connection:
        found = slate_log.get(connection, slate_id) or service.waiting_slate(slate_id)
        if found is None or (own is not None and found.user_id != own):
            raise UnknownError(f"no answer {slate_id!r} is kept", code="unknown_slate")
        rows = [*found.rows.tolist(), *found.best.tolist()]
        item_by_row = {entry.row: entry.item for entry in catalogue.read_rows(connection, rows)}
    return Json(_told(found, item_by_row), headers=NEVER_KEPT)


def _told(found: LoggedSlate, item_by_row: dict[int, Item]) -> ShownSlate:
    items: list[ShownItem] = []
    for place, (row, best, chance) in enumerate(
        zip(found.rows.tolist(), found.best.tolist(), found.propensities.tolist(), strict=True)
    ):
        why = found.why[place] if place < len(found.why) else None
        items.append(
            ShownItem(
                item_id=item_by_row[row].item_id,
                position=place + 1,
                title=item_by_row[row].title,
                sources=why.sources if why else [],
                reason=why.reason if why else None,
                steps=why.steps if why else [],
                predictions=why.predictions if why else {},
                propensity=chance,
                instead_of=item_by_row[best].item_id if best != row and best in item_by_row else None,
            )
        )
    return ShownSlate(
        slate_id=found.slate_id,
        at=datetime.fromtimestamp(found.at_ms / 1_000, UTC),
        user_id=found.user_id,
        scenario=found.scenario,
        model_version=found.model_version,
        rules_version=found.rules_version,
        query=found.query,
        items=items,
    )
