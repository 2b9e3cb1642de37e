"""Ingest one file: every batch wholly or not at all, every file once."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from shelfwise.config.ingest import EventsSpec, ItemsSpec, TableSpec, UsersSpec
from shelfwise.errors import ShelfwiseError, StateError
from shelfwise.ingest.asked import TableName
from shelfwise.ingest.blocks import Block, Expand
from shelfwise.ingest.event_blocks import append_events
from shelfwise.ingest.event_rows import read_events
from shelfwise.ingest.formats import time_formats
from shelfwise.ingest.item_rows import attributes_of, items_of, read_item_rows, read_user_rows
from shelfwise.ingest.mapping import further_columns, resolve_columns
from shelfwise.ingest.most_common import MostCommon
from shelfwise.ingest.presets import PRESETS, Preset
from shelfwise.ingest.report import IngestReport, report_on
from shelfwise.ingest.table_file import TableFile, look_at
from shelfwise.store import catalogue, imports, people, sources
from shelfwise.store.imports import ImportKind
from shelfwise.store.records import Records
from shelfwise.store.sources import Refused, Source

Progress = Callable[[int, int | None, int, int], None]
"""Called after each batch with lines done, lines in all (None where unknown), bytes done, bytes in all."""

_WITHOUT_EFFECT = {"path", "batch_rows", "max_line_bytes"}
"""Fields of a spec that do not change what is stored."""

_HASH_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Plan:
    """A file, and everything that is known about reading it.

    Attributes:
        columns: Our column = the file's, or what the preset makes.
        wanted: All columns to read.
        formats: How its times are written.
    """

    table: TableName
    spec: TableSpec
    file: TableFile
    preset: Preset
    columns: dict[str, str]
    wanted: tuple[str, ...]
    expand: Expand | None
    formats: tuple[str, ...]
    now_ms: int

    def blocks(self, skip: int) -> Iterator[Block]:
        """The records after the first `skip`."""
        return self.file.blocks(self.wanted, skip=skip, size=self.spec.batch_rows, expand=self.expand)


def ingest_table(
    records: Records,
    spec: TableSpec,
    base_dir: Path,
    table: TableName,
    *,
    progress: Progress | None = None,
    now: datetime | None = None,
    kind: ImportKind = "file",
    actor: str = "",
) -> IngestReport:
    """Read a file, map and check its rows, store the good ones, quarantine the others.

    A batch's rows, its quarantine and how far the file is are one transaction: after a crash the same call
    goes on where the last batch ended. A file that was finished with the same mapping is skipped. Every call that is
    not is written down as an import, with its counts.

    Args:
        base_dir: The shop's folder.
        now: The moment after which a time lies in the future; the clock's where omitted.
        kind: Where the file comes from, for the list of imports.
        actor: Who asks for it, likewise.

    Raises:
        DataError: the file as a whole cannot be read; what was stored before stays.
        StateError: another process is ingesting the same file.
    """
    started = time.perf_counter()
    begun = begin_table(records, spec, base_dir, table, now=now, kind=kind, actor=actor)
    skipped = isinstance(begun, Source)
    state = begun if isinstance(begun, Source) else begun.run(progress)
    with records.read() as connection:
        return report_on(connection, state, table, seconds=time.perf_counter() - started, skipped=skipped)


def begin_table(
    records: Records,
    spec: TableSpec,
    base_dir: Path,
    table: TableName,
    *,
    now: datetime | None = None,
    kind: ImportKind = "file",
    actor: str = "",
) -> FileImport | Source:
    """Look at a file and write down that it is imported; it is not read yet.

    Args:
        As of `ingest_table`.

    Returns:
        The import, to be run; the file's state where it was finished before with the same mapping.

    Raises:
        DataError: the file cannot be read with this spec.
    """
    plan = make_plan(spec, base_dir, table, now or datetime.now(UTC))
    fingerprint = fingerprint_of(plan.file.path, spec, table)
    with records.write() as connection:
        state = sources.find_or_start(connection, fingerprint, table, spec.path, plan.now_ms)
        if state.finished:
            return state
        sources.put_layout(connection, state.source, layout_of(plan))
        number = imports.start(connection, state.source, kind, actor)
    return FileImport(records, plan, fingerprint, state, number)


def ingested_before() -> StateError:
    """What a file is refused with that has nothing new."""
    return StateError(
        "this very file was ingested before, with the same mapping",
        hint="nothing is left to be done",
        code="ingested_before",
    )


def make_plan(spec: TableSpec, base_dir: Path, table: TableName, now: datetime) -> Plan:
    """Look at the file and settle its columns and formats, storing nothing.

    Raises:
        DataError: the file cannot be read with this spec.
    """
    file = look_at(spec, base_dir)
    preset = PRESETS[spec.preset]
    if isinstance(spec, ItemsSpec) and preset.attributes and not spec.attributes:
        present = [column for column in preset.attributes if column in file.columns]
        spec = spec.model_copy(update={"attributes": present})
    expand = preset.expand if file.format != "csv" else None
    if expand is not None:
        columns, wanted = {name: name for name in spec.canonical}, preset.makes
    else:
        columns = resolve_columns(spec, file, table, preset.columns)
        wanted = tuple(dict.fromkeys([*columns.values(), *further_columns(spec, file, table)]))
    formats = time_formats(spec, file, table, columns, preset, expand)
    return Plan(table, spec, file, preset, columns, wanted, expand, formats, int(now.timestamp() * 1_000))


def layout_of(plan: Plan) -> dict[str, Any]:
    """What has to be known of a file to read its lines again without it."""
    file = plan.file
    # What is kept of a Parquet file's records is JSON.
    kept = "jsonl" if file.format == "parquet" else file.format
    return {"format": kept, "delimiter": file.delimiter, "columns": list(file.columns), "times": list(plan.formats)}


def fingerprint_of(path: Path, spec: TableSpec, table: str) -> str:
    """What makes a file under a mapping the same again: its bytes and whatever changes the outcome."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_HASH_CHUNK):
            digest.update(chunk)
    mapping = spec.model_dump(mode="json", exclude=_WITHOUT_EFFECT, exclude_defaults=True)
    digest.update(json.dumps({"table": table, **mapping}, sort_keys=True, ensure_ascii=False).encode())
    return digest.hexdigest()


