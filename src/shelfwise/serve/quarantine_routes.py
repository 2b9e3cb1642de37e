"""The quarantine over HTTP: what was refused and why, the lines themselves, and another try."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import fastapi
import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from shelfwise.ingest.asked import MAX_RAW_CHARS, TableName, Wanted
from shelfwise.ingest.quarantine import FIELDS, csv_cells
from shelfwise.ingest.reasons import EXPLANATION, Reason
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import NEVER_KEPT, Json
from shelfwise.serve.callers import GuardedRoute, caller_of, needs
from shelfwise.serve.import_routes import MAX_NUMBER, ImportAnswer, begun
from shelfwise.serve.service import Current
from shelfwise.store import sources
from shelfwise.store.records import Records

router = APIRouter(tags=["data"], route_class=GuardedRoute)

PAGE = 5_000
MAX_CORRECTED = 1_000
MAX_LINE = 2**53

SourceQuery = Annotated[int | None, fastapi.Query(ge=0, le=MAX_NUMBER, description="Only of this file.")]
ReasonQuery = Annotated[Reason | None, fastapi.Query(description="Only refused for this.")]


class RefusedCount(BaseModel):
    """Lines of one file that were refused for one reason."""

    source: int
    table: TableName
    name: str
    reason: Reason
    explanation: str
    count: int


class QuarantineAnswer(BaseModel):
    """What is in quarantine, the latest files first."""

    total: int
    counts: list[RefusedCount]


class RefusedLineAnswer(BaseModel):
    """One line that could not be stored."""

    source: int
    line: int = Field(description="Of the file, from 1; of a Parquet file the record.")
    reason: Reason
    message: str
    raw: str = Field(description="As it stands in the file; empty where the person it was about was erased.")
    is_whole: bool = Field(description="Whether all of it was kept; a cut one is not tried again.")


class QuarantinePage(BaseModel):
    """Lines in quarantine, in the order of files and lines."""

    columns: dict[str, list[str]] = Field(description="By source: the file's columns, in order.")
    lines: list[RefusedLineAnswer]
    next: str | None = Field(description="To be sent as `after` for the lines behind these; null at the end.")


class CorrectedLine(BaseModel):
    """A line as it should have been."""

    model_config = ConfigDict(extra="forbid")

    line: int = Field(ge=1, le=MAX_LINE)
    raw: str = Field(min_length=1, max_length=MAX_RAW_CHARS - 1)


class TryAgain(BaseModel):
    """Which lines are to be tried again: those of a reason, all of a file, or those that are sent corrected."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"source": 0, "reason": "unknown_item"}, {"source": 0}]}
    )

    source: int = Field(ge=0, le=MAX_NUMBER, description="The file.")
    reason: Reason | None = Field(default=None, description="Only those refused for this.")
    corrected: list[CorrectedLine] | None = Field(
        default=None, min_length=1, max_length=MAX_CORRECTED, description="Only these, with this text."
    )

    @model_validator(mode="after")
    def _one_choice(self) -> TryAgain:
        if self.reason is not None and self.corrected is not None:
            raise ValueError("send `reason` or `corrected`, not both")
        return self


@router.get("/quarantine", response_model=QuarantineAnswer, responses=documentation.problems(503))
@needs(KeyScope.ADMIN)
async def get_quarantine(service: Current) -> Response:
    """How much was refused, by file and reason."""

    def counted() -> list[sources.QuarantineCount]:
        with service.records.read() as connection:
            return sources.quarantine_counts(connection)

    counts = [
        RefusedCount(
            source=one.source,
            table=one.table,  # pyright: ignore[reportArgumentType]
            name=one.name,
            reason=Reason(one.reason),
            explanation=EXPLANATION[Reason(one.reason)],
            count=one.n,
        )
        for one in await asyncio.to_thread(counted)
    ]
    return Json(QuarantineAnswer(total=sum(one.count for one in counts), counts=counts))


