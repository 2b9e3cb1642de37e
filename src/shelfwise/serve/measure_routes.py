"""`GET /metrics`: what the server counts of itself, for Prometheus."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from shelfwise.errors import ServiceError
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.drift_measures import exposition_of
from shelfwise.serve.exposition import exposition
from shelfwise.serve.measures import Measures
from shelfwise.serve.service import Opening

router = APIRouter(tags=["operation"], route_class=GuardedRoute)


@router.get("/metrics", response_class=PlainTextResponse)
@needs(KeyScope.METRICS)
async def get_metrics(request: Request) -> Response:
    """Numbers of all processes of this server in Prometheus' text format; no ids, no texts."""
    measures: Measures = request.app.state.measures
    measures.hand_over()
    text = await asyncio.to_thread(exposition, measures)
    try:
        opening: Opening = request.app.state.opening
        text += exposition_of(await opening.service().drift_report())
    except ServiceError:  # the shop is still being opened, or its store is away: other numbers say so
        pass
    return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)
