"""Problems as pages: who looks for a page is told what is wrong in words, and not in JSON."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shelfwise.console.pages import PROBLEM
from shelfwise.console.rendering import Renderer
from shelfwise.serve.problems import MEDIA_TYPE

API = ("/v1/", "/metrics")


class PageProblems:
    """Turns the problem documents that browsers get instead of pages into pages of the same status."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and look at the answer where a page is asked for."""
        if scope["type"] != "http" or scope["path"].startswith(API) or not _wants_page(scope):
            await self.app(scope, receive, send)
            return
        held: list[Message] = []

        async def looked_at(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_problem(message):
                held.append(message)
            elif not held:
                await send(message)
            else:
                held.append(message)
                if not message.get("more_body", False):
                    await _page_of(held, scope)(scope, receive, send)

        await self.app(scope, receive, looked_at)


def _wants_page(scope: Scope) -> bool:
    return scope["method"] == "GET" and any(
        name == b"accept" and b"text/html" in value for name, value in scope["headers"]
    )


def _is_problem(start: Message) -> bool:
    return any(name == b"content-type" and value.startswith(MEDIA_TYPE.encode()) for name, value in start["headers"])


def _page_of(held: list[Message], scope: Scope) -> Response:
    start, *parts = held
    problem: dict[str, Any] = orjson.loads(b"".join(part.get("body", b"") for part in parts))
    status: int = start["status"]
    renderer: Renderer = scope["app"].state.renderer
    is_loading = problem["code"] == "loading"
    answer = renderer.page(
        PROBLEM,
        Request(scope),
        status=status,
        title_key="loading" if is_loading else {404: "missing"}.get(status, "refused" if status < 500 else "failed"),
        detail=None if is_loading or status in (404, 500) else problem["detail"],
        hint=problem.get("hint"),
        is_loading=is_loading,
    )
    for name, value in start["headers"]:
        if name in (b"retry-after", b"www-authenticate", b"allow"):
            answer.headers[name.decode()] = value.decode("latin-1")
    return answer
