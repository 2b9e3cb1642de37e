"""The bare framework, answering every recommendation with the same bytes: what the server could do at most."""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import FastAPI, Request, Response


def create_app() -> FastAPI:
    """An app that reads a request and answers the bytes of the file that the environment names."""
    body = Path(os.environ["CANNED_ANSWER"]).read_bytes()
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.post("/v1/recommend")
    async def post_recommend(request: Request) -> Response:
        await request.body()
        return Response(body, media_type="application/json")

    @app.get("/v1/health/ready")
    async def get_ready() -> Response:
        return Response(b"{}", media_type="application/json")

    return app
