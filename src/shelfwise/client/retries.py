"""How often and when a call is tried again: exponential back-off with jitter, and what `Retry-After` asks for."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Generic, TypeVar

import httpx
from pydantic import ValidationError

from shelfwise.client.calls import Call
from shelfwise.client.failures import ApiError, BusyError, ServerError, UnreachableError, failure_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retries:
    """How patient a client is.

    Attributes:
        n: Tries after the first one; 0 for none.
        first_wait_s: The most that is waited before the second try; doubled before each further one.
        longest_wait_s: The most that is ever waited. Where the server asks for more, the call is given up, and its
            error says how long.
    """

    n: int = 3
    first_wait_s: float = 0.1
    longest_wait_s: float = 10.0

    def wait_s(self, n_failed: int, retry_after_s: float | None = None) -> float:
        """Seconds to wait after so many failures in a row.

        Drawn anew each time: clients that failed together do not come back together.
        """
        # Doubled twenty times it is above any limit that somebody would wait for, and no overflow.
        most = min(self.longest_wait_s, self.first_wait_s * 2 ** min(n_failed - 1, 20))
        jitter = random.uniform(most / 2, most)  # noqa: S311
        return jitter if retry_after_s is None else retry_after_s + random.uniform(0, self.first_wait_s)  # noqa: S311


class Tries(Generic[T]):
    """One call on its way.

    Args:
        call: What is sent.
        retries: How patient the client is.
    """

    def __init__(self, call: Call[T], retries: Retries) -> None:
        self._call = call
        self._retries = retries
        self._n_failed = 0

    def read(self, response: httpx.Response) -> T:
        """The answer.

        Raises:
            ApiError: it is a problem, or none of ours.
        """
        if not response.is_success:
            if self._n_failed and response.status_code == self._call.done_already:
                return self._call.read(response)
            raise failure_of(response)
        try:
            return self._call.read(response)
        except (ValidationError, LookupError, ValueError):
            # Without its cause, whose message quotes the answer: what it says of people is not for logs.
            raise ServerError(
                "the answer is not of the form that this call has",
                status=response.status_code,
                code="unexpected_answer",
                hint="see whether the URL is that of a Shelfwise server, and of which release it is",
            ) from None

    def wait_s(self, failure: httpx.TransportError | BusyError) -> float:
        """Seconds to wait before the next try.

        Raises:
            BusyError: there is no next one.
            UnreachableError: there is none, and no answer came.
        """
        self._n_failed += 1
        # What found nobody to talk to was not done; of everything else that is not known.
        may_repeat = self._call.is_idempotent or isinstance(failure, httpx.ConnectError | httpx.ConnectTimeout)
        asked_s = failure.retry_after_s if isinstance(failure, BusyError) else None
        is_too_long = asked_s is not None and asked_s > self._retries.longest_wait_s
        if not may_repeat or is_too_long or self._n_failed > self._retries.n:
            if isinstance(failure, ApiError):
                raise failure
            raise UnreachableError(
                f"no answer came ({type(failure).__name__})",
                hint="see whether the server runs, and at this URL",
            ) from failure
        return self._retries.wait_s(self._n_failed, asked_s)
