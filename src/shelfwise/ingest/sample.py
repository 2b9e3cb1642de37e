"""The first rows of a file, on which a guess rests."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import polars as pl

from shelfwise.config.ingest import TableSpec
from shelfwise.ingest.compression import check_file, compression_of, open_stream
from shelfwise.ingest.evidence import Contents, contents_of, decimal_of
from shelfwise.ingest.presets import PRESETS, recognise
from shelfwise.ingest.synonyms import ORDER_NAMES, folded
from shelfwise.ingest.table_file import TableFile, look_at

SAMPLE_ROWS = 20_000
SAMPLE_CELLS = 1_000_000
"""A file with very many columns is judged by fewer rows."""

Spec = TypeVar("Spec", bound=TableSpec)


@dataclass(slots=True)
class Sample:
    """The first rows of a file, and what has been decided about it so far."""

    table: str
    spec: TableSpec
    file: TableFile
    columns: dict[str, Contents]
    decimal: str
    preset: str | None = None
    mapped: dict[str, str] = field(default_factory=dict[str, str])
    why: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]])

    @property
    def free(self) -> list[str]:
        """Columns that nothing is mapped to."""
        return [name for name in self.columns if name not in self.mapped.values()]

    def take(self, ours: str, theirs: str, why: str, confidence: float) -> None:
        """Map a column."""
        self.mapped[ours] = theirs
        self.why[ours] = (why, confidence)


def look_closely(path: Path, table: str, kind: type[Spec]) -> Sample:
    """Open a file and take in its columns and a sample of their contents; nothing is mapped yet."""
    check_file(path, str(path))
    # Absolute: a relative path in a spec would start from the shop's folder, which is not known here.
    spec = kind(path=str(path.resolve()), encoding=_encoding(path))
    file = look_at(spec, Path())
    names = [column for column in file.columns if column]
    size = max(1_000, min(SAMPLE_ROWS, SAMPLE_CELLS // max(1, len(names))))
    frame = next((block.frame for block in file.blocks(names, size=size)), pl.DataFrame(schema=names))
    columns = {name: contents_of(frame[name]) for name in names}
    preset = recognise(names, [name for name in kind.presets if name != "none"])
    if preset is not None and PRESETS[preset].expand is not None and file.format == "csv":
        preset = None
    return Sample(table, spec, file, columns, decimal_of(list(columns.values())), preset)


def _encoding(path: Path) -> str:
    """utf-8 where the whole file is; else the Western encoding that has a letter for every byte in it."""
    with path.open("rb") as file:
        if file.read(4) == b"PAR1" or compression_of(path) not in ("none", "gzip", "zstd"):
            return "utf-8"
    for encoding in ("utf-8", "cp1252"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with open_stream(path, str(path)) as stream:
                while chunk := stream.bytes.read(1 << 20):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def order_column(sample: Sample) -> str | None:
    """The column that numbers orders or invoices, if there is one."""
    return next((name for name in sample.columns if folded(name) in ORDER_NAMES), None)
