"""Parquet, batch by batch; the only place that speaks to pyarrow's untyped reader."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import orjson
import polars as pl
import pyarrow  # pyright: ignore[reportMissingTypeStubs]
import pyarrow.parquet  # pyright: ignore[reportMissingTypeStubs]

from shelfwise.errors import DataError
from shelfwise.ingest.blocks import Block, BlockBuilder, Expand
from shelfwise.ingest.read_jsonl import add_record

# pyarrow has no types; what is used of it is named here once.
_ArrowError = cast("type[Exception]", pyarrow.ArrowException)  # pyright: ignore[reportUnknownMemberType]
_ParquetFile = cast("Any", pyarrow.parquet.ParquetFile)  # pyright: ignore[reportUnknownMemberType]
_Table = cast("Any", pyarrow.Table)  # pyright: ignore[reportUnknownMemberType]
_from_arrow = cast("Callable[[Any], pl.DataFrame]", pl.from_arrow)  # pyright: ignore[reportUnknownMemberType]

ARROW_BATCH = 8_192
"""Rows decoded at once; small, so that a row group is never in memory as a whole."""


def parquet_columns(path: Path, name: str) -> tuple[list[str], int]:
    """The names of the columns and the number of records."""
    with _opened(path, name) as file:
        return [str(column) for column in file.schema_arrow.names], int(file.metadata.num_rows)


def read_parquet(
    path: Path, name: str, *, columns: Sequence[str], expand: Expand | None, skip: int, size: int
) -> Iterator[Block]:
    """The file's blocks of `size` records, the first `skip` records left out; lines are record numbers from 1."""
    with _opened(path, name) as file:
        total_bytes, total = path.stat().st_size, max(1, int(file.metadata.num_rows))
        done = skip
        # All columns are read, not only those asked for: a refused record is kept whole.
        for frame in _gathered(_frames(file, skip), size):
            first, done = done, done + frame.height
            bytes_done = total_bytes * done // total
            lines = range(first + 1, done + 1)
            if expand is None:
                yield _block(frame, columns, lines, bytes_done)
                continue
            builder = BlockBuilder(columns)
            for line, record in zip(lines, frame.to_dicts(), strict=True):
                add_record(builder, line, _as_json(record), record, columns, expand)
            yield builder.build(bytes_done)


def _block(frame: pl.DataFrame, columns: Sequence[str], lines: range, bytes_done: int) -> Block:
    def raw(record: int) -> str:
        return _as_json(frame.row(record, named=True))

    return Block(lines, frame.select(columns), range(frame.height), [], raw, bytes_done)


def _frames(file: Any, skip: int) -> Iterator[pl.DataFrame]:
    groups: list[int] = []
    for group in range(file.metadata.num_row_groups):
        n = int(file.metadata.row_group(group).num_rows)
        if not groups and skip >= n:
            skip -= n
        else:
            groups.append(group)
    if not groups:
        return
    for batch in file.iter_batches(batch_size=ARROW_BATCH, row_groups=groups):
        frame = _from_arrow(_Table.from_batches([batch]))
        if skip >= frame.height:
            skip -= frame.height
            continue
        yield frame[skip:]
        skip = 0


def _gathered(frames: Iterator[pl.DataFrame], size: int) -> Iterator[pl.DataFrame]:
    """The same rows in frames of `size`, the last one smaller."""
    held: list[pl.DataFrame] = []
    n = 0
    for frame in frames:
        held.append(frame)
        n += frame.height
        while n >= size:
            joined = pl.concat(held)
            yield joined[:size]
            held, n = [joined[size:]], n - size
    if n:
        yield pl.concat(held)


@contextmanager
def _opened(path: Path, name: str) -> Generator[Any]:
    try:
        with _ParquetFile(path, pre_buffer=False, memory_map=True) as file:
            yield file
    except (_ArrowError, OSError) as cause:
        raise DataError(
            f"{path} cannot be read as Parquet ({str(cause).splitlines()[0]})",
            expected="a complete Parquet file",
            where=name,
            hint="export or copy it again; what was read before is stored",
            code="damaged_file",
        ) from cause


def _as_json(record: dict[str, Any]) -> str:
    return orjson.dumps(record, default=str, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z).decode()
