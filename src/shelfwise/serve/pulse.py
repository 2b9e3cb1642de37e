"""How late the event loop is: what every request waits before its turn comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

EVERY_S = 0.02


class Pulse:
    """A task that wants to wake regularly, and notes how late it is.

    Attributes:
        late_s: At its last turn, in seconds.
    """

    def __init__(self, told: Callable[[float], None] | None = None) -> None:
        """Beat.

        Args:
            told: Of every turn's lateness in seconds.
        """
        self.late_s = 0.0
        self._told = told
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; inside a running loop."""
        self._task = asyncio.create_task(self._beat())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _beat(self) -> None:
        while True:
            due = time.perf_counter() + EVERY_S
            await asyncio.sleep(EVERY_S)
            self.late_s = max(0.0, time.perf_counter() - due)
            if self._told is not None:
                self._told(self.late_s)
