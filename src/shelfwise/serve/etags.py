"""Whether a caller has already what it asks for."""

from __future__ import annotations

from fastapi import Request


def is_known(request: Request, tag: str) -> bool:
    """Whether `If-None-Match` names a tag, quotes included."""
    known = (one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(","))
    return tag in known
