"""Imports beside the answers: a file that was sent, or lines of the quarantine, read on a thread, one after the other.

What is read is stored in small transactions, so that events and items which come over the API meanwhile wait for a
moment only; the list of imports tells any process how far it is.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from shelfwise.config.ingest import TableSpec
from shelfwise.config.load import load
from shelfwise.errors import ConfigError, ServiceError, StateError
from shelfwise.ingest.asked import TableName, Wanted
from shelfwise.serve.uploads import Upload, sweep
from shelfwise.store import imports, sources
from shelfwise.store.records import Records

if TYPE_CHECKING:  # to read files takes libraries that a server loads when it first does
    from shelfwise.ingest.again import LinesImport
    from shelfwise.ingest.run import FileImport

MAX_WAITING = 8
"""Imports that are received, wait, or are read."""

BATCH_ROWS = 5_000
"""Rows in one transaction: others wait for it."""

BREATH_S = 0.01
"""Pause after each transaction, so that whoever waits to write gets a turn."""

TOUCH_S = 60.0
"""How often an import that waits says so: after minutes of silence it would be taken for interrupted."""

UPLOADS = "uploads"
"""Folder of files that were sent, below the shop's; each is deleted when it was read."""

log = logging.getLogger("shelfwise.serve")


class ImportJobs:
    """Starts imports, and sees to it that one runs at a time in this process."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._uploads = records.folder / UPLOADS
        self._turn = asyncio.Lock()
        self._n_places_taken = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False

    def start(self) -> None:
        """Delete files that processes which were killed had received."""
        self._keep(asyncio.create_task(asyncio.to_thread(sweep, self._uploads)))

    async def again(self, wanted: Wanted, actor: str) -> int:
        """Begin to try lines of the quarantine again, as `shop.toml` reads them by now; the import's number.

        Raises:
            InputError: there is no such file, or the configuration does not read its table.
            StateError: nothing of it can be tried again, or too many imports wait.
        """

        def begin() -> LinesImport:
            from shelfwise.ingest.again import begin_again

            with self._records.read() as connection:
                table = sources.origin(connection, wanted.source).table
            return begin_again(self._records, self._spec(table), wanted, actor=actor)

        async with AsyncExitStack() as held:
            self._take_place(held)
            return self._in_turn(await asyncio.to_thread(begin), held.pop_all())

    async def upload(self, table: TableName, name: str, body: AsyncIterator[bytes], kind: str, actor: str) -> int:
        """Take in a file and begin to read it by the mapping of its table; the import's number.

        Args:
            table: What it holds.
            name: Of the file, as the sender calls it.
            body: The file.
            kind: csv, jsonl, parquet, or auto.
            actor: Who sends it.

        Raises:
            QueryError: it is too large.
            DataError: it cannot be read with the mapping.
            StateError: it was read before, or too many imports wait.
        """
        async with AsyncExitStack() as held:
            self._take_place(held)
            sent = await asyncio.to_thread(Upload.make, self._uploads, name)
            held.push_async_callback(asyncio.to_thread, sent.remove)
            await sent.receive(body)

            def begin() -> FileImport:
                from shelfwise.ingest.run import FileImport, begin_table, ingested_before

                spec = self._spec(table)
                changes = {
                    "path": str(sent.path.relative_to(self._records.folder)),
                    "format": kind,
                    "delimiter": "auto",
                    "batch_rows": min(spec.batch_rows, BATCH_ROWS),
                }
                spec, folder = spec.model_copy(update=changes), self._records.folder
                begun = begin_table(self._records, spec, folder, table, kind="upload", actor=actor)
                if isinstance(begun, FileImport):
                    return begun
                raise ingested_before()

            return self._in_turn(await asyncio.to_thread(begin), held.pop_all())

    async def close(self) -> None:
        """End what runs after its next transaction; it goes on when the same is asked for again."""
        self._is_closing = True
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _take_place(self, held: AsyncExitStack) -> None:
        """Before anything is received: what cannot be taken in is refused at once."""
        if self._n_places_taken >= MAX_WAITING:
            raise StateError(
                "other imports wait already", hint="ask again when they are done: GET /v1/imports", code="imports_wait"
            )
        self._n_places_taken += 1
        held.callback(self._give_back_place)

    def _give_back_place(self) -> None:
        self._n_places_taken -= 1

    def _in_turn(self, begun: FileImport | LinesImport, held: AsyncExitStack) -> int:
        """Run an import when those before it are done, and let go then of what it holds; its number."""

        async def run() -> None:
            async with held:
                await self._wait_for_turn(begun.number)
                try:
                    await asyncio.to_thread(lambda: begun.run(self._breathe))
                except Exception as error:  # the list of imports tells it
                    log.warning("an import ended early: %s", error)
                finally:
                    self._turn.release()

        self._keep(asyncio.create_task(run()))
        return begun.number

    async def _wait_for_turn(self, number: int) -> None:
        def touch() -> None:
            with self._records.write() as connection:
                imports.touch(connection, number)

        while True:
            try:
                await asyncio.wait_for(self._turn.acquire(), TOUCH_S)
                return
            except TimeoutError:
                try:
                    await asyncio.to_thread(touch)
                except ServiceError as error:  # the next time, then
                    log.warning("an import that waits cannot tell so: %s", error)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _spec(self, table: str) -> TableSpec:
        spec: TableSpec | None = getattr(load(self._records.folder).ingest, table)
        if spec is None:
            raise ConfigError(
                f"shop.toml does not say how {table} are read",
                where=f"ingest.{table}",
                hint=f"add a table [ingest.{table}]",
                code="no_mapping",
            )
        return spec

    def _breathe(self, *_: Any) -> None:
        if self._is_closing:
            raise ServiceError("the server was stopped", hint="ask for it again: it goes on", code="stopping")
        time.sleep(BREATH_S)
