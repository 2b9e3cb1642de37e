"""Outermost: how long each request took, by the route that it found."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shelfwise.serve.measures import OTHER, Measures

ROUTE = "shelfwise.route"
"""Where a request carries a list that its route writes its template into: layers between may have copied the rest."""


class Measured:
    """Counts requests. What is refused before it comes to a route is told as `other`."""

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self.app = app
        self._measures = measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and count."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began_at, status = time.perf_counter(), 500
        route: list[str] = []
        scope[ROUTE] = route

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            took_s = time.perf_counter() - began_at
            self._measures.request(scope["path"], route[0] if route else OTHER, scope["method"], status, took_s)
