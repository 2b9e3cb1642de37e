"""What a reader hands over: some records of a file, as columns of raw values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from shelfwise.ingest.asked import MAX_RAW_CHARS
from shelfwise.ingest.reasons import EXPLANATION, Reason
from shelfwise.store.sources import Refused


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a record was given up before its columns were looked at."""

    reason: Reason
    message: str


Expand = Callable[[dict[str, Any]], list[dict[str, Any]] | Unusable]
"""Turns one record of a known export into rows with our column names: none, one or several."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some consecutive records of a file.

    Attributes:
        lines: Where each record starts, counted from 1 with the header; in Parquet the record's number.
            Length R.
        frame: The raw values of the columns asked for; rows of records that could be read, in file order.
        record_by_row: Index into `lines` for each row of `frame`, never falling; several rows of one record
            stand side by side.
        refused: Records that could not be read at all.
        raw: The record of an index, as it stands in the file.
        bytes_done: How far the file has been read.
    """

    lines: Sequence[int]
    frame: pl.DataFrame
    record_by_row: Sequence[int]
    refused: list[Refused]
    raw: Callable[[int], str]
    bytes_done: int

    @property
    def is_exploded(self) -> bool:
        """Whether some record has become several rows."""
        return self.frame.height > len(self.lines) - len(self.refused)

    def refuse(self, record: int, reason: Reason, message: str = "") -> Refused:
        """The quarantine row of a record."""
        return Refused(
            self.lines[record], reason.value, message or EXPLANATION[reason], self.raw(record)[:MAX_RAW_CHARS]
        )


class BlockBuilder:
    """Collects records of a text file until they make a block."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        self._lines: list[int] = []
        self._raws: list[str] = []
        self._rows: list[Sequence[str | None]] = []
        self._record_by_row: list[int] = []
        self._problems: list[tuple[int, Unusable]] = []

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, line: int, raw: str, rows: Sequence[Sequence[str | None]]) -> None:
        """A record and the rows it is, each with a value per column."""
        record = len(self._lines)
        self._lines.append(line)
        self._raws.append(raw)
        self._rows.extend(rows)
        self._record_by_row.extend([record] * len(rows))

    def add_unusable(self, line: int, raw: str, problem: Unusable) -> None:
        """A record that cannot be read."""
        self._problems.append((len(self._lines), problem))
        self._lines.append(line)
        self._raws.append(raw)

    def build(self, bytes_done: int) -> Block:
        """The block; the builder is used up."""
        values = zip(*self._rows, strict=True) if self._rows else [()] * len(self._columns)
        frame = pl.DataFrame(
            [pl.Series(name, column, dtype=pl.String) for name, column in zip(self._columns, values, strict=True)]
        )
        raws = self._raws
        block = Block(self._lines, frame, self._record_by_row, [], raws.__getitem__, bytes_done)
        block.refused.extend(
            block.refuse(record, problem.reason, problem.message) for record, problem in self._problems
        )
        return block
