"""Answers are written down after they were sent: many in one transaction, and lost rather than waited for."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from sqlalchemy import Connection

from shelfwise.errors import ServiceError
from shelfwise.pipeline.recommender import Answer
from shelfwise.schemas.queries import Query
from shelfwise.serve.writer import Writer
from shelfwise.store import slate_log
from shelfwise.store.slate_log import LoggedSlate, Why

MAX_WAITING = 20_000
"""Answers that wait to be written; of more, the oldest are lost."""

PAUSE_S = 0.1
"""Between two transactions: what is written at once holds up who else writes."""

PACKED_AT_ONCE = 8
"""Answers made ready for the store before others get their turn: a millisecond. On a thread it would take longer, and
each request would wait for it again and again: only one thread runs Python at a time."""

FORGET_EVERY_S = 3_600.0
MAX_BATCH = 2_000

NOT_KEPT = {"user_id", "session_id", "scenario", "exclude"}
"""Fields of a query that are told elsewhere, or that nobody needs again."""

log = logging.getLogger("shelfwise.serve")


class SlateWriter:
    """Keeps answers until they are written.

    Args:
        writer: The process's only one.
        kept_d: Days after which answers are deleted.
        lost: Told how many answers were lost.
    """

    def __init__(self, writer: Writer, kept_d: float, lost: Callable[[float], None] | None = None) -> None:
        self._writer, self._kept_d, self._lost = writer, kept_d, lost
        self._waiting: deque[LoggedSlate] = deque(maxlen=MAX_WAITING)
        self._being_written: list[LoggedSlate] = []
        self._task: asyncio.Task[None] | None = None
        self._forgot_at = -FORGET_EVERY_S
        self._n_lost = 0

    def put(self, answer: Answer, query: Query) -> None:
        """Keep one answer, to be written soon."""
        slate = answer.slate
        if len(self._waiting) == MAX_WAITING:
            self._n_lost += 1
            self._tell_lost(1)
        self._waiting.append(
            LoggedSlate(
                slate.slate_id,
                int(time.time() * 1_000),
                answer.user_id,
                slate.scenario,
                slate.model_version,
                answer.rules_version,
                answer.rows,
                np.array([1.0 if item.propensity is None else item.propensity for item in slate.items]),
                answer.best,
                query.model_dump(mode="json", exclude_defaults=True, exclude=NOT_KEPT),
                [Why(item.sources, item.reason, item.steps, _rounded(item.predictions)) for item in slate.items],
            )
        )
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work())

    @property
    def n_waiting(self) -> int:
        """Answers that wait to be written."""
        return len(self._waiting)

    def find(self, slate_id: str) -> LoggedSlate | None:
        """An answer that is not written yet."""
        unwritten = chain(reversed(self._waiting), self._being_written)
        return next((one for one in unwritten if one.slate_id == slate_id), None)

    def forget(self, user_id: str) -> None:
        """Drop what waits of somebody's."""
        kept = [one for one in self._waiting if one.user_id != user_id]
        self._waiting.clear()
        self._waiting.extend(kept)

    async def close(self) -> None:
        """Write what waits."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        while self._waiting and await self._write():
            pass

    async def _work(self) -> None:
        while self._waiting:
            await asyncio.sleep(PAUSE_S)
            await self._write()

    async def _write(self) -> bool:
        """Write some; whether the store took them."""
        self._being_written = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
        try:
            rows = await self._packed()
            await self._writer.run(partial(self._stored, rows=rows))
        except ServiceError as error:
            n_lost = len(self._being_written)
            log.warning("%d answers were not written down: %s", n_lost, error.found)
            self._tell_lost(n_lost)
            return False
        finally:
            self._being_written = []
        if self._n_lost:
            log.warning("%d answers came faster than they could be written down, and were lost", self._n_lost)
            self._n_lost = 0
        return True

    async def _packed(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        try:
            for one in self._being_written:
                rows.append(slate_log.row_of(one))
                if len(rows) % PACKED_AT_ONCE == 0:
                    await asyncio.sleep(0)
        except asyncio.CancelledError:  # `close` writes them
            self._waiting.extendleft(reversed(self._being_written))
            raise
        return rows

    def _tell_lost(self, n: int) -> None:
        if self._lost is not None:
            self._lost(n)

    def _stored(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        slate_log.append_rows(connection, rows)
        if time.monotonic() - self._forgot_at > FORGET_EVERY_S:
            slate_log.forget_before(connection, int((time.time() - self._kept_d * 86_400) * 1_000))
            self._forgot_at = time.monotonic()


def _rounded(predictions: Mapping[str, float]) -> dict[str, float]:
    """What is worth keeping: a probability to a hundredth of itself; of a pinned item nothing was expected."""
    return {objective: float(f"{value:.3g}") for objective, value in predictions.items() if math.isfinite(value)}
