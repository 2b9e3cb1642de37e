"""Imports beside the answers: a file that was sent, or lines of the quarantine, read on a thread, one after the other.

What is read is stored in small transactions, so that events and items which come over the API meanwhile wait for a
moment only; the list of imports tells any process how far it is.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shelfwise.config.ingest import TableSpec
from shelfwise.config.load import load
from shelfwise.errors import ConfigError, QueryError, ServiceError, StateError
from shelfwise.ingest.again import Wanted, ingest_again
from shelfwise.ingest.run import TableName, fingerprint_of, ingest_table, make_plan
from shelfwise.store import sources
from shelfwise.store.records import Records

MAX_UPLOAD_BYTES = 512 * 1024 * 1024
MAX_WAITING = 8
"""Imports that wait for others."""

BATCH_ROWS = 5_000
"""Rows in one transaction: others wait for it."""

BREATH_S = 0.01
"""Pause after each transaction, so that whoever waits to write gets a turn."""

UPLOADS = "uploads"
"""Folder of files that were sent, below the shop's; each is deleted when it was read."""

LEFT_BEHIND_S = 86_400

log = logging.getLogger("shelfwise.serve")


class ImportJobs:
    """Starts imports, and sees to it that one runs at a time in this process."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False

    async def again(self, wanted: Wanted, actor: str) -> int:
        """Begin to try lines of the quarantine again, as `shop.toml` reads them by now; the import's number.

        Raises:
            InputError: there is no such file, or the configuration does not read its table.
            StateError: nothing of it can be tried again, or too many imports wait.
        """

        def work(on_start: Callable[[int], None]) -> None:
            with self._records.read() as connection:
                table = sources.origin(connection, wanted.source).table
            spec = self._spec(table)
            ingest_again(self._records, spec, wanted, actor=actor, progress=self._breathe, on_start=on_start)

        return await self._begin(work)

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
        folder = await asyncio.to_thread(_new_folder, self._records.folder / UPLOADS)
        try:
            path = folder / _safe(name)
            await _received(body, path)
            spec = await asyncio.to_thread(self._spec, table)
            relative = str(path.relative_to(self._records.folder))
            spec = spec.model_copy(
                update={
                    "path": relative,
                    "format": kind,
                    "delimiter": "auto",
                    "batch_rows": min(spec.batch_rows, BATCH_ROWS),
                }
            )
            await asyncio.to_thread(self._require_new, spec, table)
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise

        def work(on_start: Callable[[int], None]) -> None:
            try:
                ingest_table(
                    self._records,
                    spec,
                    self._records.folder,
                    table,
                    progress=self._breathe,
                    kind="upload",
                    actor=actor,
                    on_start=on_start,
                )
            finally:
                shutil.rmtree(folder, ignore_errors=True)

        return await self._begin(work)

    async def close(self) -> None:
        """End what runs after its next transaction; it goes on when the same is asked for again."""
        self._is_closing = True
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _begin(self, work: Callable[[Callable[[int], None]], None]) -> int:
        if len(self._tasks) >= MAX_WAITING:
            raise StateError(
                "other imports wait already", hint="ask again when they are done: GET /v1/imports", code="imports_wait"
            )
        loop = asyncio.get_running_loop()
        begun: asyncio.Future[int] = loop.create_future()

        def on_start(number: int) -> None:
            loop.call_soon_threadsafe(_tell, begun, number)

        async def run() -> None:
            try:
                async with self._turn:
                    await asyncio.to_thread(work, on_start)
            except Exception as error:
                if begun.done():  # the list of imports tells it
                    log.warning("an import ended early: %s", error)
                else:
                    begun.set_exception(error)

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await begun

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

    def _require_new(self, spec: TableSpec, table: TableName) -> None:
        plan = make_plan(spec, self._records.folder, table, datetime.now(UTC))
        with self._records.read() as connection:
            if sources.is_finished(connection, fingerprint_of(plan.file.path, spec, table)):
                raise StateError(
                    "this very file was ingested before, with the same mapping",
                    hint="nothing is left to be done",
                    code="ingested_before",
                )

    def _breathe(self, *_: Any) -> None:
        if self._is_closing:
            raise ServiceError("the server was stopped", hint="ask for it again: it goes on", code="stopping")
        time.sleep(BREATH_S)


def _new_folder(uploads: Path) -> Path:
    """A folder for one upload. What processes that were killed left behind is swept after a day."""
    folder = uploads / secrets.token_hex(8)
    try:
        folder.mkdir(parents=True)
        for other in uploads.iterdir():
            if time.time() - other.stat().st_mtime > LEFT_BEHIND_S:
                shutil.rmtree(other, ignore_errors=True)
    except OSError as cause:
        raise _not_kept(cause) from cause
    return folder


def _not_kept(cause: OSError) -> ServiceError:
    return ServiceError(
        f"the file cannot be kept while it is read ({cause.strerror})",
        hint="is the disk full, may the server write to the shop's folder?",
        code="not_kept",
    )


async def _received(body: AsyncIterator[bytes], path: Path) -> None:
    n_bytes = 0
    with path.open("xb") as file:
        async for chunk in body:
            n_bytes += len(chunk)
            if n_bytes > MAX_UPLOAD_BYTES:
                raise QueryError(
                    f"the file is larger than {MAX_UPLOAD_BYTES:,} bytes",
                    hint="copy it to the server and run `shelfwise ingest`, or send it in parts",
                    code="too_large",
                )
            try:
                await asyncio.to_thread(file.write, chunk)
            except OSError as cause:
                raise _not_kept(cause) from cause


def _tell(begun: asyncio.Future[int], number: int) -> None:
    if not begun.done():
        begun.set_result(number)


def _safe(name: str) -> str:
    """A file's name without any path, and without what file systems do not like."""
    kept = "".join(sign if sign.isalnum() or sign in "._-" else "_" for sign in name.rsplit("/", 1)[-1])
    return kept.lstrip(".")[-100:] or "file"
