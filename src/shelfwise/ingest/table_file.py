"""One file of the shop: what it is, which columns it has, and its records as blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from shelfwise.config.ingest import AUTO, TableSpec
from shelfwise.errors import DataError
from shelfwise.ingest.blocks import Block, Expand, Unusable
from shelfwise.ingest.compression import check_file, open_stream
from shelfwise.ingest.lines import TextLines
from shelfwise.ingest.read_csv import csv_records, read_csv, read_header
from shelfwise.ingest.read_jsonl import parse_object, paths, read_jsonl
from shelfwise.ingest.read_parquet import parquet_columns, read_parquet

Format = Literal["csv", "jsonl", "parquet"]

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_RECORDS = 1_000
"""Records that are looked at to learn a file's columns and the way its times are written."""

_DELIMITER_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
_FORMAT_BY_SUFFIX: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file that was looked at and can be read.

    Attributes:
        name: The path as the shop wrote it, for messages.
        delimiter: Of CSV; a comma for other formats.
        columns: In the order of the file; of JSON Lines, the paths seen in the first records.
        lines_total: Records, where that is known without reading (Parquet).
    """

    path: Path
    name: str
    format: Format
    delimiter: str
    encoding: str
    max_line_bytes: int
    columns: tuple[str, ...]
    lines_total: int | None

    def blocks(
        self, columns: Sequence[str], *, skip: int = 0, size: int, expand: Expand | None = None
    ) -> Iterator[Block]:
        """The records after the first `skip`, `size` at a time; the last block is smaller, none is empty.

        Args:
            columns: The file's columns wanted, or those that `expand` makes.
            expand: Turns a record of JSON Lines or Parquet into rows; a CSV file has rows already.
        """
        if self.format == "parquet":
            return read_parquet(self.path, self.name, columns=columns, expand=expand, skip=skip, size=size)
        if self.format == "jsonl":
            return read_jsonl(
                self.path,
                self.name,
                encoding=self.encoding,
                max_line_bytes=self.max_line_bytes,
                columns=columns,
                expand=expand,
                skip=skip,
                size=size,
            )
        return read_csv(
            self.path,
            self.name,
            delimiter=self.delimiter,
            encoding=self.encoding,
            max_line_bytes=self.max_line_bytes,
            header=self.columns,
            columns=columns,
            skip=skip,
            size=size,
        )


def look_at(spec: TableSpec, base_dir: Path) -> TableFile:
    """Learn what a file is from the spec, its name and its first records.

    Raises:
        DataError: the file is missing, empty, of an unknown kind, or its header cannot be that of the
            delimiter.
    """
    path = base_dir / spec.path
    name = spec.path
    check_file(path, name)
    kind: Format = _format_of(path, name) if spec.format == AUTO else spec.format
    columns: tuple[str, ...]
    delimiter, total = ",", None
    if kind == "parquet":
        names, total = parquet_columns(path, name)
        columns = tuple(names)
    elif kind == "jsonl":
        columns = _json_columns(path, name, spec)
    else:
        delimiter, columns = _csv_columns(path, name, spec)
    repeated = sorted({column for column in columns if column and columns.count(column) > 1})
    if repeated:
        raise DataError(
            f"the header names {repeated[0]!r} twice",
            expected="different names",
            where=f"{name}:1",
            hint="rename one of the columns",
            code="repeated_column",
        )
    return TableFile(path, name, kind, delimiter, spec.encoding, spec.max_line_bytes, columns, total)


def _format_of(path: Path, name: str) -> Format:
    with open_stream(path, name) as stream:
        head = stream.bytes.read(64)
    if head.startswith(b"PAR1"):
        return "parquet"
    suffixes = [suffix.lower() for suffix in path.suffixes]
    by_name: Format | None = None
    for suffix in suffixes:
        by_name = _FORMAT_BY_SUFFIX.get(suffix) or by_name
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if by_name is None or (by_name == "csv" and start.startswith(b'{"')):
        by_name = "jsonl" if start.startswith((b"{", b"[")) else "csv"
    if by_name == "jsonl" and start.startswith(b"["):
        raise DataError(
            "the file is one JSON array",
            expected="JSON Lines: one object on each line",
            where=name,
            hint="convert it, for example by: jq -c '.[]' in.json > out.jsonl",
            code="json_array",
        )
    return by_name


def _json_columns(path: Path, name: str, spec: TableSpec) -> tuple[str, ...]:
    seen: dict[str, None] = {}
    found_any = False
    with open_stream(path, name) as stream:
        lines = TextLines(stream.bytes, name, encoding=spec.encoding, max_bytes=spec.max_line_bytes)
        for line in islice((line for line in lines if line.text.strip()), SAMPLE_RECORDS):
            found_any = True
            record = parse_object(line.text)
            if not isinstance(record, Unusable):
                seen.update(dict.fromkeys(paths(record)))
    if not found_any:
        raise _nothing_in(path, name)
    return tuple(seen)


def _csv_columns(path: Path, name: str, spec: TableSpec) -> tuple[str, tuple[str, ...]]:
    headers = {
        delimiter: _header(path, name, spec, delimiter)
        for delimiter in dict.fromkeys((*DELIMITERS, *((spec.delimiter,) if spec.delimiter != AUTO else ())))
    }
    if not any(headers.values()):
        raise _nothing_in(path, name)
    best = max(
        DELIMITERS,
        key=lambda delimiter: (_fit(path, name, spec, delimiter, headers), len(headers[delimiter])),
    )
    if spec.delimiter == AUTO:
        return best, tuple(headers[best])
    columns = headers[spec.delimiter]
    if len(columns) <= 1 < len(headers[best]):
        raise DataError(
            f"with the delimiter {spec.delimiter!r} the header is one column, {(columns or [''])[0][:80]!r}",
            expected=f"{len(headers[best])} columns, as {_DELIMITER_NAMES[best]} gives",
            where=f"{name}:1",
            hint=f'set delimiter = "{best if best != chr(9) else "tab"}", or leave it at auto',
            code="wrong_delimiter",
        )
    return spec.delimiter, tuple(columns)


def _header(path: Path, name: str, spec: TableSpec, delimiter: str) -> list[str]:
    with open_stream(path, name) as stream:
        lines = TextLines(stream.bytes, name, encoding=spec.encoding, max_bytes=spec.max_line_bytes)
        return read_header(lines, delimiter, spec.max_line_bytes)


def _fit(path: Path, name: str, spec: TableSpec, delimiter: str, headers: dict[str, list[str]]) -> float:
    """Share of the first records that have as many fields as the header, for a delimiter that splits it."""
    n_fields = len(headers[delimiter])
    if n_fields < 2:
        return 0.0
    with open_stream(path, name) as stream:
        lines = TextLines(stream.bytes, name, encoding=spec.encoding, max_bytes=spec.max_line_bytes)
        sample = list(islice(csv_records(lines, delimiter, n_fields, spec.max_line_bytes), 50))
    # A wrong delimiter that is in one header name by chance fits few rows; 1.0 for a header alone.
    return round(sum(record.fields is not None for record in sample) / len(sample), 1)


def _nothing_in(path: Path, name: str) -> DataError:
    return DataError(
        f"{path} holds nothing but blank lines",
        expected="a header or rows",
        where=name,
        hint="did the export finish?",
        code="empty_file",
    )
