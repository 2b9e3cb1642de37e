"""The catalogue over HTTP: an item that is sent is recommendable when the answer comes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, cast

import fastapi
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from sqlalchemy import Connection
from starlette.requests import ClientDisconnect

from shelfwise.errors import QueryError, UnknownError
from shelfwise.schemas.events import MAX_ID_CHARS
from shelfwise.schemas.items import Item
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import documentation, item_lines
from shelfwise.serve.answers import Json
from shelfwise.serve.bodies import MAX_MANY, STREAMED, document, media_type_of, one_or_many
from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.cursors import cursor_after, row_of
from shelfwise.serve.incoming import check_item
from shelfwise.serve.item_lines import chunks, stored_lines
from shelfwise.serve.item_paths import ItemIdInPath
from shelfwise.serve.item_tags import Conditions, tag_of
from shelfwise.serve.live_items import Change, ItemStatus, store
from shelfwise.serve.problems import FieldProblem, all_refused, invalid
from shelfwise.serve.service import Current, Service
from shelfwise.store import catalogue
from shelfwise.store.catalogue import StoredItem
from shelfwise.store.records import Records

router = APIRouter(tags=["items"], route_class=GuardedRoute)


MAX_NAMED = 100
"""Items that one request may name."""

ItemIdAsked = Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARS)]


class ItemResult(BaseModel):
    """What became of one item."""

    item_id: str | None = Field(description="None where the item names none.")
    status: ItemStatus
    errors: list[FieldProblem] = Field(default_factory=list[FieldProblem], description="Why it was refused.")


class ItemsAnswer(BaseModel):
    """What became of the items, in the order in which they were sent."""

    new: int
    changed: int
    unchanged: int
    refused: int
    items: list[ItemResult]


class ItemPage(BaseModel):
    """Items, in the order in which the shop first saw them."""

    items: list[Item]
    next: str | None = Field(description="To be sent as `after` for the items behind these; null at the end.")


@router.get("/items", response_model=ItemPage, responses=documentation.problems(422))
@needs(KeyScope.CATALOGUE)
async def get_items(
    service: Current,
    limit: Annotated[int, fastapi.Query(ge=1, le=MAX_MANY, description="Items on a page.")] = 100,
    after: Annotated[str | None, fastapi.Query(max_length=64, description="The `next` of an earlier answer.")] = None,
    item_id: Annotated[
        list[ItemIdAsked] | None,
        fastapi.Query(max_length=MAX_NAMED, description="Only these, in this order; unknown ones are left out."),
    ] = None,
) -> Response:
    """The catalogue, page by page. Items that come meanwhile stand on the last page; none is shown twice."""
    if item_id:
        named = await asyncio.to_thread(_named_items, service.records, item_id)
        return Json(ItemPage(items=named, next=None))
    start = -1 if after is None else row_of(after)
    found = await asyncio.to_thread(_page, service.records, limit, start)
    following = cursor_after(found[-1].row) if len(found) == limit else None
    return Json(ItemPage(items=[entry.item for entry in found], next=following))


@router.post(
    "/items",
    response_model=ItemsAnswer,
    responses=documentation.problems(400, 413, 415, 422, 503),
    openapi_extra=documentation.body(documentation.one_or_many("items", Item), lines="Item"),
)
@needs(KeyScope.CATALOGUE)
async def post_items(request: Request, service: Current) -> Response:
    """Store one item or many, each replacing the one of its id; of a repeated id the last one counts.

    An item that cannot be stored is refused with its reason, and the others are stored; only where all are
    refused is the answer an error.

    As `application/x-ndjson` a body may be of any length: an item a line. The answer then is a report of the same
    kind: what became of each line, then the sums.
    """
    if media_type_of(request.scope) in STREAMED["/v1/items"]:
        try:
            report = await stored_lines(request.stream(), partial(_stored, service))
        except ClientDisconnect:  # what came is stored; nobody waits for the report
            return Response(status_code=400)
        return StreamingResponse(chunks(report), media_type=item_lines.MEDIA_TYPE)
    sent = one_or_many(await request.body(), "items")
    checked = [check_item(one) for one in sent]
    changes = await _stored(service, [one for one in checked if isinstance(one, Item)])
    results = [
        ItemResult(item_id=one.item_id, status=changes[one.item_id].status)
        if isinstance(one, Item)
        else ItemResult(item_id=_named(raw), status=ItemStatus.REFUSED, errors=one)
        for raw, one in zip(sent, checked, strict=True)
    ]
    statuses = [result.status for result in results]
    refused = statuses.count(ItemStatus.REFUSED)
    service.measures.items({ItemStatus.REFUSED.value: refused})
    if refused == len(results):
        return all_refused("items", [result.errors for result in results])
    return Json(
        ItemsAnswer(
            new=statuses.count(ItemStatus.NEW),
            changed=statuses.count(ItemStatus.CHANGED),
            unchanged=statuses.count(ItemStatus.UNCHANGED),
            refused=refused,
            items=results,
        )
    )


@router.put(
    "/items/{item_id:path}",
    response_model=ItemResult,
    responses={
        201: {"model": ItemResult, "description": "The item is new."},
        **documentation.problems(400, 412, 413, 415, 422, 503),
    },
    openapi_extra=documentation.body(documentation.reference(documentation.PUT_ITEM)),
)
@needs(KeyScope.CATALOGUE)
async def put_item(item_id: ItemIdInPath, request: Request, service: Current) -> Response:
    """Store an item, replacing the one of its id.

    With `If-Match` only where it is as it was looked at, with `If-None-Match: *` only where there is none.
    """
    checked = check_item(document(await request.body()), item_id=item_id)
    if not isinstance(checked, Item):
        return invalid(checked)
    return await _changed(service, item_id, Conditions.of(request), lambda _: checked)


@router.patch(
    "/items/{item_id:path}",
    response_model=ItemResult,
    responses=documentation.problems(400, 404, 412, 413, 415, 422, 503),
    openapi_extra=documentation.body(documentation.reference(documentation.PATCH_ITEM)),
)
@needs(KeyScope.CATALOGUE)
async def patch_item(item_id: ItemIdInPath, request: Request, service: Current) -> Response:
    """Change some fields of an item: those that are sent; null takes one away (RFC 7396)."""
    sent = document(await request.body())
    if not isinstance(sent, dict):
        raise QueryError("the body is no object", expected="the fields that change", code="invalid")
    patch = cast("dict[str, Any]", sent)

    def patched(before: Item | None) -> Item | list[FieldProblem]:
        if before is None:
            raise _unknown(item_id)
        return check_item(merged(before.model_dump(mode="json"), patch), item_id=item_id)

    return await _changed(service, item_id, Conditions.of(request), patched)


@router.get(
    "/items/{item_id:path}",
    response_model=Item,
    responses={304: {"description": "The item is as `If-None-Match` has it."}, **documentation.problems(404, 422, 503)},
)
@needs(KeyScope.CATALOGUE)
async def get_item(item_id: ItemIdInPath, request: Request, service: Current) -> Response:
    """One item as it was sent, with an `ETag`."""
    with service.records.glance() as connection:
        item = _there(connection, item_id)
    if item is None:
        raise _unknown(item_id)
    tag = tag_of(item)
    if Conditions.of(request).is_known(tag):
        return Response(status_code=304, headers={"ETag": tag})
    return Json(item, headers={"ETag": tag})


@router.delete(
    "/items/{item_id:path}",
    status_code=204,
    response_class=Response,
    responses=documentation.problems(404, 412, 422, 503),
)
@needs(KeyScope.CATALOGUE)
async def delete_item(item_id: ItemIdInPath, request: Request, service: Current) -> Response:
    """Take an item out of the catalogue: it is never shown again, unless it is sent anew."""
    conditions = Conditions.of(request)

    def deleted(connection: Connection) -> bool:
        if conditions.match is not None:
            conditions.require(_there(connection, item_id))
        return catalogue.delete(connection, item_id)

    if not await service.writer.run(deleted):
        raise _unknown(item_id)
    service.measures.items({"deleted": 1})
    await service.take_up()
    return Response(status_code=204)


async def _changed(
    service: Service,
    item_id: str,
    conditions: Conditions,
    change_of: Callable[[Item | None], Item | list[FieldProblem]],
) -> Response:
    """Look, decide and store in one transaction: nobody comes in between."""

    def done(connection: Connection) -> Change | list[FieldProblem]:
        before = _there(connection, item_id)
        conditions.require(before)
        item = change_of(before)
        return store(connection, [item])[item_id] if isinstance(item, Item) else item

    change = await service.writer.run(done)
    if not isinstance(change, Change):
        return invalid(change)
    service.measures.items({change.status.value: 1})
    await service.take_up([item_id])
    status = 201 if change.status is ItemStatus.NEW else 200
    return Json(ItemResult(item_id=item_id, status=change.status), status, headers={"ETag": tag_of(change.entry.item)})


def _there(connection: Connection, item_id: str) -> Item | None:
    """An item that is stored and not deleted."""
    entry = catalogue.get(connection, item_id)
    return None if entry is None or entry.deleted else entry.item


def _page(records: Records, n: int, after: int) -> list[StoredItem]:
    with records.read() as connection:
        return catalogue.read_page(connection, n, after)


def _named_items(records: Records, item_ids: Sequence[str]) -> list[Item]:
    with records.read() as connection:
        found = [_there(connection, item_id.replace("\0", "")) for item_id in dict.fromkeys(item_ids)]
    return [item for item in found if item is not None]


def merged(item: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """An item after a merge patch: attributes are merged too, null takes away, everything else replaces.

    Examples:
        >>> merged({"title": "a", "attributes": {"c": "2", "d": "3"}}, {"title": None, "attributes": {"c": "4"}})
        {'attributes': {'c': '4', 'd': '3'}}
    """
    after = {**item, **patch}
    own, changed = item.get("attributes"), patch.get("attributes")
    if isinstance(own, dict) and isinstance(changed, dict):
        both = {**cast("dict[str, Any]", own), **cast("dict[str, Any]", changed)}
        after["attributes"] = {name: value for name, value in both.items() if value is not None}
    return {name: value for name, value in after.items() if value is not None}


async def _stored(service: Service, batch: list[Item]) -> dict[str, Change]:
    if not batch:
        return {}
    changes = await service.writer.run(partial(store, batch=batch))
    service.measures.items(Counter(change.status.value for change in changes.values()))
    await service.take_up(changes)
    return changes


def _unknown(item_id: str) -> UnknownError:
    return UnknownError(f"there is no item {item_id!r}", code="unknown_item")


def _named(sent: Any) -> str | None:
    found = sent.get("item_id") if isinstance(sent, dict) else None
    return found if isinstance(found, str) else None
