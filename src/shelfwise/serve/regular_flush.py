"""What a process counts goes into the store every few seconds, for as long as it serves, and once more at its end."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod

log = logging.getLogger("shelfwise.serve")


class RegularFlush(ABC):
    """A task that writes what was counted, again and again.

    Args:
        what: Is counted, for the server's log.
        every_s: Seconds between two times.
    """

    def __init__(self, what: str, every_s: float) -> None:
        self.what = what
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; inside a running loop."""
        self._task = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Write what was counted."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.flush()

    @abstractmethod
    async def flush(self) -> None:
        """Write what was counted; what the store does not take now is kept for the next time."""

    async def _work(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.flush()
            except Exception as error:
                log.error("%s cannot be written", self.what, exc_info=error)
