"""`GET /users`: people to choose from; `GET /users/{id}` and below: what is known of one, for who runs the shop."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Annotated

import fastapi
from fastapi import APIRouter, Response
from sqlalchemy import Connection

from shelfwise.errors import UnknownError
from shelfwise.pipeline.interests import Interest
from shelfwise.pipeline.person import PersonTold, person_told
from shelfwise.schemas.events import MAX_ID_CHARS
from shelfwise.schemas.ids import VISITOR_PREFIX
from shelfwise.schemas.items import Item
from shelfwise.schemas.keys import KeyScope
from shelfwise.schemas.people import (
    AlikeAnswer,
    InterestAnswer,
    MomentAnswer,
    PeopleAnswer,
    PersonAnswer,
    PersonInList,
    SharedItem,
    ShownList,
    ShownLists,
    ShownThing,
    TimelineAnswer,
)
from shelfwise.serve import documentation
from shelfwise.serve.answers import NEVER_KEPT, Json, plain
from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.cursors import cursor_behind, parts_of
from shelfwise.serve.item_paths import UserIdInPath
from shelfwise.serve.service import Current
from shelfwise.store import catalogue, outcomes, people_lists, personal, slate_log, timelines
from shelfwise.store.outcomes import Outcome
from shelfwise.store.people_lists import Person
from shelfwise.store.slate_log import LoggedSlate
from shelfwise.store.timelines import Moment

router = APIRouter(tags=["users"], route_class=GuardedRoute)

MAX_PAGE = 200
MAX_SLATES = 50

Cursor = Annotated[str | None, fastapi.Query(max_length=2_000, description="The `next` of an earlier answer.")]


class Order(StrEnum):
    """Of people where none is searched for."""

    RECENT = "recent"
    ACTIVE = "active"


@router.get("/users", response_model=PeopleAnswer, responses=documentation.problems(422, 503))
@needs(KeyScope.ADMIN)
async def get_users(
    service: Current,
    query: Annotated[str, fastapi.Query(max_length=MAX_ID_CHARS, description="How the id starts.")] = "",
    order: Annotated[Order, fastapi.Query(description="Where none is searched for.")] = Order.RECENT,
    limit: Annotated[int, fastapi.Query(ge=1, le=MAX_PAGE)] = 20,
    after: Cursor = None,
) -> Response:
    """People whose id starts so; without a `query`, those who did something among the latest 20,000 events."""
    start = query.replace("\0", "")

    def read(connection: Connection) -> list[Person]:
        if not start:
            return people_lists.latest(connection, limit, most_active=order is Order.ACTIVE)
        return people_lists.starting_with(connection, start, limit, parts_of(after, str)[0] if after else "")

    found = await asyncio.to_thread(service.records.reading, read)
    following = cursor_behind(found[-1].user_id) if start and len(found) == limit else None
    users = [PersonInList.model_validate(_person(one)) for one in found]
    return Json(PeopleAnswer(users=users, next=following), headers=NEVER_KEPT)


@router.get(
    "/users/{user_id:path}/events", response_model=TimelineAnswer, responses=documentation.problems(404, 422, 503)
)
@needs(KeyScope.ADMIN)
async def get_user_events(
    user_id: UserIdInPath,
    service: Current,
    limit: Annotated[int, fastapi.Query(ge=1, le=MAX_PAGE)] = 50,
    after: Cursor = None,
    impressions: Annotated[bool, fastapi.Query(description="Whether what was merely shown is told too.")] = True,
) -> Response:
    """What a person did, the latest first."""
    before: tuple[int, int] | None = parts_of(after, int, int) if after else None

    def read(connection: Connection) -> list[Moment]:
        return timelines.page(connection, _row_of(connection, user_id), limit, before, impressions=impressions)

    found = await asyncio.to_thread(service.records.reading, read)
    following = cursor_behind(found[-1].timestamp_ms, found[-1].seq) if len(found) == limit else None
    return Json(TimelineAnswer(events=[_moment(one) for one in found], next=following), headers=NEVER_KEPT)


@router.get("/users/{user_id:path}/slates", response_model=ShownLists, responses=documentation.problems(404, 422, 503))
@needs(KeyScope.ADMIN)
async def get_user_slates(
    user_id: UserIdInPath,
    service: Current,
    limit: Annotated[int, fastapi.Query(ge=1, le=MAX_SLATES)] = 10,
    after: Cursor = None,
) -> Response:
    """What a person was shown, the latest first, and what came of it: events that name the answer's `slate_id`."""
    before: tuple[int, str] | None = parts_of(after, int, str) if after else None

    def read(connection: Connection) -> tuple[list[LoggedSlate], dict[int, Item], list[Outcome]]:
        shown = slate_log.page_of_user(connection, user_id, limit, before)
        if not shown:
            _row_of(connection, user_id)
        rows = {row for one in shown for row in one.rows.tolist()}
        items = {entry.row: entry.item for entry in catalogue.read_rows(connection, rows)}
        return shown, items, outcomes.of_slates(connection, [one.slate_id for one in shown])

    shown, items, came = await asyncio.to_thread(service.records.reading, read)
    following = cursor_behind(shown[-1].at_ms, shown[-1].slate_id) if len(shown) == limit else None
    answer = ShownLists(slates=[_shown(one, items, came) for one in shown], next=following)
    return Json(plain(answer), headers=NEVER_KEPT)


