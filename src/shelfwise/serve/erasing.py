"""People who are erased while the shop is served, and erasures that a process before this one left unfinished."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from shelfwise.config.shop import ShopConfig
from shelfwise.errors import ServiceError
from shelfwise.pipeline.erasure import Erased, Eraser, Receipt
from shelfwise.schemas.ids import VISITOR_PREFIX
from shelfwise.serve.writer import Writer
from shelfwise.store.records import Records

log = logging.getLogger("shelfwise.serve")

MAX_REBUILT_BYTES = 1_000_000_000
"""A larger store is not rebuilt while it serves, since writers would wait for it."""

LOOK_EVERY_S = 60.0
"""How often it is looked for what was interrupted: by a process that died, or by a store that was held for too long."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Somebody whose records are gone, and who asked for a receipt."""

    erased: Erased
    up_to_bytes: int
    receipt: asyncio.Future[Receipt]


class Erasing:
    """Erases people: their records one after the other, what files hold of them for all together who wait for it.

    Attributes:
        n_waiting: People who are being erased, or wait for it.
    """

    def __init__(self, records: Records, config: ShopConfig, writer: Writer) -> None:
        self._eraser = Eraser(records, config, records.folder)
        self._writer = writer
        self._cleaning = asyncio.Lock()
        self._waiting: list[_Waiting] = []
        self._forms: asyncio.Task[list[tuple[str, ...]]] | None = None
        self._cleaner: asyncio.Task[None] | None = None
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
        if self._cleaner is not None:
            await asyncio.gather(self._cleaner, return_exceptions=True)

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
            up_to_bytes: A larger store is not rebuilt now, unless for somebody else who waits too.
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
        forms = [] if user_id.startswith(VISITOR_PREFIX) else await self._forms_of_profiles()
        erased = await self._writer.run(
            partial(self._eraser.erase_rows, user_id=user_id, actor=actor, forms=forms, again=again)
        )
        forgotten(erased)
        waiting = _Waiting(erased, up_to_bytes, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._cleaner is None or self._cleaner.done():
            self._cleaner = asyncio.create_task(self._clean_up())
        return await waiting.receipt

    async def _forms_of_profiles(self) -> list[tuple[str, ...]]:
        """Read once for all who ask while it is being read: one more user does not change what all of them say."""
        if self._forms is None or self._forms.done():
            self._forms = asyncio.create_task(asyncio.to_thread(self._eraser.forms_of_profiles))
        return await asyncio.shield(self._forms)

    async def _clean_up(self) -> None:
        """See to files until nobody waits: once for all who came while it was done for those before them.

        A task of its own, which goes on when somebody's connection breaks: others wait for it too.
        """
        while self._waiting:
            async with self._cleaning:
                together, self._waiting = self._waiting, []
                up_to_bytes = max(one.up_to_bytes for one in together)
                people = [one.erased for one in together]
                try:
                    receipts = await asyncio.to_thread(self._eraser.clean_up, people, up_to_bytes)
                except Exception as error:
                    for one in together:
                        if not one.receipt.done():
                            one.receipt.set_exception(error)
                    continue
                for one, receipt in zip(together, receipts, strict=True):
                    if not one.receipt.done():
                        one.receipt.set_result(receipt)

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
