"""Quarantined lines out again, so that they can be repaired and ingested once more."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import orjson

from shelfwise.store import sources
from shelfwise.store.records import Records
from shelfwise.store.sources import Refused

if TYPE_CHECKING:
    from shelfwise.ingest.table_file import TableFile

FIELDS = ("file", "line", "reason", "message", "raw")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_cells(name: str, refused: Refused) -> tuple[str | int, ...]:
    """A line of quarantine as a row of CSV.

    Texts that a spreadsheet would take for a formula are given an apostrophe: whoever writes the shop's events must not
    make the computer of whoever looks through them do anything.
    """
    return tuple(
        f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in (name, *refused)
    )


def export_quarantine(
    records: Records, path: Path, format: Literal["csv", "jsonl"] = "csv", *, source: int | None = None
) -> int:
    """Write every quarantined line with its file, line number, reason and message; streamed.

    In CSV what a spreadsheet would take for a formula is given an apostrophe; JSON Lines hold every text as it is.

    Args:
        source: One file's number; all files where omitted.

    Returns:
        The lines written.
    """
    n = 0
    with records.read() as connection, path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        if format == "csv":
            writer.writerow(FIELDS)
        for name, refused in sources.read_refused(connection, source):
            n += 1
            if format == "csv":
                writer.writerow(csv_cells(name, refused))
            else:
                row = dict(zip(FIELDS, (name, *refused), strict=True))
                out.write(orjson.dumps(row).decode() + "\n")
    return n


def export_lines(records: Records, file: TableFile, source: int, path: Path) -> int:
    """Write one file's quarantined lines as they stood in it, under its header: repair and ingest with the same spec.

    The lines of a Parquet file are written as JSON Lines.

    Returns:
        The lines written, the header left out.
    """
    n = 0
    with records.read() as connection, path.open("w", encoding=file.encoding, newline="") as out:
        if file.format == "csv":
            csv.writer(out, delimiter=file.delimiter, lineterminator="\n").writerow(file.columns)
        for refused in _lines(sources.read_refused(connection, source)):
            out.write(refused.raw + "\n")
            n += 1
    return n


def _lines(found: Iterator[tuple[str, Refused]]) -> Iterator[Refused]:
    for _, refused in found:
        yield refused
