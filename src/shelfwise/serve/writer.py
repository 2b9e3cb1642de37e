"""Group commit: requests that wait at the same time share one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection

from shelfwise.errors import ServiceError
from shelfwise.store.records import Records

MAX_WAITING = 2_000
"""Jobs that may wait; more are refused at once, since to wait longer than a client does is to work for nobody."""

MAX_JOBS = 64
"""Jobs in one transaction: bounds how long the first of them waits for the last."""

T = TypeVar("T")
Job = Callable[[Connection], Any]


class Writer:
    """The only one in this process that writes records.

    While one transaction is being made durable on a thread, further jobs gather; the next transaction takes
    them all. A job must change nothing but the store, since it may run a second time: where one job of a
    transaction fails, nothing of it is kept, and each is done in a transaction of its own.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._waiting: list[tuple[Job, asyncio.Future[Any]]] = []
        self._task: asyncio.Task[None] | None = None
        # Its own: imports, reports and erasures may hold all that others share, for minutes.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")

    async def run(self, job: Callable[[Connection], T]) -> T:
        """Do a job in a transaction; what it returned, once it is durable.

        Raises:
            ServiceError: the store refused, or too much waits already.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise ServiceError(
                "more is to be stored than the store takes", hint="send it again a little later", code="busy"
            )
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return await future

    @property
    def n_waiting(self) -> int:
        """Jobs that wait for a transaction."""
        return len(self._waiting)

    async def close(self) -> None:
        """Wait until everything that was asked for is done."""
        if self._task is not None:
            await self._task
        self._thread.shutdown()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_JOBS], self._waiting[MAX_JOBS:]
            try:
                outcomes: list[Any] = await loop.run_in_executor(self._thread, self._commit, [job for job, _ in batch])
            except Exception as error:  # no thread to be had
                outcomes = [error] * len(batch)
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if future.done():  # the caller went away
                    continue
                if isinstance(outcome, Exception):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    def _commit(self, jobs: Sequence[Job]) -> list[Any]:
        """What each job returned, or the exception that it ended in."""
        try:
            with self._records.write() as connection:
                return [job(connection) for job in jobs]
        except ServiceError as error:
            return [error] * len(jobs)
        except Exception as error:
            if len(jobs) == 1:
                return [error]
            return [outcome for job in jobs for outcome in self._commit([job])]