class _Counts(NamedTuple):
    """What one run did, whatever becomes of its refused lines meanwhile."""

    lines: int = 0
    stored: int = 0
    already_stored: int = 0
    quarantined: int = 0

    def plus(self, *counts: int) -> _Counts:
        return _Counts(*(mine + more for mine, more in zip(self, counts, strict=True)))


class FileImport:
    """One file on its way into the store, written down as an import.

    Attributes:
        number: The import's.
    """

    def __init__(self, records: Records, plan: Plan, fingerprint: str, state: Source, number: int) -> None:
        self.number = number
        self._records = records
        self._plan = plan
        self._fingerprint = fingerprint
        self._state, self._counts = state, _Counts()
        self._progress: Progress | None = None
        self._share = 0.0
        self._total_bytes = plan.file.path.stat().st_size

    def run(self, progress: Progress | None = None) -> Source:
        """Read the file to its end, from where it is by now; its state then.

        Raises:
            DataError: it cannot be read on; what was stored before stays.
            StateError: another process is ingesting it, or has done so since the import was written down.
        """
        self._progress = progress
        try:
            with self._records.read() as connection:
                self._state = sources.origin(connection, self._state.source).state
            if self._state.finished:
                raise ingested_before()
            return self._read()
        except ShelfwiseError as error:
            with self._records.write() as connection:
                imports.finish(connection, self.number, str(error))
            raise

    def _read(self) -> Source:
        spec = self._plan.spec
        if isinstance(spec, EventsSpec):
            self._events(spec)
        elif isinstance(spec, UsersSpec):
            self._users(spec)
        elif isinstance(spec, ItemsSpec) and spec.many_rows == "most-common":
            self._items_most_common(spec)
        elif isinstance(spec, ItemsSpec):
            self._items_last(spec)
        else:
            raise TypeError(f"no table is read by {type(spec).__name__}")
        if not self._state.finished:
            with self._records.write() as connection:
                self._advance(connection, 0, [], finished=True)
        return self._state

    def _events(self, spec: EventsSpec) -> None:
        plan = self._plan
        for block in plan.blocks(self._state.lines_done):
            checked = read_events(
                block,
                spec,
                plan.columns,
                plan.formats,
                kind_by_name=plan.preset.kinds,
                now_ms=plan.now_ms,
                name=plan.file.name,
            )
            with self._records.write() as connection:
                stored, refused = append_events(connection, block, checked, self._state.source)
                self._advance(connection, len(block.lines), block.refused + checked.refused + refused, stored)
            self._show(block)

    def _items_last(self, spec: ItemsSpec) -> None:
        plan = self._plan
        for block in plan.blocks(self._state.lines_done):
            rows = read_item_rows(block, spec, plan.columns, plan.formats, now_ms=plan.now_ms, name=plan.file.name)
            refused = block.refused + rows.refused
            found = list(items_of(rows.frame))
            with self._records.write() as connection:
                catalogue.upsert(connection, found)
                self._advance(connection, len(block.lines), refused, len(block.lines) - len(refused))
            self._show(block)

    def _items_most_common(self, spec: ItemsSpec) -> None:
        # The counts live in memory only: after a crash all lines are counted again, but those whose
        # quarantine is already in the store are not refused a second time. The items come in one
        # transaction at the end.
        plan = self._plan
        counts = MostCommon()
        lines = 0
        already_done = self._state.lines_done
        for block in plan.blocks(0):
            rows = read_item_rows(block, spec, plan.columns, plan.formats, now_ms=plan.now_ms, name=plan.file.name)
            counts.add(rows.frame)
            new = min(len(block.lines), max(0, lines + len(block.lines) - already_done))
            lines += len(block.lines)
            if new:
                first_new = block.lines[len(block.lines) - new]
                refused = [row for row in block.refused + rows.refused if row.line >= first_new]
                with self._records.write() as connection:
                    self._advance(connection, new, refused)
            self._show(block, lines)
        found = list(items_of(counts.result()))
        with self._records.write() as connection:
            catalogue.upsert(connection, found)
            self._advance(connection, 0, [], finished=True)

    def _users(self, spec: UsersSpec) -> None:
        plan = self._plan
        for block in plan.blocks(self._state.lines_done):
            rows = read_user_rows(block, spec, plan.columns, now_ms=plan.now_ms, name=plan.file.name)
            refused = block.refused + rows.refused
            found = [(row["user_id"], attributes_of(row)) for row in rows.frame.iter_rows(named=True)]
            with self._records.write() as connection:
                people.upsert(connection, found)
                self._advance(connection, len(block.lines), refused, len(block.lines) - len(refused))
            self._show(block)

    def _advance(
        self,
        connection: Connection,
        lines: int,
        refused: Sequence[Refused],
        stored: int | None = None,
        *,
        finished: bool = False,
    ) -> None:
        """Write a batch's quarantine and how far the file is; what is neither stored nor refused was there before.

        Without `stored` the batch's good lines are left open: they are counted when the file ends.
        """
        state = self._state
        found = sources.find_or_start(connection, self._fingerprint, self._plan.table, state.name, self._plan.now_ms)
        # Its counts may have changed: lines in quarantine are tried again meanwhile.
        if (found.lines_done, found.finished) != (state.lines_done, state.finished):
            raise StateError(
                f"{state.name} is being ingested by another process",
                where=f"ingest.{self._plan.table}",
                hint="wait until it has finished; the same command then goes on or has nothing to do",
            )
        sources.refuse(connection, state.source, refused)
        before = 0
        if finished:
            stored = found.lines_done - found.stored - found.already_stored - found.quarantined
        elif stored is None:
            stored = 0
        else:
            before = lines - len(refused) - stored
        self._state = replace(
            found,
            lines_done=found.lines_done + lines,
            finished=finished,
            stored=found.stored + stored,
            already_stored=found.already_stored + before,
            quarantined=found.quarantined + len(refused),
        )
        sources.record_progress(connection, self._state)
        self._counts = self._counts.plus(lines, stored, before, len(refused))
        imports.advance(connection, self.number, **self._counts._asdict(), progress=self._share)
        if finished:
            imports.finish(connection, self.number)

    def _show(self, block: Block, lines: int | None = None) -> None:
        self._share = min(block.bytes_done / max(self._total_bytes, 1), 1.0)
        if self._progress is not None:
            done = self._state.lines_done if lines is None else lines
            self._progress(done, self._plan.file.lines_total, block.bytes_done, self._total_bytes)
