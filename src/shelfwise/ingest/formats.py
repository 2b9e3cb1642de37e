"""Settle how a file's times are written before its first row is stored."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from shelfwise.config.ingest import AUTO, TableSpec
from shelfwise.errors import DataError
from shelfwise.ingest import times
from shelfwise.ingest.blocks import Expand
from shelfwise.ingest.checks import quoted
from shelfwise.ingest.presets import Preset
from shelfwise.ingest.table_file import SAMPLE_RECORDS, TableFile

SCAN_RECORDS = 20_000
"""Records looked at in one go where the first ones leave day and month open."""

TIME_COLUMN = {"items": "created_at", "events": "timestamp"}


def time_formats(
    spec: TableSpec,
    file: TableFile,
    table: str,
    columns: Mapping[str, str],
    preset: Preset,
    expand: Expand | None,
) -> tuple[str, ...]:
    """The formats that a spec declares, or with `auto` the one that the file is written in.

    Raises:
        DataError: no known format reads the times, day and month cannot be told apart, or the times are
            small whole numbers, whose meaning has to be declared.
    """
    if spec.formats != (AUTO,):
        return spec.formats
    if expand is not None:
        return preset.formats
    theirs = columns.get(TIME_COLUMN.get(table, ""))
    if theirs is None:
        return ("iso8601",)
    best = find_formats(file, theirs, spec)
    where = f"{file.name} (column {theirs})"
    if len(best) > 1:
        raise DataError(
            f"the dates can be read as {' and as '.join(best)}",
            expected="one format",
            where=where,
            hint=f'say which: timestamp_format = "{best[0]}"',
            code="ambiguous_dates",
        )
    return best


def find_formats(file: TableFile, column: str, spec: TableSpec) -> tuple[str, ...]:
    """The format of a column of times; several where the whole file leaves day and month open.

    Raises:
        DataError: no known format reads most of the values.
    """
    best: tuple[str, ...] = ()
    size = SAMPLE_RECORDS
    skip = 0
    sample: pl.Series | None = None
    for block in file.blocks([column], size=SCAN_RECORDS):
        values = block.frame[column]
        sample = values[:SAMPLE_RECORDS] if sample is None else sample
        found = times.detect(values[:size] if not skip else values, spec.timezone, spec.missing)
        skip, size = skip + len(values), SCAN_RECORDS
        if not found.best:
            if best:
                continue
            if sample.drop_nulls().len() == 0:
                continue
            raise _no_format(file, column, spec, values)
        best = found.best if not best else tuple(name for name in best if name in found.best) or best
        if len(best) == 1:
            return best
    return best or ("iso8601",)


def _no_format(file: TableFile, column: str, spec: TableSpec, values: pl.Series) -> DataError:
    shown = next((value for value in values.drop_nulls().to_list()), "")
    order = times.looks_like_order(values, spec.missing)
    return DataError(
        f"{quoted(shown)} is written in no date format that is known",
        expected="iso8601, an epoch, or a declared format",
        where=f"{file.name} (column {column})",
        hint='whole numbers that only order one user\'s events: timestamp_format = "order"'
        if order
        else 'declare it with a strptime pattern: timestamp_format = "%d/%m/%Y %H:%M"',
        code="unknown_date_format",
    )
