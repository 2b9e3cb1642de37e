"""The catalogue's map over HTTP: its legend, its points, and what lies at some of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shelfwise.schemas.events import MAX_ID_CHARS
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import Json
from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.catalogue_map import n_without_group
from shelfwise.serve.etags import is_known
from shelfwise.serve.service import Current

router = APIRouter(tags=["map"], route_class=GuardedRoute)

MAX_ASKED = 500
POINTS_TYPE = "application/octet-stream"


class GroupAnswer(BaseModel):
    """What one colour stands for."""

    code: int
    name: str
    n_items: int


class MapAnswer(BaseModel):
    """The map without its points."""

    version: str = Field(description="The model version that it was drawn of.")
    in_service: bool = Field(description="Whether that is the version in service; if not, the last map is shown.")
    drawn_at: str
    method: str
    n_items: int = Field(description="Points: items that may be shown and have a place.")
    n_new: int = Field(description="Of these, items that came since, placed among what they are like.")
    n_unplaced: int = Field(description="Items that may be shown and are not on the map: nothing of them is known yet.")
    grouped_by: str = Field(description="`category`; `theme` where the shop does not sort its items; or `none`.")
    groups: list[GroupAnswer]
    n_without_group: int
    most_popular: int = Field(description="Events of interest that the most popular item has.")
    most_shown: int = Field(description="Times that the most shown item stands in the latest 100,000 answers.")
    points: str = Field(description="The `ETag` of the points that this describes.")


class ItemsAsked(BaseModel):
    """Which items, by row or by id."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"rows": [0, 1, 2]}]})

    rows: list[Annotated[int, Field(ge=0, lt=2**31)]] = Field(
        default_factory=list[int], max_length=MAX_ASKED, description="As the points have them."
    )
    item_ids: list[Annotated[str, Field(max_length=MAX_ID_CHARS)]] = Field(
        default_factory=list[str], max_length=MAX_ASKED, description="As the shop has them."
    )


class MapItem(BaseModel):
    """What lies at a point."""

    row: int
    item_id: str
    title: str | None
    category: str | None
    brand: str | None


class MapItemsAnswer(BaseModel):
    """The items asked for that exist, in the order asked: by row, then by id."""

    items: list[MapItem]


@router.get("/map", response_model=MapAnswer, responses=documentation.problems(409))
@needs(KeyScope.ADMIN)
async def get_map(service: Current) -> Response:
    """What the map shows, and what its colours mean."""
    ready = await service.map.ready(service.recommender)
    points, about = ready.points, ready.drawn.about
    return Json(
        MapAnswer(
            version=ready.drawn.version,
            in_service=ready.drawn.version == service.recommender.model.name,
            drawn_at=about["drawn_at"],
            method=about["method"],
            n_items=len(points.rows),
            n_new=points.n_new,
            n_unplaced=points.n_unplaced,
            grouped_by=points.groups.kind,
            groups=[
                GroupAnswer(code=code, name=name, n_items=n)
                for code, (name, n) in enumerate(zip(points.groups.names, ready.n_by_group, strict=True))
            ],
            n_without_group=n_without_group(ready),
            most_popular=int(points.popularity.max(initial=0)),
            most_shown=int(points.exposure.max(initial=0)),
            points=ready.tag,
        )
    )


@router.get(
    "/map/points",
    response_class=Response,
    responses={
        200: {
            "description": "The points; the documentation of the console says how they are packed.",
            "content": {POINTS_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        },
        304: {"description": "They are as `If-None-Match` has them."},
        **documentation.problems(409),
    },
)
@needs(KeyScope.ADMIN)
async def get_map_points(request: Request, service: Current) -> Response:
    """Where every item lies, packed: 22 bytes a point before gzip."""
    ready = await service.map.ready(service.recommender)
    headers = {"ETag": ready.tag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
    if is_known(request, ready.tag):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(ready.zipped, media_type=POINTS_TYPE, headers={**headers, "Content-Encoding": "gzip"})
    return Response(ready.body, media_type=POINTS_TYPE, headers=headers)


@router.post("/map/items", response_model=MapItemsAnswer, responses=documentation.problems(400, 409, 413, 415, 422))
@needs(KeyScope.ADMIN)
async def post_map_items(asked: ItemsAsked, service: Current) -> Response:
    """What lies at some points, or at which points some items lie; nothing is changed."""
    catalogue = service.recommender.catalogue
    rows = [row for row in asked.rows if row < len(catalogue)]
    rows += [int(row) for row in map(catalogue.row, asked.item_ids) if row is not None]
    return Json(
        MapItemsAnswer(
            items=[
                MapItem(
                    row=row,
                    item_id=catalogue.item_ids[row],
                    title=catalogue.titles[row],
                    category=" > ".join(catalogue.paths[row]) or None,
                    brand=_text(catalogue.brands.name_of(row)),
                )
                for row in rows
            ]
        )
    )


def _text(name: object) -> str | None:
    return None if name is None else str(name)
