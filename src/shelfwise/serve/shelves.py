"""What pages show of the catalogue beside a slate: cards of items, and the shelves that they stand on.

A slate names items and says why; a page also wants to show a price and a colour. What is told here stands on any
shop's pages anyway: everything else that the catalogue holds of an item is told to server keys only.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated

import fastapi
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from shelfwise.config.storefront import StorefrontSpec
from shelfwise.schemas.events import MAX_ID_CHARS
from shelfwise.schemas.items import Item
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import Json
from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.service import Current
from shelfwise.serve.shelf_counts import ShelvesAnswer
from shelfwise.store import catalogue

router = APIRouter(tags=["pages"], route_class=GuardedRoute)

MAX_CARDS = 100


class Card(BaseModel):
    """What a page may show of an item."""

    item_id: str
    title: str | None
    description: str | None
    category: str | None
    brand: str | None
    price: float | None
    currency: str | None
    available: bool = Field(description="False: it is not recommended, and should not be sold.")
    has_picture: bool = Field(description="Whether it names one: `GET /items/{id}/picture` tells whether there is one.")
    attributes: dict[str, str] = Field(description="Those that `[storefront] attributes` names.")


class Cards(BaseModel):
    """Items as asked for, in that order; those that the shop has not are left out."""

    items: list[Card]


@router.get("/cards", response_model=Cards, responses=documentation.problems(422, 503))
@needs(KeyScope.RECOMMEND, browsers=True)
async def get_cards(
    service: Current,
    item_id: Annotated[
        list[Annotated[str, fastapi.Path(max_length=MAX_ID_CHARS)]],
        fastapi.Query(min_length=1, max_length=MAX_CARDS, description="Repeated: one for each item."),
    ],
) -> Response:
    """What pages show of items: title, price, picture, and the attributes that the shop lets pages read."""
    storefront = service.config.storefront
    found = await asyncio.to_thread(service.records.reading, partial(catalogue.get_many, item_ids=item_id))
    return Json(Cards(items=[_card(one.item, storefront) for one in found if not one.deleted]))


@router.get("/shelves", response_model=ShelvesAnswer, responses=documentation.problems(409, 422, 503))
@needs(KeyScope.RECOMMEND, browsers=True)
async def get_shelves(
    service: Current,
    category: Annotated[str | None, fastapi.Query(max_length=1_000, description="A path; omitted: the shop.")] = None,
) -> Response:
    """The categories below one, two levels deep, with what each can be narrowed by."""
    body = await service.shelf_counts.body(service.recommender, category)
    return Response(body, media_type=Json.media_type)


def _card(item: Item, storefront: StorefrontSpec) -> Card:
    return Card(
        item_id=item.item_id,
        title=item.title,
        description=item.description,
        category=item.category,
        brand=item.brand,
        price=item.price,
        currency=item.currency or storefront.currency or None,
        available=item.available,
        has_picture=bool(item.image),
        attributes={name: item.attributes[name] for name in storefront.attributes if name in item.attributes},
    )
