"""`GET /console/static/…`: the files that pages load; they tell nothing of the shop, and are anybody's."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from shelfwise.console.headers import NOT_SNIFFED
from shelfwise.console.static_files import ADDRESS, StaticFiles
from shelfwise.errors import UnknownError
from shelfwise.serve.callers import GuardedRoute, needs

router = APIRouter(route_class=GuardedRoute)

KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}


@router.api_route(ADDRESS + "/{version}/{path:path}", methods=["GET", "HEAD"])
@needs(anybody=True)
async def get_static(version: str, path: str, request: Request) -> Response:
    """A file of the release that a page was made by; browsers never ask for it again."""
    files: StaticFiles = request.app.state.static_files
    found = files.find(path)
    if found is None or version != files.version:
        raise UnknownError("there is no such file", hint="load the page again", code="no_such_path")
    headers = {**KEPT, **NOT_SNIFFED, "Vary": "Accept-Encoding"}
    accepted = {one.partition(";")[0].strip() for one in request.headers.get("accept-encoding", "").split(",")}
    for encoding, packed in found.packed.items():
        if encoding in accepted:
            headers["Content-Encoding"] = encoding
            return Response(packed, media_type=found.media_type, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)
