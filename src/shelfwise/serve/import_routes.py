"""Imports over HTTP: what was read when, how far the present one is, and a file that is sent to be read."""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import partial
from typing import Annotated, Literal

import fastapi
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from shelfwise.errors import InputError
from shelfwise.ingest.asked import TableName
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import Json
from shelfwise.serve.bodies import STREAMED, media_type_of
from shelfwise.serve.callers import GuardedRoute, caller_of, needs
from shelfwise.serve.service import Current, Service
from shelfwise.store import imports
from shelfwise.store.imports import Import, ImportKind, ImportState

router = APIRouter(tags=["data"], route_class=GuardedRoute)

MAX_NUMBER = 2**31 - 1

FORMATS = {b"text/csv": "csv", b"text/tab-separated-values": "csv", b"application/vnd.apache.parquet": "parquet"}
"""By media type; JSON Lines are told by their own types, anything else by its name and contents."""


class ImportAnswer(BaseModel):
    """One run of reading a file; `lines` is the sum of the three counts once it has ended."""

    import_id: int
    source: int = Field(description="Number of the file, for its quarantine.")
    table: TableName = Field(description="What it holds.")
    name: str = Field(description="The file, as the shop wrote it.")
    kind: ImportKind = Field(
        description="`file`: shop.toml names it; `upload`: it was sent; `again`: lines of its quarantine."
    )
    actor: str = Field(description="Who asked for it; empty where that is not known.")
    started_at: datetime
    finished_at: datetime | None
    state: ImportState = Field(description="`interrupted`: it has been silent for minutes; ask for it again.")
    progress: float = Field(description="Share done, from 0 to 1.")
    lines: int = Field(description="Read so far.")
    stored: int
    already_stored: int = Field(description="An earlier file or the API had brought them before.")
    quarantined: int = Field(description="Refused with a reason.")
    failure: str | None = Field(description="Why it ended early.")


class ImportsAnswer(BaseModel):
    """Imports, newest first."""

    imports: list[ImportAnswer]


@router.get("/imports", response_model=ImportsAnswer, responses=documentation.problems(422, 503))
@needs(KeyScope.CATALOGUE)
async def get_imports(
    service: Current,
    limit: Annotated[int, fastapi.Query(ge=1, le=1_000, description="Imports on a page.")] = 50,
    before: Annotated[
        int | None, fastapi.Query(ge=0, le=MAX_NUMBER, description="Only those before this import.")
    ] = None,
) -> Response:
    """What was read when, by whom, and with what outcome."""
    found = await asyncio.to_thread(service.records.reading, partial(imports.latest, n=limit, before=before))
    return Json(ImportsAnswer(imports=[_answer(one) for one in found]))


@router.get("/imports/{import_id}", response_model=ImportAnswer, responses=documentation.problems(404, 422, 503))
@needs(KeyScope.CATALOGUE)
async def get_import(import_id: Annotated[int, Path(ge=0, le=MAX_NUMBER)], service: Current) -> Response:
    """One import, and how far it is."""
    with service.records.glance() as connection:
        return Json(_answer(imports.get(connection, import_id)))


@router.post(
    "/imports",
    status_code=202,
    response_model=ImportAnswer,
    responses=documentation.problems(400, 409, 413, 415, 422, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                media_type: {"schema": {"type": "string", "format": "binary"}}
                for media_type in ("text/csv", "application/x-ndjson", "application/octet-stream")
            },
        }
    },
)
@needs(KeyScope.ADMIN)
async def post_import(
    request: Request,
    service: Current,
    table: Annotated[Literal["items", "events", "users"], fastapi.Query(description="What the file holds.")],
    name: Annotated[str, fastapi.Query(min_length=1, max_length=256, description="The file's name.")] = "upload",
) -> Response:
    """Send a file to be read by the mapping that shop.toml has for its table.

    CSV, JSON Lines or Parquet, plain or compressed. It is read in the background: `GET /imports/{import_id}` says how
    far it is. What cannot be stored goes to quarantine, as with `shelfwise ingest`.
    """
    media_type = media_type_of(request.scope)
    if media_type not in STREAMED["/v1/imports"]:
        raise InputError(
            "the body is no file",
            expected="`Content-Type: text/csv`, `application/x-ndjson` or `application/octet-stream`",
            code="no_file",
        )
    lines = "jsonl" if media_type in STREAMED["/v1/items"] else "auto"
    kind = FORMATS.get(media_type, lines)
    try:
        number = await service.imports.upload(table, name, request.stream(), kind, caller_of(request).name)
    except ClientDisconnect:  # nothing of it was read, and nobody waits
        return Response(status_code=400)
    return begun(service, number)


def begun(service: Service, number: int) -> Response:
    """The answer to a request that began an import."""
    with service.records.glance() as connection:
        return Json(_answer(imports.get(connection, number)), 202)


def _answer(one: Import) -> ImportAnswer:
    return ImportAnswer.model_validate(one, from_attributes=True)
