"""`GET /client.js`: the browser client, for the pages of a shop; it tells nothing of the shop, and is anybody's."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.etags import is_known

router = APIRouter(tags=["pages"], route_class=GuardedRoute)

MEDIA_TYPE = "text/javascript"
KEPT_S = 3_600
"""How long a browser uses it unasked: a release reaches every page within the hour."""

_FILE = Path(__file__).parent / "static" / "shelfwise.js"


@router.get(
    "/client.js",
    response_class=Response,
    responses={
        200: {"description": "The script.", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
        304: {"description": "It is as `If-None-Match` has it."},
    },
)
@needs(anybody=True)
async def get_client_script(request: Request) -> Response:
    """The browser client in one file; needs no key. How a page uses it stands in the documentation of clients."""
    content, tag = _script()
    headers = {
        "ETag": tag,
        "Cache-Control": f"public, max-age={KEPT_S}",
        # Pages of other origins load it, with `integrity` too.
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
    if is_known(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=MEDIA_TYPE, headers=headers)


@cache
def _script() -> tuple[bytes, str]:
    """The script and its tag; every page of a shop loads it, and none needs its indentation."""
    content = b"\n".join(line.lstrip() for line in _FILE.read_bytes().splitlines())
    return content, f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
