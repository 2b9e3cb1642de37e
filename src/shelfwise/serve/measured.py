"""Outermost: how long each request took, by the route that it found."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shelfwise.serve.measures import OTHER, Measures
from shelfwise.serve.traces import STAGES, Traces

ROUTE = "shelfwise.route"
"""Where a request carries a list that its route writes its template into: layers between may have copied the rest."""

log = logging.getLogger("shelfwise.requests")


class Measured:
    """Counts requests. What is refused before it comes to a route is told as `other`."""

    def __init__(self, app: ASGIApp, measures: Measures, *, logs: bool = False, traces: Traces | None = None) -> None:
        self.app = app
        self._measures, self._logs, self._traces = measures, logs, traces

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
            template = route[0] if route else OTHER
            self._measures.request(scope["path"], template, scope["method"], status, took_s)
            if self._logs:
                told = {"route": template, "method": scope["method"], "status": status, "ms": round(took_s * 1_000, 2)}
                log.info("%(method)s %(route)s %(status)d in %(ms).2f ms", told, extra={"told": told})
            if self._traces is not None:
                answered = (template, scope["method"], status, took_s)
                self._traces.request(*answered, scope["headers"], scope.get(STAGES))
