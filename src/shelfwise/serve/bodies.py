"""Request bodies: JSON only, not too large, one document or many."""

from __future__ import annotations

from typing import Any, cast

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shelfwise.errors import InputError, QueryError
from shelfwise.serve.problems import problem

MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_DRAINED_BYTES = 16 * 1024 * 1024
"""How much of a body that is too large is read and dropped, so that the sender hears the answer."""

MAX_MANY = 1_000
"""Events or items in one request."""


class BodyLimit:
    """Reads a request's body before anybody else does, and refuses what is too large or no JSON.

    Other media types are refused since a form on any web page may send them to this machine unasked.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, and pass on."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT", "PATCH"):
            await self.app(scope, receive, send)
            return
        if _is_stream(scope):
            await self.app(scope, receive, send)
            return
        parts: list[bytes] = []
        n_bytes = 0
        while n_bytes <= MAX_DRAINED_BYTES:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            part: bytes = message.get("body", b"")
            n_bytes += len(part)
            if n_bytes <= MAX_BODY_BYTES:
                parts.append(part)
            if not message.get("more_body", False):
                break
        if n_bytes > MAX_BODY_BYTES:
            answer = problem(
                413,
                "too_large",
                f"the body is larger than {MAX_BODY_BYTES:,} bytes",
                hint="send it in several requests",
                headers={"Connection": "close"},
            )
            await answer(scope, receive, send)
            return
        media_type = media_type_of(scope)
        if media_type != b"application/json" and not media_type.endswith(b"+json"):
            answer = problem(
                415,
                "not_json",
                "the body's media type is not JSON",
                hint="send `Content-Type: application/json`",
            )
            await answer(scope, receive, send)
            return
        pending: list[Message] = [{"type": "http.request", "body": b"".join(parts), "more_body": False}]

        async def replay() -> Message:
            return pending.pop() if pending else await receive()

        await self.app(scope, replay, send)


_JSON_LINES = (b"application/x-ndjson", b"application/jsonl", b"application/jsonlines")

STREAMED = {
    "/v1/items": frozenset(_JSON_LINES),
    "/v1/imports": frozenset(
        {*_JSON_LINES, b"text/csv", b"text/tab-separated-values", b"application/vnd.apache.parquet"}
        | {b"application/octet-stream", b"application/gzip", b"application/zstd"}
    ),
}
"""Paths whose endpoints read some kinds of body themselves, piece by piece.

None of these kinds is one that a form on any web page may send.
"""


def media_type_of(scope: Scope) -> bytes:
    """Of a request's body; empty where it names none."""
    sent = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    return sent.split(b";")[0].strip().lower()


def _is_stream(scope: Scope) -> bool:
    kinds = STREAMED.get(scope["path"])
    return kinds is not None and scope["method"] == "POST" and media_type_of(scope) in kinds


def document(body: bytes) -> Any:
    """A body as plain values.

    Raises:
        InputError: it is no JSON.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as cause:
        raise InputError(f"the body is no JSON ({cause})", code="bad_json") from cause


def one_or_many(body: bytes, name: str) -> list[Any]:
    """The documents of a body that holds one object, a list, or `{name: [...]}`.

    Raises:
        InputError: it is no JSON.
        QueryError: it is neither of these, holds nothing, or more than `MAX_MANY`.
    """
    found = document(body)
    if isinstance(found, dict):
        table = cast("dict[str, Any]", found)
        found = table[name] if table.keys() == {name} else [table]
    if not isinstance(found, list):
        raise QueryError(
            "the body is of another form",
            expected=f"one object, a list, or {{{name!r}: [...]}}",
            code="invalid",
        )
    many = cast("list[Any]", found)
    if not 0 < len(many) <= MAX_MANY:
        raise QueryError(
            f"the body holds {len(many):,} {name}",
            expected=f"1 to {MAX_MANY:,}",
            where=name,
            hint="send them in several requests" if many else None,
            code="too_many" if many else "nothing_sent",
        )
    return many
