"""Group commit: requests that wait at the same time share one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection

from shelfwise.errors import ServiceError
from shelfwise.store.records import Records

MAX_WAITING = 2_000
"""Jobs that may wait; more are refused at once, since to wait longer than a client does is to work for nobody."""

MAX_JOBS = 64
"""Jobs in one transaction: bounds how long the first of them waits for the last."""

log = logging.getLogger("shelfwise.serve")

T = TypeVar("T")
Job = Callable[[Connection], Any]
Told = Callable[[Any], None]


class Writer:
    """The only one in this process that writes records.

    While one transaction is being made durable on a thread, further jobs gather; the next transaction takes
    them all, and begins before anybody is told of the last. A job must change nothing but the store, since it may run a
    second time: where one job of a transaction fails, nothing of it is kept, and each is done in a transaction of its
    own.

    No task stands between the thread and who waits: on a busy loop each would wait for its turn, behind requests.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._waiting: list[tuple[Job, Told]] = []
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        # Its own: imports, reports and erasures may hold all that others share, for minutes.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._thread.submit(int)  # starts it: a job that a thread was wanting for would be done later all the same

    async def run(self, job: Callable[[Connection], T]) -> T:
        """Do a job in a transaction; what it returned, once it is durable.

        Raises:
            ServiceError: the store refused, or too much waits already.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.submit(job, partial(_settle, future))
        return await future

    def submit(self, job: Job, told: Told) -> None:
        """Have a job done in a transaction soon; from the event loop, which does not wait for it.

        Args:
            job: What is done.
            told: Called on the event loop with what the job returned, once it is durable, or with the exception that it
                ended in.

        Raises:
            ServiceError: too much waits already.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise ServiceError(
                "more is to be stored than the store takes", hint="send it again a little later", code="busy"
            )
        self._waiting.append((job, told))
        if self._is_idle.is_set():
            self._begin()

    @property
    def n_waiting(self) -> int:
        """Jobs that wait for a transaction."""
        return len(self._waiting)

    async def close(self) -> None:
        """Wait until everything that was asked for is done."""
        while not self._is_idle.is_set():  # who is told may ask for more
            await self._is_idle.wait()
        self._thread.shutdown()

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        self._is_idle.clear()
        batch, self._waiting = self._waiting[:MAX_JOBS], self._waiting[MAX_JOBS:]
        try:
            done = self._thread.submit(self._commit, [job for job, _ in batch])
        except RuntimeError as error:  # no thread to be had
            loop.call_soon(self._end, batch, [error] * len(batch))
        else:
            done.add_done_callback(
                lambda done: loop.call_soon_threadsafe(self._end, batch, _outcomes(done, len(batch)))
            )

    def _end(self, batch: Sequence[tuple[Job, Told]], outcomes: Sequence[Any]) -> None:
        if self._waiting:
            self._begin()
        else:
            self._is_idle.set()
        for (_, told), outcome in zip(batch, outcomes, strict=True):
            try:
                told(outcome)
            except Exception as error:  # costs nobody else what he waits for
                log.error("what became of a write could not be told", exc_info=error)

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


def _outcomes(done: Future[list[Any]], n_jobs: int) -> list[Any]:
    error = done.exception()
    return done.result() if error is None else [error] * n_jobs


def _settle(future: asyncio.Future[Any], outcome: Any) -> None:
    if future.done():  # the caller went away
        return
    if isinstance(outcome, BaseException):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