@router.get("/users/{user_id:path}", response_model=PersonAnswer, responses=documentation.problems(404, 422, 503))
@needs(KeyScope.ADMIN)
async def get_user(user_id: UserIdInPath, service: Current) -> Response:
    """What is known of a person: facts, what they turn to, and whom they are like."""
    recommender = service.recommender if service.has_model else None
    told = await asyncio.to_thread(
        partial(person_told, service.records, recommender, user_id, service.now_ms(), service.looks.theme_names)
    )
    return Json(plain(_told(told)), headers=NEVER_KEPT)


def _row_of(connection: Connection, user_id: str) -> int:
    row = personal.row_of(connection, user_id)
    if row is None:
        raise UnknownError(f"there is no user {user_id!r}", code="unknown_user")
    return row


def _person(person: Person) -> dict[str, object]:
    return {
        "user_id": person.user_id,
        "is_visitor": person.user_id.startswith(VISITOR_PREFIX),
        "attributes": person.attributes or {},
        "is_unreadable": person.attributes is None,
        "n_events": person.n_events,
        "first_at": _at(person.first_ms),
        "last_at": _at(person.last_ms),
    }


def _told(told: PersonTold) -> PersonAnswer:
    def shared(row: int) -> SharedItem:
        return SharedItem(item_id=told.titles[row].item_id, title=told.titles[row].title)

    alike = None
    if told.alike is not None:
        alike = [
            AlikeAnswer(
                user_id=one.user_id,
                likeness=round(one.likeness, 4),
                n_shared=one.n_shared,
                shared=[shared(row) for row in one.shared_rows if row in told.titles],
            )
            for one in told.alike
        ]
    return PersonAnswer.model_validate(
        {
            **_person(told.person),
            "kinds": told.kinds,
            "profile_text": told.profile_text,
            "region": told.region,
            "n_read": told.n_read,
            "interests": {name: [_interest(one) for one in of_kind] for name, of_kind in told.interests.items()},
            "price_cuts": told.price_cuts,
            "currency": told.currency,
            "alike": alike,
        }
    )


def _interest(interest: Interest) -> InterestAnswer:
    return InterestAnswer(
        name=interest.name,
        share=round(interest.share, 4),
        n_events=interest.n_events,
        n_items=interest.n_items,
        last_at=datetime.fromtimestamp(interest.last_ms / 1_000, UTC),
        kinds=interest.kinds,
    )


def _moment(moment: Moment) -> MomentAnswer:
    return MomentAnswer(
        at=datetime.fromtimestamp(moment.timestamp_ms / 1_000, UTC),
        event=moment.kind,
        item_id=moment.item_id,
        title=moment.title,
        value=moment.value,
        quantity=moment.quantity,
        price=moment.price,
        currency=moment.currency,
        scenario=moment.scenario,
        position=moment.position,
        slate_id=moment.slate_id,
        query=moment.query,
        device=moment.device,
    )


def _shown(slate: LoggedSlate, items: Mapping[int, Item], came: list[Outcome]) -> ShownList:
    own = [one for one in came if one.slate_id == slate.slate_id]
    return ShownList(
        slate_id=slate.slate_id,
        at=datetime.fromtimestamp(slate.at_ms / 1_000, UTC),
        scenario=slate.scenario,
        model_version=slate.model_version,
        items=[
            ShownThing(
                item_id=items[row].item_id,
                position=place,
                title=items[row].title,
                outcomes=dict(Counter(one.kind for one in own if one.item_row == row)),
            )
            for place, row in enumerate(slate.rows.tolist(), 1)
            if row in items
        ],
        outcomes=dict(Counter(one.kind for one in own)),
    )


def _at(moment_ms: int | None) -> datetime | None:
    return None if moment_ms is None else datetime.fromtimestamp(moment_ms / 1_000, UTC)
