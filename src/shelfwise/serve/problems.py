"""Errors as RFC 9457 problem documents: a stable `code`, and never a word about our own insides."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shelfwise.errors import InputError, ShelfwiseError
from shelfwise.serve.answers import Json

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1

log = logging.getLogger("shelfwise.serve")


class FieldProblem(BaseModel):
    """One thing that is wrong with one field."""

    field: str = Field(description="Path in the body, as in `3.timestamp`, or a parameter; may be empty.")
    code: str = Field(description="Stable; for machines.")
    message: str


class Problem(BaseModel):
    """What every error answers (RFC 9457)."""

    type: str = Field(description="`urn:shelfwise:` and the code.")
    title: str
    status: int
    detail: str = Field(description="What was found, and what would have been right.")
    code: str = Field(description="Stable; for machines.")
    hint: str | None = Field(default=None, description="What to do next.")
    errors: list[FieldProblem] = Field(default_factory=list[FieldProblem], description="The fields concerned.")


class ProblemAnswer(Json):
    """A problem document on its way out."""

    media_type = MEDIA_TYPE


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    hint: str | None = None,
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> ProblemAnswer:
    """Make the answer.

    Args:
        status: HTTP status.
        code: Stable code.
        detail: One clause about this very case.
        hint: What to do next.
        errors: The fields concerned.
        headers: Further headers.
    """
    document: dict[str, Any] = {
        "type": f"urn:shelfwise:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if hint is not None:
        document["hint"] = hint
    if errors:
        document["errors"] = list(errors)
    return ProblemAnswer(document, status, headers=dict(headers) if headers else None)


def of_error(error: ShelfwiseError) -> ProblemAnswer:
    """An error that we raised on purpose.

    Where it happened is told for the caller's own input only: elsewhere it is a path on this machine.
    """
    if error.http_status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return unexpected(error)
    detail = f"{error.found}; expected {error.expected}" if error.expected else error.found
    fields: list[FieldProblem] = []
    if isinstance(error, InputError) and error.where:
        fields.append(FieldProblem(field=error.where, code=error.code, message=detail))
    headers = _HEADERS.get(error.http_status)
    return problem(error.http_status, error.code, detail, hint=error.hint, errors=fields, headers=headers)


_HEADERS: Mapping[int, Mapping[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": str(RETRY_AFTER_S)},
}


def unexpected(error: BaseException) -> ProblemAnswer:
    """A mistake of ours: the log gets everything, the caller learns that it was not theirs."""
    log.error("a request failed", exc_info=error)
    return problem(500, "internal", "the server made a mistake; its log says which")


def field_problems(errors: Sequence[Any], prefix: str = "") -> list[FieldProblem]:
    """What pydantic found, without the values that were sent.

    Args:
        errors: As `ValidationError.errors()` gives them.
        prefix: Path of what was validated, ending in a dot; empty for the whole body.
    """
    return [
        FieldProblem(
            field=f"{prefix}{'.'.join(str(part) for part in error['loc'])}".rstrip("."),
            code=str(error["type"]),
            message=str(error["msg"]).removeprefix("Value error, "),
        )
        for error in errors
    ]


def invalid(errors: Sequence[FieldProblem]) -> ProblemAnswer:
    """The answer to a request whose fields are wrong."""
    return problem(422, "invalid", "; ".join(_clause(one) for one in errors[:3]), errors=errors)


def all_refused(what: str, errors: Sequence[Sequence[FieldProblem]]) -> ProblemAnswer:
    """The answer to a request of which nothing could be stored.

    Args:
        what: "events" or "items".
        errors: What is wrong with each, in the order in which they were sent.
    """
    if len(errors) == 1:
        found = list(errors[0])
    else:
        found = [
            error.model_copy(update={"field": f"{place}.{error.field}".rstrip(".")})
            for place, of_one in enumerate(errors)
            for error in of_one
        ]
    detail = "; ".join(_clause(one) for one in found[:3])
    return problem(422, "all_refused", f"none of the {what} can be stored: {detail}", errors=found)


def install(app: FastAPI) -> None:
    """Answer every kind of failure with a problem document."""

    async def on_error(_: Request, error: Exception) -> ProblemAnswer:
        return of_error(error) if isinstance(error, ShelfwiseError) else unexpected(error)

    async def on_invalid(_: Request, error: Exception) -> ProblemAnswer:
        found = error.errors() if isinstance(error, RequestValidationError) else []
        if any(one["type"] == "json_invalid" for one in found):
            return problem(400, "bad_json", "the body is no JSON")
        # The first part of a location says body, query or path; the field's own path follows.
        return invalid(field_problems([{**one, "loc": one["loc"][1:]} for one in found]))

    async def on_http(_: Request, error: Exception) -> ProblemAnswer:
        if not isinstance(error, HTTPException):
            return unexpected(error)
        code = {400: "bad_json", 404: "no_such_path", 405: "method_not_allowed"}.get(error.status_code, "bad_request")
        return problem(error.status_code, code, str(error.detail), headers=error.headers)

    app.add_exception_handler(ShelfwiseError, on_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)


def _clause(found: FieldProblem) -> str:
    return f"{found.field}: {found.message}" if found.field else found.message


class NoInternals:
    """Outermost: whatever nobody else handled is logged and answered as a plain 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and catch."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if scope["type"] != "http" or started:
                raise
            await unexpected(error)(scope, receive, send)
