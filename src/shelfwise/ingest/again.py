"""Lines in quarantine once more: after the mapping was mended, the missing item came, or somebody corrected them.

They stay lines of their file: what is stored now leaves the quarantine, and the counts of the file go on adding up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from shelfwise.config.ingest import AUTO, EventsSpec, ItemsSpec, TableSpec, UsersSpec
from shelfwise.errors import ShelfwiseError, StateError
from shelfwise.ingest.asked import MAX_RAW_CHARS, Wanted
from shelfwise.ingest.blocks import Block, BlockBuilder, Unusable
from shelfwise.ingest.event_blocks import append_events
from shelfwise.ingest.event_rows import read_events
from shelfwise.ingest.item_rows import attributes_of, items_of, read_item_rows, read_user_rows
from shelfwise.ingest.lines import TextLine
from shelfwise.ingest.mapping import further_columns, resolve_columns
from shelfwise.ingest.presets import PRESETS
from shelfwise.ingest.read_csv import csv_records
from shelfwise.ingest.read_jsonl import add_record, parse_object
from shelfwise.ingest.reasons import Reason
from shelfwise.ingest.table_file import TableFile
from shelfwise.store import catalogue, imports, people, sources
from shelfwise.store.identities import find_rows
from shelfwise.store.records import Records
from shelfwise.store.sources import Origin, Refused
from shelfwise.store.tables import items

BATCH = 5_000
"""Lines tried in one transaction."""

LinesProgress = Callable[[int, int], None]
"""Told of lines done, and lines in all."""


def ingest_again(
    records: Records,
    spec: TableSpec,
    wanted: Wanted,
    *,
    actor: str = "",
    progress: LinesProgress | None = None,
) -> int:
    """Try lines in quarantine again.

    A line whose event was stored meanwhile leaves the quarantine too. A line of which only the beginning was kept
    stays until it is corrected, one that was erased stays. An item's line replaces the item; in a file whose items were
    made from their most common lines only an item that is not there yet, or a corrected line, is stored.

    Args:
        records: The shop's.
        spec: How lines of this table are read now.
        wanted: Which lines.
        actor: Who asks for it, for the list of imports.
        progress: Told after each batch.

    Returns:
        The number of the import.

    Raises:
        StateError: it is not known how the file was laid out, or none of the lines is in quarantine.
        DataError: the mapping names columns that the file did not have.
        UnknownError: there is no such file.
    """
    begun = begin_again(records, spec, wanted, actor=actor)
    begun.run(progress)
    return begun.number


def begin_again(records: Records, spec: TableSpec, wanted: Wanted, *, actor: str = "") -> LinesImport:
    """Write down that lines are tried again; they are not read yet.

    Args:
        As of `ingest_again`.

    Raises:
        As `ingest_again`.
    """
    with records.read() as connection:
        origin = sources.origin(connection, wanted.source)
        n_total = _count(connection, wanted)
    reader = _reader(records.folder, spec, origin)
    if n_total == 0:
        raise StateError(
            "there are no such lines in quarantine",
            where="source",
            hint="see GET /v1/quarantine",
            code="nothing_refused",
        )
    with records.write() as connection:
        number = imports.start(connection, wanted.source, "again", actor)
    return LinesImport(records, reader, wanted, number, n_total)


class LinesImport:
    """Lines of a quarantine on their way out of it, written down as an import.

    Attributes:
        number: The import's.
    """

    def __init__(self, records: Records, reader: _Reader, wanted: Wanted, number: int, n_total: int) -> None:
        self.number = number
        self._records, self._reader, self._wanted, self._n_total = records, reader, wanted, n_total

    def run(self, progress: LinesProgress | None = None) -> None:
        """Try them all.

        Raises:
            ShelfwiseError: the store is away, or `progress` ended it; what was stored before stays.
        """
        try:
            self._run(progress)
        except ShelfwiseError as error:
            with self._records.write() as connection:
                imports.finish(connection, self.number, str(error))
            raise

    def _run(self, progress: LinesProgress | None) -> None:
        n_done = n_stored = n_before = n_refused = 0
        after, source = -1, self._wanted.source
        while True:
            # Read where it is written: what an erasure or another try changed meanwhile must not be brought back.
            with self._records.write() as connection:
                page = _page(connection, self._wanted, after)
                if not page:
                    imports.finish(connection, self.number)
                    return
                tried = {line: raw for line, raw in page.items() if raw}
                stored, again = self._reader.store(connection, tried, self._wanted)
                sources.settle(connection, source, list(tried), again, stored)
                n_done, after = n_done + len(page), max(page)
                n_stored, n_refused = n_stored + stored, n_refused + len(again) + len(page) - len(tried)
                n_before += len(tried) - len(again) - stored
                imports.advance(
                    connection,
                    self.number,
                    lines=n_done,
                    stored=n_stored,
                    already_stored=n_before,
                    quarantined=n_refused,
                    progress=min(n_done / self._n_total, 1.0),
                )
            if progress is not None:
                progress(n_done, self._n_total)


def _count(connection: Connection, wanted: Wanted) -> int:
    if wanted.corrected is not None:
        lines = list(wanted.corrected)
        return len(sources.refused_page(connection, len(lines), source=wanted.source, lines=lines))
    counts = sources.refused_by_reason(connection, wanted.source)
    return counts.get(wanted.reason, 0) if wanted.reason is not None else sum(counts.values())


def _page(connection: Connection, wanted: Wanted, after: int) -> dict[int, str]:
    """The next lines and their text; empty where it is not known as a whole, or was erased, whoever corrects it."""
    corrected = wanted.corrected
    page = sources.refused_page(
        connection,
        BATCH,
        source=wanted.source,
        reason=wanted.reason if corrected is None else None,
        after=(wanted.source, after),
        lines=None if corrected is None else list(corrected),
    )
    if corrected is not None:
        return {one.line: corrected[one.line] if one.raw else "" for _, one in page}
    return {one.line: one.raw if len(one.raw) < MAX_RAW_CHARS else "" for _, one in page}


class _Reader:
    """Reads single lines of a file as the spec has it now."""

    def __init__(self, spec: TableSpec, file: TableFile, origin: Origin, formats: Sequence[str]) -> None:
        self._spec, self._file, self._origin, self._formats = spec, file, origin, tuple(formats)
        self._preset = PRESETS[spec.preset]
        self._expand = self._preset.expand if file.format != "csv" else None
        if self._expand is not None:
            self._columns, self._wanted = {name: name for name in spec.canonical}, tuple(self._preset.makes)
        else:
            self._columns = resolve_columns(spec, file, origin.table, self._preset.columns)
            further = further_columns(spec, file, origin.table)
            self._wanted = tuple(dict.fromkeys([*self._columns.values(), *further]))
        self._now_ms = int(datetime.now(UTC).timestamp() * 1_000)

    def store(self, connection: Connection, lines: Mapping[int, str], wanted: Wanted) -> tuple[int, list[Refused]]:
        """Store what is good; the lines stored, and those refused."""
        block, spec = self._block(lines), self._spec
        if isinstance(spec, EventsSpec):
            checked = read_events(
                block, spec, self._columns, self._formats,
                kind_by_name=self._preset.kinds, now_ms=self._now_ms, name=self._file.name,
            )  # fmt: skip
            stored, refused = append_events(connection, block, checked, wanted.source)
            return stored, [*block.refused, *checked.refused, *refused]
        if isinstance(spec, ItemsSpec):
            rows = read_item_rows(block, spec, self._columns, self._formats, now_ms=self._now_ms, name=self._file.name)
            found = list(items_of(rows.frame))
            if spec.many_rows == "most-common" and wanted.corrected is None:
                known = find_rows(connection, items, items.c.item_id, [one.item_id for one in found])
                found = [one for one in found if one.item_id not in known]
            catalogue.upsert(connection, found)
            return len(found), [*block.refused, *rows.refused]
        if isinstance(spec, UsersSpec):
            rows = read_user_rows(block, spec, self._columns, now_ms=self._now_ms, name=self._file.name)
            people.upsert(
                connection, [(row["user_id"], attributes_of(row)) for row in rows.frame.iter_rows(named=True)]
            )
            return len(lines) - len(block.refused) - len(rows.refused), [*block.refused, *rows.refused]
        raise TypeError(f"no table is read by {type(spec).__name__}")

    def _block(self, lines: Mapping[int, str]) -> Block:
        builder = BlockBuilder(self._wanted)
        for line, raw in lines.items():
            if self._file.format == "csv":
                self._add_fields(builder, line, raw)
            else:
                add_record(builder, line, raw, parse_object(raw), self._wanted, self._expand)
        return builder.build(0)

    def _add_fields(self, builder: BlockBuilder, line: int, raw: str) -> None:
        # Each line by itself: a quote that is not closed must not swallow the line after it.
        header = self._file.columns
        texts = iter([TextLine(number, text) for number, text in enumerate(raw.splitlines(keepends=True), start=line)])
        found = list(csv_records(texts, self._file.delimiter, len(header), self._file.max_line_bytes))
        if len(found) == 1 and found[0].fields is not None:
            fields = dict(zip(header, found[0].fields, strict=True))
            builder.add(line, raw, ([fields[column] for column in self._wanted],))
            return
        problem = next((one.problem for one in found if one.problem is not None), None)
        builder.add_unusable(line, raw, problem or Unusable(Reason.TOO_MANY_FIELDS, "the line is not one row"))


def _reader(folder: Path, spec: TableSpec, origin: Origin) -> _Reader:
    layout: dict[str, Any] | None = origin.layout
    if layout is None:
        raise StateError(
            f"how {origin.state.name} was laid out is not known: an earlier release read it",
            where="source",
            hint="correct the lines and send them as a file of their own",
            code="unknown_layout",
        )
    file = TableFile(
        folder / origin.state.name,
        origin.state.name,
        layout["format"],
        layout["delimiter"],
        spec.encoding,
        spec.max_line_bytes,
        tuple(layout["columns"]),
        None,
    )
    formats = layout["times"] if spec.formats == (AUTO,) else spec.formats
    return _Reader(spec, file, origin, formats)
