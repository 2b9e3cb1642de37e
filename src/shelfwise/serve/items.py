"""The catalogue over HTTP: an item that is sent is recommendable when the answer comes."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from shelfwise.errors import UnknownError
from shelfwise.schemas.items import Item
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import Json
from shelfwise.serve.bodies import document, one_or_many
from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.incoming import check_item
from shelfwise.serve.item_paths import ItemIdInPath
from shelfwise.serve.live_items import Change, ItemStatus
from shelfwise.serve.problems import FieldProblem, all_refused, invalid
from shelfwise.serve.service import Current, Service
from shelfwise.store import catalogue

router = APIRouter(tags=["items"], route_class=GuardedRoute)


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


@router.post(
    "/items",
    response_model=ItemsAnswer,
    responses=documentation.problems(400, 413, 415, 422, 503),
    openapi_extra=documentation.body(documentation.one_or_many("items", Item)),
)
@needs(KeyScope.CATALOGUE)
async def post_items(request: Request, service: Current) -> Response:
    """Store one item or many, each replacing the one of its id; of a repeated id the last one counts.

    An item that cannot be stored is refused with its reason, and the others are stored; only where all are
    refused is the answer an error.
    """
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
        **documentation.problems(400, 413, 415, 422, 503),
    },
    openapi_extra=documentation.body(documentation.reference(documentation.PUT_ITEM)),
)
@needs(KeyScope.CATALOGUE)
async def put_item(item_id: ItemIdInPath, request: Request, service: Current) -> Response:
    """Store an item, replacing the one of its id."""
    checked = check_item(document(await request.body()), item_id=item_id)
    if not isinstance(checked, Item):
        return invalid(checked)
    change = (await _stored(service, [checked]))[item_id]
    status = 201 if change.status is ItemStatus.NEW else 200
    return Json(ItemResult(item_id=item_id, status=change.status), status)


@router.get("/items/{item_id:path}", response_model=Item, responses=documentation.problems(404, 422, 503))
@needs(KeyScope.CATALOGUE)
async def get_item(item_id: ItemIdInPath, service: Current) -> Response:
    """One item as it was sent."""
    with service.records.read() as connection:
        entry = catalogue.get(connection, item_id)
    if entry is None or entry.deleted:
        raise _unknown(item_id)
    return Json(entry.item)


@router.delete(
    "/items/{item_id:path}",
    status_code=204,
    response_class=Response,
    responses=documentation.problems(404, 422, 503),
)
@needs(KeyScope.CATALOGUE)
async def delete_item(item_id: ItemIdInPath, service: Current) -> Response:
    """Take an item out of the catalogue: it is never shown again, unless it is sent anew."""
    change = await service.writer.run(partial(service.items.delete, item_id=item_id))
    if change is None:
        raise _unknown(item_id)
    await service.items.take_up([change])
    return Response(status_code=204)


async def _stored(service: Service, batch: list[Item]) -> dict[str, Change]:
    if not batch:
        return {}
    changes = await service.writer.run(partial(service.items.store, batch=batch))
    await service.items.take_up(list(changes.values()))
    return changes


def _unknown(item_id: str) -> UnknownError:
    return UnknownError(f"there is no item {item_id!r}", code="unknown_item")


def _named(sent: Any) -> str | None:
    found = sent.get("item_id") if isinstance(sent, dict) else None
    return found if isinstance(found, str) else None
