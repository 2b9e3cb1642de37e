"""Events of requests that wait at the same time are stored as one batch: a commit and its statements are shared."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from functools import partial

from shelfwise.errors import ServiceError
from shelfwise.serve.writer import Writer
from shelfwise.store import event_log
from shelfwise.store.event_log import AppendOutcome, EventRow

MAX_BATCH = 2_000
"""Events of one batch, unless one request sends more: bounds how long the first waits for the last."""

MAX_WAITING = 100_000
"""Events that may wait."""

Waiting = tuple[Sequence[EventRow], asyncio.Future[AppendOutcome]]
"""A request's events, and where it waits for what became of them."""


class EventWriter:
    """Appends events to the log for many requests.

    While one batch is being stored the next gathers.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._waiting: list[Waiting] = []
        self._n_waiting = 0
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    async def append(self, rows: Sequence[EventRow]) -> AppendOutcome:
        """What became of a request's events, once that is durable.

        Raises:
            ServiceError: the store refused, or too much waits already.
        """
        if self._n_waiting >= MAX_WAITING:
            raise ServiceError(
                "more events come than the store takes", hint="send them again a little later", code="busy"
            )
        future: asyncio.Future[AppendOutcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((rows, future))
        self._n_waiting += len(rows)
        if self._is_idle.is_set():
            self._begin()
        return await future

    async def close(self) -> None:
        """Wait until everything that was sent is stored."""
        while not self._is_idle.is_set():  # who is told may ask for more
            await self._is_idle.wait()

    def _begin(self) -> None:
        self._is_idle.clear()
        batch = self._taken()
        everything = [row for rows, _ in batch for row in rows]
        try:
            self._writer.submit(partial(event_log.append, batch=everything, source=None), partial(self._end, batch))
        except ServiceError as error:
            self._end(batch, error)

    def _end(self, batch: Sequence[Waiting], outcome: AppendOutcome | BaseException) -> None:
        if self._waiting:
            self._begin()
        else:
            self._is_idle.set()
        start = 0
        for rows, future in batch:
            end = start + len(rows)
            if future.done():  # the caller went away
                pass
            elif isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(part_of(outcome, start, end))
            start = end

    def _taken(self) -> list[Waiting]:
        n_events, n_requests = 0, 0
        for rows, _ in self._waiting:
            if n_requests and n_events + len(rows) > MAX_BATCH:
                break
            n_events, n_requests = n_events + len(rows), n_requests + 1
        taken, self._waiting = self._waiting[:n_requests], self._waiting[n_requests:]
        self._n_waiting -= n_events
        return taken


def part_of(outcome: AppendOutcome, start: int, end: int) -> AppendOutcome:
    """What became of the events from `start` up to `end`, counted from `start`; indices of the whole rise.

    Cost:
        Logarithmic in the whole, linear in the part: a batch holds thousands of requests.
    """

    def within(indices: Sequence[int]) -> list[int]:
        return [index - start for index in indices[bisect_left(indices, start) : bisect_left(indices, end)]]

    return AppendOutcome(
        within(outcome.stored),
        {index - start: outcome.twins[index] for index in range(start, end) if index in outcome.twins},
        within(outcome.unknown_items),
        within(outcome.erased),
    )
