"""What a call to a shop's server may raise.

    ShelfwiseError
    ├── ApiError                what the server answered: status, code, hint, fields
    │   ├── NoAccessError       401, 403: the key is missing, wrong, ended, or may not do this
    │   ├── NotThereError       404: there is nothing of that name
    │   ├── OtherStateError     409, 412: no model yet, or something changed meanwhile
    │   ├── RefusedError        every other 4xx: the same call will fail again until it changes
    │   ├── BusyError           429, 503: the same call may succeed later
    │   └── ServerError         every other 5xx: a mistake of the server
    ├── UnreachableError        no answer came: it is not known whether the call was done
    ├── BufferFullError         a buffer has no room for another event
    └── UnsentError             a buffer was closed before everything in it was acknowledged

`str` of each says what was found and what to do; none holds the key.
"""

from __future__ import annotations

import email.utils
import time
from http import HTTPStatus

import httpx
from pydantic import BaseModel, Field, ValidationError

from shelfwise.client.answers import FieldProblem
from shelfwise.errors import ShelfwiseError
from shelfwise.schemas.events import Event


class ApiError(ShelfwiseError):
    """The server answered with a problem.

    Attributes:
        status: Of HTTP.
        code: Stable; for programs.
        hint: What to do next.
        fields: What is wrong with which fields.
        retry_after_s: How long the server asks to wait; None where it does not say.
    """

    code = "api"
    exit_code = 2

    def __init__(
        self,
        found: str,
        *,
        status: int,
        code: str,
        hint: str | None = None,
        fields: list[FieldProblem] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self.status = status
        self.fields = fields or []
        self.retry_after_s = retry_after_s
        super().__init__(found, hint=hint, code=code)

    def __reduce__(self) -> tuple[object, ...]:
        return (
            _rebuilt,
            (type(self), self.found, self.status, self.code, self.hint, self.fields, self.retry_after_s),
        )


class NoAccessError(ApiError):
    """Whoever asks did not prove who that is, or may not do this."""


class NotThereError(ApiError):
    """There is nothing of that name."""


class OtherStateError(ApiError):
    """Something is in another state than the call needs."""


class RefusedError(ApiError):
    """The call is wrong; the same one will fail again."""


class BusyError(ApiError):
    """The server is loading, its store is down, or it is asked too much; the same call may succeed later."""

    exit_code = 3


class ServerError(ApiError):
    """The server made a mistake, or something that stands before it did."""

    exit_code = 1


class UnreachableError(ShelfwiseError):
    """No answer came; what the call was to change may or may not have been changed."""

    code = "unreachable"
    exit_code = 3


class BufferFullError(ShelfwiseError):
    """A buffer has no room for another event: the event that was to be added is the caller's to keep."""

    code = "buffer_full"
    exit_code = 3

    def __init__(self, capacity: int, last_error: Exception | None) -> None:
        self._parts = (capacity, last_error)
        why = "" if last_error is None else f", since {type(last_error).__name__} keeps them from being sent"
        super().__init__(f"{capacity:,} events wait to be acknowledged{why}")

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), self._parts)


class UnsentError(ShelfwiseError):
    """A buffer in memory was closed before everything in it was acknowledged.

    Attributes:
        events: What was not, oldest first; the caller's to keep.
    """

    code = "unsent"
    exit_code = 3

    def __init__(self, events: list[Event]) -> None:
        self.events = events
        super().__init__(f"{len(events):,} events were not acknowledged", hint="they stand in the error's `events`")

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.events,))


_KIND_BY_STATUS: dict[int, type[ApiError]] = {
    HTTPStatus.UNAUTHORIZED: NoAccessError,
    HTTPStatus.FORBIDDEN: NoAccessError,
    HTTPStatus.NOT_FOUND: NotThereError,
    HTTPStatus.CONFLICT: OtherStateError,
    HTTPStatus.PRECONDITION_FAILED: OtherStateError,
    HTTPStatus.TOO_MANY_REQUESTS: BusyError,
    HTTPStatus.SERVICE_UNAVAILABLE: BusyError,
}


class _Problem(BaseModel):
    """A problem document (RFC 9457), as far as it is told on."""

    detail: str
    code: str
    hint: str | None = None
    errors: list[FieldProblem] = Field(default_factory=list[FieldProblem])


def failure_of(answer: httpx.Response) -> ApiError:
    """The error that an answer which is no success stands for; a proxy's, which is no problem document, too."""
    status = answer.status_code
    kind = _KIND_BY_STATUS.get(status, ServerError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else RefusedError)
    try:
        told = _Problem.model_validate_json(answer.content)
    except ValidationError:
        told = _Problem(
            detail=f"the answer is {status} and no problem document",
            code="not_shelfwise",
            hint="see whether the URL is that of a Shelfwise server",
        )
    wait_s = _wait_s(answer.headers.get("Retry-After"))
    return kind(told.detail, status=status, code=told.code, hint=told.hint, fields=told.errors, retry_after_s=wait_s)


def _wait_s(header: str | None) -> float | None:
    """Seconds of a `Retry-After`, which is a number of them or a moment; None where it is neither."""
    if header is None:
        return None
    try:
        if header.strip().isdecimal():
            return float(header)
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _rebuilt(
    kind: type[ApiError],
    found: str,
    status: int,
    code: str,
    hint: str | None,
    fields: list[FieldProblem],
    retry_after_s: float | None,
) -> ApiError:
    return kind(found, status=status, code=code, hint=hint, fields=fields, retry_after_s=retry_after_s)