@router.get("/quarantine/lines", response_model=QuarantinePage, responses=documentation.problems(422, 503))
@needs(KeyScope.ADMIN)
async def get_lines(
    service: Current,
    source: SourceQuery = None,
    reason: ReasonQuery = None,
    limit: Annotated[int, fastapi.Query(ge=1, le=1_000, description="Lines on a page.")] = 20,
    after: Annotated[
        str | None, fastapi.Query(pattern=r"^\d{1,10}:\d{1,15}$", description="The `next` of an earlier answer.")
    ] = None,
) -> Response:
    """Lines that were refused, as they stand in their files."""
    start = (-1, -1) if after is None else (int(after.split(":")[0]), int(after.split(":")[1]))

    def read() -> tuple[list[tuple[int, sources.Refused]], dict[int, dict[str, Any] | None]]:
        with service.records.read() as connection:
            page = sources.refused_page(connection, limit, source=source, reason=reason, after=start)
            return page, {number: sources.origin(connection, number).layout for number in {one for one, _ in page}}

    found, layouts = await asyncio.to_thread(read)
    answer = QuarantinePage(
        columns={str(number): layout["columns"] for number, layout in layouts.items() if layout is not None},
        lines=[
            RefusedLineAnswer(
                source=number,
                line=one.line,
                reason=Reason(one.reason),
                message=one.message,
                raw=one.raw,
                is_whole=0 < len(one.raw) < MAX_RAW_CHARS,
            )
            for number, one in found
        ],
        next=f"{found[-1][0]}:{found[-1][1].line}" if len(found) == limit else None,
    )
    return Json(answer, headers=NEVER_KEPT)


@router.get(
    "/quarantine/download",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The lines, streamed.",
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
        },
        **documentation.problems(422, 503),
    },
)
@needs(KeyScope.ADMIN)
async def download(
    service: Current,
    source: SourceQuery = None,
    reason: ReasonQuery = None,
    format: Annotated[Literal["csv", "jsonl"], fastapi.Query(description="CSV or JSON Lines.")] = "csv",
) -> Response:
    """Every line in quarantine with its file, line number, reason and message.

    In CSV a text that a spreadsheet would take for a formula is given an apostrophe.
    """
    return StreamingResponse(
        streamed(service.records, source, reason, format),
        media_type="text/csv; charset=utf-8" if format == "csv" else "application/x-ndjson",
        headers={"Content-Disposition": f'attachment; filename="quarantine.{format}"', **NEVER_KEPT},
    )


@router.post(
    "/quarantine/retry",
    status_code=202,
    response_model=ImportAnswer,
    responses=documentation.problems(400, 404, 409, 413, 415, 422, 503),
)
@needs(KeyScope.ADMIN)
async def retry(sent: TryAgain, request: Request, service: Current) -> Response:
    """Read lines again, by the mapping that shop.toml has now: what can be stored leaves the quarantine.

    In the background: `GET /imports/{import_id}` says how far it is.
    """
    corrected = None if sent.corrected is None else {one.line: one.raw for one in sent.corrected}
    wanted = Wanted(sent.source, sent.reason, corrected)
    return begun(service, await service.imports.again(wanted, caller_of(request).name))


async def streamed(
    records: Records, source: int | None, reason: Reason | None, format: Literal["csv", "jsonl"]
) -> AsyncIterator[bytes]:
    """The file that `download` answers with, page by page."""

    def page(after: tuple[int, int]) -> tuple[bytes, tuple[int, int] | None]:
        with records.read() as connection:
            found = sources.refused_page(connection, PAGE, source=source, reason=reason, after=after)
            names = {number: sources.origin(connection, number).state.name for number in {one for one, _ in found}}
        following = (found[-1][0], found[-1][1].line) if len(found) == PAGE else None
        if format == "jsonl":
            rows = [dict(zip(FIELDS, (names[number], *one), strict=True)) for number, one in found]
            return b"".join(orjson.dumps(row) + b"\n" for row in rows), following
        out = io.StringIO(newline="")
        csv.writer(out).writerows(csv_cells(names[number], one) for number, one in found)
        return out.getvalue().encode(), following

    if format == "csv":
        yield (",".join(FIELDS) + "\r\n").encode()
    after: tuple[int, int] | None = (-1, -1)
    while after is not None:
        chunk, after = await asyncio.to_thread(page, after)
        yield chunk
