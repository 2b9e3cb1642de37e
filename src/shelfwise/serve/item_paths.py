"""Ids of items and people in paths: any text, slashes included, percent-encoded by the caller."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote

from fastapi import Path
from pydantic import BeforeValidator
from starlette.types import ASGIApp, Receive, Scope, Send

PREFIXES = ("/v1/items/", "/v1/users/")


class KeepEncoded:
    """Routes items and people by the path as it was sent.

    The item `a/similar` and what is similar to the item `a` are the same path once it is decoded.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put the encoded path in the place of the decoded one."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIXES) and scope.get("raw_path"):
            scope = {**scope, "path": scope["raw_path"].partition(b"?")[0].decode("latin-1")}
        await self.app(scope, receive, send)


def _decoded(encoded: str) -> str:
    try:
        return unquote(encoded, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("is not percent-encoded UTF-8") from None


ItemIdInPath = Annotated[str, BeforeValidator(_decoded), Path(description="The item's id, percent-encoded.")]
UserIdInPath = Annotated[
    str,
    BeforeValidator(_decoded),
    Path(description="The user's id, percent-encoded; `visitor:` and the session's for a visitor."),
]
