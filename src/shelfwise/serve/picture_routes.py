"""`GET /items/{id}/picture`: what an item looks like, small enough for a page."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

import fastapi
from fastapi import APIRouter, Request, Response

from shelfwise.encode.pictures.thumbnail import MEDIA_TYPE
from shelfwise.errors import UnknownError
from shelfwise.schemas.keys import KeyKind, KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.address_keys import PARAMETER
from shelfwise.serve.callers import GuardedRoute, caller_of, needs
from shelfwise.serve.item_paths import ItemIdInPath
from shelfwise.serve.service import Current
from shelfwise.store import catalogue

router = APIRouter(tags=["pages"], route_class=GuardedRoute)

KEPT_S = 300
"""How long a browser shows it unasked; afterwards it asks whether the file changed."""


class PictureSize(IntEnum):
    """Pixels of the longer side: few sizes, so that what was made once is used again."""

    SMALL = 160
    MEDIUM = 320
    LARGE = 640


@router.get(
    "/items/{item_id:path}/picture",
    response_class=Response,
    responses={
        200: {
            "description": "The picture.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        },
        304: {"description": "It is as `If-None-Match` has it."},
        **documentation.problems(404, 422, 503),
    },
)
@needs(KeyScope.RECOMMEND, KeyScope.CATALOGUE, browsers=True)
async def get_picture(
    item_id: ItemIdInPath,
    request: Request,
    service: Current,
    size: Annotated[PictureSize, fastapi.Query(description="Pixels of the longer side at most.")] = PictureSize.MEDIUM,
    key: Annotated[  # read before the route is known, see `address_keys`
        str | None,
        fastapi.Query(alias=PARAMETER, max_length=200, description="A browser key: pictures send no headers."),
    ] = None,
) -> Response:
    """An item's picture as WebP, from the shop's own folders; nothing is fetched from elsewhere.

    404 with the code `no_picture` where the item names none, or one that is not here or cannot be opened.
    """
    with service.records.glance() as connection:
        entry = catalogue.get(connection, item_id)
    if entry is None or entry.deleted:
        raise UnknownError(f"there is no item {item_id!r}", code="unknown_item")
    source = await service.thumbnails.find(entry.item.image)
    tag, is_of_page = source.tag(size), caller_of(request).kind is KeyKind.BROWSER
    headers = {
        "ETag": tag,
        "Cache-Control": f"private, max-age={KEPT_S}",
        "X-Content-Type-Options": "nosniff",
        # Pages of the shop are of other origins; without their key, only pages of this server show it.
        "Cross-Origin-Resource-Policy": "cross-origin" if is_of_page else "same-origin",
    }
    known = (one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(","))
    if tag in known:
        return Response(status_code=304, headers=headers)
    return Response(await service.thumbnails.get(source, size), media_type=MEDIA_TYPE, headers=headers)
