"""Answers are written down after they were sent: many in one transaction, and lost rather than waited for."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial

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

PAUSE_S = 1.0
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
        self._task: asyncio.Task[None] | None = None
        self._forgot_at = -FORGET_EVERY_S
        self._n_lost = 0

    def put(self, answer: Answer, query: Query) -> None:
        """Keep one answer, to be written within some seconds."""
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
        """An answer that waits to be written."""
        return next((one for one in reversed(self._waiting) if one.slate_id == slate_id), None)

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
        batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
        try:
            await self._writer.run(partial(self._stored, batch=batch))
        except ServiceError as error:
            log.warning("%d answers were not written down: %s", len(batch), error.found)
            self._tell_lost(len(batch))
            return False
        if self._n_lost:
            log.warning("%d answers came faster than they could be written down, and were lost", self._n_lost)
            self._n_lost = 0
        return True

    def _tell_lost(self, n: int) -> None:
        if self._lost is not None:
            self._lost(n)

    def _stored(self, connection: Connection, batch: list[LoggedSlate]) -> None:
        slate_log.append(connection, batch)
        if time.monotonic() - self._forgot_at > FORGET_EVERY_S:
            slate_log.forget_before(connection, int((time.time() - self._kept_d * 86_400) * 1_000))
            self._forgot_at = time.monotonic()


def _rounded(predictions: Mapping[str, float]) -> dict[str, float]:
    """What is worth keeping: a probability to a hundredth of itself; of a pinned item nothing was expected."""
    return {objective: float(f"{value:.3g}") for objective, value in predictions.items() if math.isfinite(value)}
