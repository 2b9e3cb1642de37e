"""`/visitors/me`: what the shop knows of the visitor who asks, and how to be forgotten."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from shelfwise.errors import ServiceError, UnknownError
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.keys import KeyKind, KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import NEVER_KEPT, Json
from shelfwise.serve.callers import Caller, GuardedRoute, caller_of, needs, proven
from shelfwise.serve.service import Current
from shelfwise.serve.users import ReceiptAnswer
from shelfwise.store import event_log, personal
from shelfwise.store.records import Records

router = APIRouter(tags=["visitors"], route_class=GuardedRoute)

MAX_EVENTS = 300
MAX_INTERESTS = 12
MAX_ERASING = 8
"""People who may wait to be forgotten: each is some work for the store, and anybody may ask."""

MAX_REBUILT_BYTES = 16_000_000
"""A larger store is not rebuilt for a visitor: writers would wait for it, and pages can ask as often as they like."""


class Interest(BaseModel):
    """Something that a visitor's events have in common."""

    name: str
    n_events: int = Field(description="Of the latest events of interest that recommendations read.")
    share: float = Field(description="Of those events that say anything of this kind; from 0 to 1.")


class OwnData(BaseModel):
    """What a shop knows of a visitor."""

    visitor: str = Field(description="Who that is in the shop's records.")
    now: datetime = Field(description="The shop's time: one that replays an old log lives at its end.")
    n_events: int
    events: list[dict[str, Any]] = Field(description="The latest ones as they were stored, newest first.")
    n_slates: int = Field(description="Answers to this visitor that are kept.")
    n_read: int = Field(description="Events that recommendations read: the latest ones that show interest in an item.")
    interests: dict[str, list[Interest]] = Field(
        description=(
            "By category (by item in a shop without), brand and the attributes that pages may read; strongest first."
        )
    )


@router.get("/visitors/me", response_model=OwnData, responses=documentation.problems(404))
@needs(KeyScope.ADMIN, own=(KeyScope.EVENTS, KeyScope.RECOMMEND))
async def get_own_data(request: Request, service: Current) -> Response:
    """What the shop knows of the visitor whose token comes along: own events, and what they say together."""
    owner = _owner(caller_of(request))
    recommender = service.recommender if service.has_model else None
    shown, now = service.config.storefront.attributes, datetime.fromtimestamp(service.now_ms() / 1_000, UTC)
    found = await asyncio.to_thread(own_data, service.records, recommender, owner, shown, now)
    return Json(found, headers=NEVER_KEPT)


@router.delete("/visitors/me", response_model=ReceiptAnswer, responses=documentation.problems(404))
@needs(KeyScope.ADMIN, own=(KeyScope.EVENTS, KeyScope.RECOMMEND))
async def delete_own_data(request: Request, service: Current) -> Response:
    """Forget the visitor whose token comes along: events, kept answers, and what was made of them.

    One visitor after the other. What is deleted is overwritten; `store_rebuilt` is false above 16 MB.

    A token of somebody who is signed in erases that person only where the shop's server made it with `may_erase`; else
    the answer is 403, `may_not_erase`.

    404 where the shop knows nothing, or nothing any more; 503 while many others wait for it.

    The token still holds; a page that asks for another one is somebody new.
    """
    caller = caller_of(request)
    owner = _owner(caller)
    proven(caller).require_may_erase()
    if service.n_erasing >= MAX_ERASING:
        raise ServiceError("many others are being forgotten just now", hint="ask again in a moment", code="busy")
    actor = f"the visitor, by {caller.name}"
    receipt = await service.erase(owner, actor, up_to_bytes=MAX_REBUILT_BYTES, again=False)
    return Json(receipt.as_document(), headers=NEVER_KEPT)


def _owner(caller: Caller) -> str:
    """Who asks, as the store names people.

    Raises:
        AccessError: a page sent no visitor's token.
        UnknownError: a server asks, which is nobody.
    """
    if caller.kind is KeyKind.SERVER:
        raise UnknownError(
            "a server's key is no visitor", hint="ask `/v1/users/{id}/export` for somebody else's", code="no_visitor"
        )
    return proven(caller).owner


def own_data(records: Records, recommender: Recommender | None, owner: str, shown: list[str], now: datetime) -> OwnData:
    """What the shop knows of one person.

    Args:
        records: The shop's.
        recommender: Reads what the events say together; None without a model.
        owner: Whose.
        shown: Attributes that pages may read.
        now: The shop's time.

    Cost:
        The events that are shown and the history that recommendations read, however many others there are.
    """
    with records.read() as connection:
        n_events = personal.count_events_of(connection, owner)
        events = personal.latest_events_of(connection, owner, MAX_EVENTS)
        n_slates = personal.count_slates_of(connection, owner)
    n_read, interests = (0, {}) if recommender is None else _interests(records, recommender, owner, shown)
    return OwnData(
        visitor=owner,
        now=now,
        n_events=n_events,
        events=events,
        n_slates=n_slates,
        n_read=n_read,
        interests=interests,
    )


def _interests(
    records: Records, recommender: Recommender, owner: str, shown: list[str]
) -> tuple[int, dict[str, list[Interest]]]:
    """What the events have in common that a recommendation to this visitor reads."""
    model, known = recommender.model, recommender.catalogue
    with records.read() as connection:
        history = event_log.recent_events(connection, owner, model.config.behaviour.history, model.scenario_names)
    rows = recommender.live.known(history).rows.tolist()
    found = {
        "category": _shares([known.paths[row][-1] if known.paths[row] else None for row in rows]),
        "brand": _shares([known.brands.name_of(row) for row in rows]),
    }
    if rows and shown:
        columns = recommender.rules.columns
        found |= {name: _shares([columns.get(row, name, 0) for row in rows]) for name in shown}
    if not found["category"]:  # a shop that does not sort its items: they have to speak for themselves
        found["item"] = _shares([known.name(row) for row in rows])
    return len(rows), {name: interests for name, interests in found.items() if interests}


def _shares(names: list[Any]) -> list[Interest]:
    counted = Counter(str(name) for name in names if name)
    n = sum(counted.values())
    return [
        Interest(name=name, n_events=times, share=round(times / n, 4))
        for name, times in counted.most_common(MAX_INTERESTS)
    ]
