"""The full-text index of a serving process: made beside the first answers, then kept up to date."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from shelfwise.errors import ServiceError
from shelfwise.search.catalogue_index import CatalogueIndex
from shelfwise.search.full_text import FullText
from shelfwise.serve import rubbish
from shelfwise.store.catalogue import StoredItem
from shelfwise.store.records import Records

AGAIN_S = 5.0

log = logging.getLogger("shelfwise.serve")


class SearchOpening:
    """The index while it is being made, and when it is there.

    Changes that come at the same time share one commit.

    Args:
        records: The shop's.
        open_attributes: Names of those by whose words pages find items.
    """

    def __init__(self, records: Records, open_attributes: Sequence[str] = ()) -> None:
        self._catalogue = CatalogueIndex(records, open_attributes, lambda: self._is_closing)
        self._index: FullText | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiting: dict[int, StoredItem] = {}
        self._worker: asyncio.Task[None] | None = None
        self._is_making = False
        self._is_closing = False

    def index(self) -> FullText:
        """The whole index.

        Raises:
            ServiceError: it is still being made.
        """
        if self._index is None:
            raise ServiceError("the catalogue is being indexed", hint="ask again in a second", code="loading")
        return self._index

    def start(self) -> None:
        """Begin to make it, on a thread; one that is there already answers until the new one is whole."""
        if not self._is_making:
            self._is_making = True
            self._task = asyncio.create_task(self._make())

    def note(self, entry: StoredItem) -> None:
        """An item as it is now, to be indexed; of an item noted twice the later state counts."""
        self._waiting[entry.row] = entry

    async def settle(self) -> None:
        """When this returns, what was noted is found as it is now, or will be once the whole catalogue is indexed."""
        if self._index is None or self._is_making:
            return  # what is noted waits for the new one
        if self._waiting and (self._worker is None or self._worker.done()):
            self._worker = asyncio.create_task(self._work())
        if self._worker is not None:  # it may be at the very item that somebody waits for
            await asyncio.shield(self._worker)

    async def close(self) -> None:
        """Stop."""
        self._is_closing = True
        tasks = [task for task in (self._task, self._worker) if task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._index is not None:
            await asyncio.to_thread(self._index.close)

    async def _make(self) -> None:
        started = time.perf_counter()
        while True:
            made: FullText | None = None
            try:
                made = await asyncio.to_thread(self._catalogue.opened)
                if made is None:  # the server closes
                    return
                # What came meanwhile is taken from memory: the store may have been read before.
                while self._waiting:
                    waiting, self._waiting = self._waiting, {}
                    await asyncio.to_thread(made.put, list(waiting.values()))
                break
            except Exception as error:  # the store may be back a moment later
                log.error("the catalogue could not be indexed; it is tried again", exc_info=error)
                if made is not None:
                    await asyncio.to_thread(made.close)
                await asyncio.sleep(AGAIN_S)
                if self._is_closing:
                    return
        before, self._index, self._is_making = self._index, made, False
        if before is not None:
            await asyncio.to_thread(before.close)
        await asyncio.to_thread(rubbish.give_back)
        log.info("the catalogue is indexed after %.1f s", time.perf_counter() - started)

    async def _work(self) -> None:
        while self._waiting and self._index is not None and not self._is_making:
            waiting, self._waiting = self._waiting, {}
            try:
                await asyncio.to_thread(self._index.put, list(waiting.values()))
            except Exception as error:  # items stay found as they were, and the store has them
                log.error("changed items could not be indexed: the catalogue is indexed anew", exc_info=error)
                self.start()
