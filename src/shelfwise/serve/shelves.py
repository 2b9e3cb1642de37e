"""What pages show of the catalogue beside a slate: cards of items, and the shelves that they stand on.

A slate names items and says why; a page also wants to show a price and a colour. What is told here stands on any
shop's pages anyway: everything else that the catalogue holds of an item is told to server keys only.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Annotated

import fastapi
import numpy as np
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from shelfwise.config.storefront import StorefrontSpec
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.events import MAX_ID_CHARS
from shelfwise.schemas.items import PATH_SEPARATOR, Item, category_path
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import Json
from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.service import Current
from shelfwise.store import catalogue

router = APIRouter(tags=["pages"], route_class=GuardedRoute)

MAX_CARDS = 100
MAX_VALUES = 60
"""Values of an attribute that a shelf tells of, the most frequent ones."""


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


class Shelf(BaseModel):
    """A category, or the whole shop."""

    category: str | None = Field(description="Its path; null for the whole shop.")
    n_items: int = Field(description="That may be shown.")
    below: list[Shelf] = Field(description="One level below, the largest first; their own `below` two levels deep.")


class Value(BaseModel):
    """A value of an attribute."""

    value: str
    n_items: int


class ShelvesAnswer(BaseModel):
    """A shelf with what stands below it, and what it can be narrowed by."""

    shelf: Shelf
    attributes: dict[str, list[Value]] = Field(
        description="Of those that `[storefront] attributes` names: the values on this shelf, the most frequent first."
    )


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
    with service.records.read() as connection:
        found = [catalogue.get(connection, one) for one in dict.fromkeys(item_id)]
    return Json(Cards(items=[_card(one.item, storefront) for one in found if one is not None and not one.deleted]))


@router.get("/shelves", response_model=ShelvesAnswer, responses=documentation.problems(409, 422, 503))
@needs(KeyScope.RECOMMEND, browsers=True)
async def get_shelves(
    service: Current,
    category: Annotated[str | None, fastapi.Query(max_length=1_000, description="A path; omitted: the shop.")] = None,
) -> Response:
    """The categories below one, two levels deep, with what each can be narrowed by."""
    shown = service.config.storefront.attributes
    return Json(await asyncio.to_thread(_shelves, service.recommender, category, shown))


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


def _shelves(recommender: Recommender, category: str | None, shown: list[str]) -> ShelvesAnswer:
    known = recommender.catalogue
    path = category_path(category)
    rows = np.flatnonzero(known.allowed)
    paths = [known.paths[row] for row in rows.tolist()]
    here = [own[: len(path)] == path for own in paths]
    rows, paths = rows[np.array(here, bool)], [own for own, is_here in zip(paths, here, strict=True) if is_here]
    n_items = Counter(own[:depth] for own in paths for depth in range(len(path), min(len(own), len(path) + 2) + 1))
    below: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for one, _ in n_items.most_common():
        if len(one) > len(path):
            below.setdefault(one[:-1], []).append(one)

    def shelf(one: tuple[str, ...]) -> Shelf:
        return Shelf(
            category=f" {PATH_SEPARATOR} ".join(one) or None,
            n_items=len(paths) if one == path else n_items[one],
            below=[shelf(child) for child in below.get(one, [])],
        )

    columns, now_ms = recommender.rules.columns if shown else None, 0
    values: dict[str, list[Value]] = {}
    if columns is not None:
        for name in shown:
            counted = Counter(columns.get(row, name, now_ms) for row in rows.tolist())
            values[name] = [
                Value(value=str(value), n_items=n)
                for value, n in counted.most_common(MAX_VALUES + 1)
                if value is not None
            ][:MAX_VALUES]
    return ShelvesAnswer(shelf=shelf(path), attributes=values)
