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


class EventWriter:
    """Appends events to the log for many requests."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._waiting: list[tuple[Sequence[EventRow], asyncio.Future[AppendOutcome]]] = []
        self._n_waiting = 0
        self._task: asyncio.Task[None] | None = None

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
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return await future

    async def close(self) -> None:
        """Wait until everything that was sent is stored."""
        if self._task is not None:
            await self._task

    async def _work(self) -> None:
        while self._waiting:
            batch = self._taken()
            everything = [row for rows, _ in batch for row in rows]
            try:
                outcome = await self._writer.run(partial(event_log.append, batch=everything, source=None))
            except Exception as error:
                for _, future in batch:
                    if not future.done():  # else the caller went away
                        future.set_exception(error)
                continue
            start = 0
            for rows, future in batch:
                if not future.done():
                    future.set_result(part_of(outcome, start, start + len(rows)))
                start += len(rows)

    def _taken(self) -> list[tuple[Sequence[EventRow], asyncio.Future[AppendOutcome]]]:
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
