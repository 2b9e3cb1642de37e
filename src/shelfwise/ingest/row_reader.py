"""What reading items, users and events has in common: our columns out of a block, each with its checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time

import polars as pl

from shelfwise.config.ingest import ORDER, TableSpec
from shelfwise.errors import DataError
from shelfwise.ingest import times, values
from shelfwise.ingest.blocks import Block
from shelfwise.ingest.checks import Check, quoted
from shelfwise.ingest.reasons import EXPLANATION, Reason

FUTURE_TOLERANCE_MS = 86_400_000
"""Clocks of shops and phones are wrong by hours; by more than a day a time is impossible."""


class BlockReader:
    """One block's columns under our names.

    Args:
        columns: Our column = the file's.
        formats: How its times are written.
        now_ms: The moment after which a time lies in the future.
    """

    def __init__(
        self,
        block: Block,
        spec: TableSpec,
        columns: Mapping[str, str],
        formats: Sequence[str],
        now_ms: int,
        name: str,
    ) -> None:
        self.block = block
        self.checks: list[Check] = []
        self._spec = spec
        self._columns = columns
        self._formats = formats
        self._now_ms = now_ms
        self._name = name
        self._missing = [token.strip().lower() for token in spec.missing]

    @property
    def height(self) -> int:
        """Rows in the block."""
        return self.block.frame.height

    def raw(self, ours: str) -> pl.Series | None:
        """The file's values, or None where nothing is mapped."""
        theirs = self._columns.get(ours)
        return None if theirs is None else self.block.frame[theirs]

    def ids(self, ours: str) -> pl.Series:
        """A column of ids."""
        return self._text(ours, values.ids)

    def texts(self, ours: str) -> pl.Series:
        """A column of texts as they are."""
        return self._text(ours, values.texts)

    def titles(self, ours: str) -> pl.Series:
        """A column of texts of one line."""
        return self._text(ours, values.titles)

    def foreign_texts(self, theirs: str) -> pl.Series:
        """A column of the file that has no name of ours."""
        return values.titles(self.block.frame[theirs], self._missing)

    def foreign_numbers(self, theirs: str) -> pl.Series:
        """Numbers of a column that has no name of ours; null where none can be read."""
        return values.numbers(self.block.frame[theirs], self._missing, self._spec.decimal)

    def numbers(self, ours: str) -> pl.Series:
        """A column of numbers; what cannot be read fails a check."""
        raw = self.raw(ours)
        if raw is None:
            return values.nothing(ours, self.height, pl.Float64)
        read = values.numbers(raw, self._missing, self._spec.decimal)
        self._must_be_read(ours, raw, read, Reason.BAD_NUMBER, "is no number")
        return read

    def money(self) -> tuple[pl.Series, pl.Series]:
        """Prices and currencies; the currency's own column comes before what stands beside the price."""
        currency = self.titles("currency").str.to_uppercase()
        raw = self.raw("price")
        if raw is None:
            price = values.nothing("price", self.height, pl.Float64)
        else:
            price, beside = values.money(raw, self._missing, self._spec.decimal)
            self._must_be_read("price", raw, price, Reason.BAD_NUMBER, "is no price")
            currency = currency.fill_null(beside)
        self.check(Reason.NEGATIVE_PRICE, price < 0, lambda row: f"the price is {price[row]}")
        self.check(
            Reason.BAD_CURRENCY,
            ~currency.str.contains(r"^[A-Z]{3}$"),
            lambda row: f"{quoted(currency[row])} is no currency code",
        )
        return price, currency

    def truths(self, ours: str) -> pl.Series:
        """A column of yes and no; what is neither fails a check."""
        raw = self.raw(ours)
        if raw is None:
            return values.nothing(ours, self.height, pl.Boolean)
        read = values.truths(raw, self._missing)
        self._must_be_read(ours, raw, read, Reason.BAD_AVAILABILITY, "is neither a yes nor a no")
        return read

    def moments(self, ours: str) -> pl.Series:
        """A column of times in milliseconds; what cannot be read or cannot be fails a check.

        Raises:
            DataError: a value is written in another known format than the file's.
        """
        raw = self.raw(ours)
        if raw is None:
            return values.nothing(ours, self.height, pl.Int64)
        read = times.parse(raw, self._formats, self._spec.timezone, self._missing)
        unread = values.texts(raw, self._missing).is_not_null() & read.is_null()
        if unread.any():
            self._stop_at_second_format(raw, unread, read)
        self._must_be_read(ours, raw, read, Reason.BAD_TIME, f"is no time as {' or '.join(self._formats)}")
        if ORDER not in self._formats:
            first_ms = int(datetime.combine(self._spec.earliest, time.min, UTC).timestamp() * 1_000)
            self.check(
                Reason.IMPOSSIBLE_TIME,
                (read < first_ms) | (read > self._now_ms + FUTURE_TOLERANCE_MS),
                lambda row: f"{quoted(raw[row])} is {_day(read[row])}, before {self._spec.earliest} or in the future",
            )
        return read

    def check(self, reason: Reason, fails: pl.Series, message: Callable[[int], str] | None = None) -> None:
        """Add a check; without a message the reason's explanation is the message."""

        def explanation(_row: int) -> str:
            return EXPLANATION[reason]

        self.checks.append(Check(reason, fails, message or explanation))

    def limit(self, column: pl.Series, max_chars: int, what: str) -> None:
        """A text must not be longer than the store takes."""
        self.check(
            Reason.TOO_LONG,
            column.str.len_chars() > max_chars,
            lambda row: f"{what} has {len(column[row])} characters; at most {max_chars} can be stored",
        )

    def require(self, columns: Mapping[str, pl.Series]) -> None:
        """Hold the columns against the spec's `require`."""
        for ours, pattern in self._spec.require.items():
            if ours in columns:
                column = columns[ours].cast(pl.String)
                self.check(
                    Reason.NOT_ALLOWED,
                    ~values.matches(column, pattern),
                    lambda row, column=column, ours=ours, pattern=pattern: (
                        f"{ours} {quoted(column[row])} does not match {pattern}"
                    ),
                )

    def _line(self, row: int) -> int:
        return self.block.lines[self.block.record_by_row[row]]

    def _text(self, ours: str, read: Callable[[pl.Series, Sequence[str]], pl.Series]) -> pl.Series:
        raw = self.raw(ours)
        if raw is None:
            return values.nothing(ours, self.height, pl.String)
        text = read(raw, self._missing)
        return text.str.to_uppercase() if ours in self._spec.uppercase else text

    def _must_be_read(self, ours: str, raw: pl.Series, read: pl.Series, reason: Reason, complaint: str) -> None:
        given = values.texts(raw, self._missing).is_not_null()
        self.check(reason, given & read.is_null(), lambda row: f"{ours} {quoted(raw[row])} {complaint}")

    def _stop_at_second_format(self, raw: pl.Series, unread: pl.Series, read: pl.Series) -> None:
        text = values.texts(raw.filter(unread), self._missing)
        rows = unread.arg_true().to_list()
        for other in times.KNOWN:
            if other in self._formats:
                continue
            found = times.recognised(text, other, self._spec.timezone).is_not_null().arg_true()
            if not len(found):
                continue
            row = int(rows[int(found[0])])
            good = read.is_not_null().arg_true()
            line = self._line(row)
            before = (
                f"line {self._line(int(good[0]))} ({quoted(raw[int(good[0])])})" if len(good) else "the lines before"
            )
            allowed = ", ".join(f'"{name}"' for name in (*self._formats, other))
            raise DataError(
                f"dates in two formats: {before} is {' or '.join(self._formats)}, line {line} "
                f"({quoted(raw[row])}) is {other}",
                expected="one format",
                where=f"{self._name}:{line}",
                hint=f"repair the file, or allow both: timestamp_format = [{allowed}]",
                code="two_date_formats",
            )


def _day(milliseconds: int) -> str:
    try:
        return datetime.fromtimestamp(milliseconds / 1_000, UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return "no day of the calendar"
