"""Browser keys in the addresses of pictures: what a page shows by `<img>` sends no headers of its own.

A browser key stands in the page anyway, for everybody to read. A server's key does not belong in an address, where
histories and logs keep it, and is refused there.
"""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.types import Scope

from shelfwise.errors import NotAllowedError
from shelfwise.schemas.keys import KeyKind
from shelfwise.serve.callers import Caller

PARAMETER = "key"


def authorization_in_address(scope: Scope) -> str | None:
    """The key in a picture's address, as a header would carry it; None elsewhere, or without one."""
    if scope["method"] not in ("GET", "HEAD") or not scope["path"].startswith("/v1/items/"):
        return None
    if not scope["path"].endswith("/picture") or not scope["query_string"]:
        return None
    sent = parse_qs(scope["query_string"].decode("latin-1")).get(PARAMETER)
    return f"Bearer {sent[0]}" if sent else None


def require_browser_key(caller: Caller) -> None:
    """Refuse who sent another key in an address.

    Raises:
        NotAllowedError: it is the key of a server.
    """
    if caller.kind is not KeyKind.BROWSER:
        raise NotAllowedError(
            "a server's key does not belong in an address",
            expected="a browser key there, or `Authorization: Bearer …`",
            code="key_in_address",
        )
