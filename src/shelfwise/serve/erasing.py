"""People who are erased while the shop is served, and erasures that a process before this one left unfinished."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from shelfwise.config.shop import ShopConfig
from shelfwise.errors import ServiceError
from shelfwise.pipeline.erasure import Erased, Eraser, Receipt
from shelfwise.serve.writer import Writer
from shelfwise.store.records import Records

log = logging.getLogger("shelfwise.serve")

MAX_REBUILT_BYTES = 1_000_000_000
"""A larger store is not rebuilt while it serves, since writers would wait for it."""

LOOK_EVERY_S = 60.0
"""How often it is looked for what was interrupted: by a process that died, or by a store that was held for too long."""


class Erasing:
    """Erases, one person after the other.

    Attributes:
        n_waiting: People who are being erased, or wait for it.
    """

    def __init__(self, records: Records, config: ShopConfig, writer: Writer) -> None:
        self._eraser = Eraser(records, config, records.folder)
        self._writer = writer
        self._cleaning = asyncio.Lock()
        self.n_waiting = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Go on with what was interrupted, now and whenever something is."""
        self._task = asyncio.create_task(self._go_on())

    async def close(self) -> None:
        """Stop looking; what is being done is done."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def erase(
        self,
        user_id: str,
        actor: str,
        forgotten: Callable[[Erased], None],
        up_to_bytes: int = MAX_REBUILT_BYTES,
        *,
        again: bool = True,
    ) -> Receipt:
        """Erase somebody: unknown from the commit on, and without a trace when this returns.

        Args:
            user_id: Who.
            actor: Who wants it, for the audit log.
            forgotten: Called at the commit: memory must forget too.
            up_to_bytes: A larger store is not rebuilt now.
            again: Whether somebody of whom there is nothing any more may be erased once more.

        Raises:
            UnknownError: the shop knows nobody of that id.
            ServiceError: the store is held by other processes; what is left is gone on with later.
        """
        self.n_waiting += 1
        try:
            return await self._erased(user_id, actor, forgotten, up_to_bytes, again=again)
        finally:
            self.n_waiting -= 1

    async def _erased(
        self, user_id: str, actor: str, forgotten: Callable[[Erased], None], up_to_bytes: int, *, again: bool
    ) -> Receipt:
        forms = await asyncio.to_thread(self._eraser.forms_of_profiles)
        erased = await self._writer.run(
            partial(self._eraser.erase_rows, user_id=user_id, actor=actor, forms=forms, again=again)
        )
        forgotten(erased)
        async with self._cleaning:
            return await asyncio.to_thread(self._eraser.clean_up, erased, up_to_bytes)

    async def _go_on(self) -> None:
        older_than_s = 0.0  # at the start; later, another process may be at what is young
        while True:
            try:
                async with self._cleaning:
                    finish = partial(self._eraser.finish, MAX_REBUILT_BYTES, older_than_s=older_than_s)
                    n_finished = await asyncio.to_thread(finish)
                if n_finished:
                    log.info("%d interrupted erasure(s) finished", n_finished)
            except ServiceError as error:
                log.warning("an interrupted erasure waits: %s", error.found)
            except Exception as error:
                log.error("an interrupted erasure cannot be finished", exc_info=error)
            older_than_s = LOOK_EVERY_S
            await asyncio.sleep(LOOK_EVERY_S)
