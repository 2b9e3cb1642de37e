"""CSV, record by record, with true line numbers; one broken quote costs one line."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, cast

from shelfwise.ingest.blocks import Block, BlockBuilder, Unusable
from shelfwise.ingest.compression import open_stream
from shelfwise.ingest.lines import TextLine, TextLines
from shelfwise.ingest.reasons import Reason


class CsvRecord(NamedTuple):
    """One record; `fields` is None where it cannot be read, and `problem` says why."""

    line: int
    raw: str
    fields: list[str] | None
    problem: Unusable | None = None


class _UnclosedError(Exception):
    """A quoted field does not end within the longest record allowed."""


class _Feed:
    """Gives lines to the csv module, remembers what it took, and takes lines back."""

    def __init__(self, lines: Iterator[TextLine], max_chars: int) -> None:
        self._lines = lines
        self._returned: deque[TextLine] = deque()
        self._max_chars = max_chars
        self._chars = 0
        self.taken: list[TextLine] = []

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._lines)
        self.taken.append(line)
        if len(self.taken) > 1:
            self._chars += len(line.text)
            if self._chars > self._max_chars:
                raise _UnclosedError
        return line.text

    def begin(self) -> None:
        """A new record starts."""
        self.taken = []
        self._chars = 0

    def give_back(self) -> None:
        """All lines of this record but the first are read again."""
        self._returned.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]


def csv_records(lines: Iterator[TextLine], delimiter: str, n_fields: int | None, max_chars: int) -> Iterator[CsvRecord]:
    """The records of a CSV file, blank lines left out.

    A record over several lines that turns out to be wrong gives all lines but the first back: an unclosed
    quote then spoils its own line and not the rest of the file.

    Args:
        n_fields: Fields that each record must have; None takes the first record as it is.
        max_chars: A quoted field that runs on for longer counts as unclosed.
    """
    feed = _Feed(lines, max_chars)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        feed.begin()
        fields: list[str] | None = None
        problem: Unusable | None = None
        try:
            fields = next(reader)
        except StopIteration:
            return
        except (csv.Error, _UnclosedError) as cause:
            detail = "a quote is not closed" if isinstance(cause, _UnclosedError) else str(cause)
            problem = Unusable(Reason.BAD_QUOTES, f"the row cannot be split into fields ({detail})")
        if fields is not None:
            if not fields or (len(fields) == 1 and not fields[0].strip() and n_fields != 1):
                continue
            n_fields = len(fields) if n_fields is None else n_fields
            if len(fields) != n_fields:
                problem = _wrong_count(len(fields), n_fields)
                fields = None
        if problem is not None and len(feed.taken) > 1:
            feed.give_back()
            problem = Unusable(Reason.BAD_QUOTES, "a quote is opened and not closed on the same row")
        first = feed.taken[0]
        raw = first.text if len(feed.taken) == 1 else "".join(line.text for line in feed.taken)
        yield CsvRecord(first.number, raw, fields, problem)


def read_header(lines: Iterator[TextLine], delimiter: str, max_chars: int) -> list[str]:
    """The first record's fields, stripped; empty where the file has none."""
    for record in csv_records(lines, delimiter, None, max_chars):
        return [field.strip() for field in record.fields] if record.fields is not None else []
    return []


def read_csv(
    path: Path,
    name: str,
    *,
    delimiter: str,
    encoding: str,
    max_line_bytes: int,
    header: Sequence[str],
    columns: Sequence[str],
    skip: int,
    size: int,
) -> Iterator[Block]:
    """The file's blocks of `size` records, the first `skip` records left out.

    Args:
        header: All columns of the file.
        columns: Those wanted.
    """
    places = [header.index(column) for column in columns]
    pick = _picker(places)
    with open_stream(path, name) as stream:
        lines = TextLines(stream.bytes, name, encoding=encoding, max_bytes=max_line_bytes)
        records = csv_records(lines, delimiter, None, max_line_bytes)
        next(records, None)  # the header fixes the number of fields
        builder = BlockBuilder(columns)
        for number, record in enumerate(records):
            if number < skip:
                continue
            if record.fields is None:
                assert record.problem is not None
                builder.add_unusable(record.line, record.raw.rstrip("\r\n"), record.problem)
            else:
                builder.add(record.line, record.raw.rstrip("\r\n"), (pick(record.fields),))
            if len(builder) >= size:
                yield builder.build(stream.bytes_done)
                builder = BlockBuilder(columns)
        if len(builder):
            yield builder.build(stream.bytes_done)


def _picker(places: list[int]) -> Callable[[list[str]], tuple[str, ...]]:
    if len(places) > 1:
        return cast("Callable[[list[str]], tuple[str, ...]]", itemgetter(*places))
    # For less than two places itemgetter would not give a tuple.
    return lambda fields: tuple(fields[place] for place in places)


def _wrong_count(found: int, expected: int) -> Unusable:
    reason = Reason.TOO_FEW_FIELDS if found < expected else Reason.TOO_MANY_FIELDS
    return Unusable(reason, f"{found} fields where the header has {expected}")
