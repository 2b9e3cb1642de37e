"""Files that were ingested: how far, with what outcome, and which of their lines were refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select, update

from shelfwise.errors import UnknownError
from shelfwise.store.bulk import LOOKUP_CHUNK, insert_rows
from shelfwise.store.erased_names import naming_erased
from shelfwise.store.sealed_form import as_plain, is_sealed, quarantine_place
from shelfwise.store.sealing import ALTERED_ONLY, opened_unless, sealer
from shelfwise.store.tables import quarantine, sources

USERS = "users"
"""The table of files whose lines hold what users say of themselves."""

UNREADABLE = "changed or moved after it was sealed: it cannot be read, and is not tried again"
"""Message of a line whose text is lost."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file under one mapping.

    Attributes:
        source: Its number.
        lines_done: Lines (records of a Parquet file) dealt with so far; reading goes on after them.
        finished: The whole file was dealt with.
        stored: Rows stored.
        already_stored: Rows that an earlier source or the API had stored before.
        quarantined: Rows refused with a reason.
    """

    source: int
    name: str
    lines_done: int
    finished: bool
    stored: int
    already_stored: int
    quarantined: int


class Refused(NamedTuple):
    """A line that could not be stored."""

    line: int
    reason: str
    message: str
    raw: str


def find_or_start(connection: Connection, fingerprint: str, table: str, name: str, now_ms: int) -> Source:
    """The state of a file, new or as it was left; inside a write transaction.

    Args:
        fingerprint: Hash over the file's bytes and the mapping that it is read with.
        table: What it holds: items, users or events.
        name: The path as the shop wrote it.
    """
    found = connection.execute(select(sources).where(sources.c.fingerprint == fingerprint)).mappings().first()
    if found is None:
        highest = connection.execute(select(func.max(sources.c.source))).scalar()
        columns = {
            "source": 0 if highest is None else highest + 1,
            "fingerprint": fingerprint,
            "table": table,
            "name": name,
            "started_ms": now_ms,
            "lines_done": 0,
            "finished": False,
            "stored": 0,
            "already_stored": 0,
            "quarantined": 0,
        }
        connection.execute(insert(sources), [columns])
        return _source(columns)
    return _source(found)


def record_progress(connection: Connection, state: Source) -> None:
    """Write how far a file is; in the same transaction as its rows."""
    connection.execute(
        update(sources)
        .where(sources.c.source == state.source)
        .values(
            lines_done=state.lines_done,
            finished=state.finished,
            stored=state.stored,
            already_stored=state.already_stored,
            quarantined=state.quarantined,
        )
    )


def refuse(connection: Connection, source: int, rows: Sequence[Refused]) -> None:
    """Put lines into quarantine; inside a write transaction.

    Those that name somebody who was erased, and did not come back, keep their place and their reason only.
    """
    erased = naming_erased(connection, [f"{row.raw}\n{row.message}" for row in rows]) if rows else set[int]()
    kept = [row._replace(message="erased", raw="") if place in erased else row for place, row in enumerate(rows)]
    if kept:
        seal = sealer(connection) if _tells_of_users(connection, source) and any(row.raw for row in kept) else as_plain
        kept = [
            row._replace(
                message=seal(row.message, quarantine_place("message", source, row.line)),
                raw=seal(row.raw, quarantine_place("raw", source, row.line)),
            )
            if row.raw
            else row
            for row in kept
        ]
    insert_rows(connection, quarantine, ("source", *Refused._fields), [(source, *row) for row in kept])


def _tells_of_users(connection: Connection, source: int) -> bool:
    """Whether a file's lines hold what users say of themselves."""
    return connection.execute(select(sources.c.table).where(sources.c.source == source)).scalar() == USERS


def told(connection: Connection, source: int, row: Refused) -> Refused:
    """A refused line, of what the table has; one that was altered since it was sealed is `UNREADABLE` and has no text.

    Raises:
        DataKeyError: it is sealed under a key that is not at hand.
    """
    raw = opened_unless(connection, row.raw, quarantine_place("raw", source, row.line), ALTERED_ONLY)
    message = opened_unless(connection, row.message, quarantine_place("message", source, row.line), ALTERED_ONLY)
    if raw is None or message is None:
        return row._replace(message=UNREADABLE, raw="")
    return row._replace(message=message, raw=raw)


def lines_that_may_name(connection: Connection, named: ColumnElement[bool]) -> list[tuple[int, Refused]]:
    """Lines in quarantine, each with its source: those in plain that a condition finds, and all that are sealed.

    What a sealed one says no query finds, and what stands written in its place is nobody's words.

    Args:
        connection: Reads.
        named: Over the table's columns.

    Raises:
        DataKeyError: one is sealed under a key that is not at hand.
    """
    query = select(quarantine.c.source, quarantine.c.line, quarantine.c.reason, quarantine.c.message, quarantine.c.raw)
    found = connection.execute(query.where(or_(is_sealed(quarantine.c.raw), named))).all()
    return [(source, told(connection, source, Refused(*rest))) for source, *rest in found]


def refused_by_reason(connection: Connection, source: int | None = None) -> dict[str, int]:
    """Lines in quarantine per reason, most frequent first."""
    n = func.count()
    query = select(quarantine.c.reason, n).group_by(quarantine.c.reason)
    if source is not None:
        query = query.where(quarantine.c.source == source)
    # Ordered here: how texts are ordered is told by each database's own locale.
    found = sorted(connection.execute(query), key=lambda row: (-row[1], row[0]))
    return {reason: int(number) for reason, number in found}


def first_refused_by_reason(connection: Connection, source: int) -> dict[str, Refused]:
    """The first line that a file had refused for each reason."""
    first = (
        select(func.min(quarantine.c.line))
        .where(quarantine.c.source == source)
        .group_by(quarantine.c.reason)
        .scalar_subquery()
    )
    query = select(quarantine.c.line, quarantine.c.reason, quarantine.c.message, quarantine.c.raw).where(
        quarantine.c.source == source, quarantine.c.line.in_(first)
    )
    return {row.reason: told(connection, source, Refused(*row)) for row in connection.execute(query)}


def put_layout(connection: Connection, source: int, layout: Mapping[str, Any]) -> None:
    """Write down how a file is laid out, so that its lines can be read again without it."""
    written = json.dumps(layout, ensure_ascii=False)
    connection.execute(update(sources).where(sources.c.source == source).values(layout=written))


class Origin(NamedTuple):
    """Where lines in quarantine come from.

    Attributes:
        state: The file's.
        table: What it holds: items, users or events.
        layout: How its lines are read; None where that was not kept.
    """

    state: Source
    table: str
    layout: dict[str, Any] | None


def origin(connection: Connection, source: int) -> Origin:
    """A file by its number.

    Raises:
        UnknownError: there is none of that number.
    """
    found = connection.execute(select(sources).where(sources.c.source == source)).mappings().first()
    if found is None:
        raise UnknownError(f"there is no source {source}", hint="see GET /v1/imports", code="unknown_source")
    layout = found["layout"]
    return Origin(_source(found), found["table"], None if layout is None else json.loads(layout))


class QuarantineCount(NamedTuple):
    """Lines of one file that were refused for one reason."""

    source: int
    table: str
    name: str
    reason: str
    n: int


def quarantine_counts(connection: Connection) -> list[QuarantineCount]:
    """Lines in quarantine by file and reason: the latest files first, their most frequent reasons first."""
    n = func.count()
    query = (
        select(sources.c.source, sources.c.table, sources.c.name, quarantine.c.reason, n)
        .join(sources, sources.c.source == quarantine.c.source)
        .group_by(sources.c.source, sources.c.table, sources.c.name, quarantine.c.reason)
    )
    found = [QuarantineCount(*row) for row in connection.execute(query)]
    return sorted(found, key=lambda one: (-one.source, -one.n, one.reason))


def refused_page(
    connection: Connection,
    n: int,
    *,
    source: int | None = None,
    reason: str | None = None,
    after: tuple[int, int] = (-1, -1),
    lines: Sequence[int] | None = None,
) -> list[tuple[int, Refused]]:
    """The next lines in quarantine, in the order of files and lines.

    Args:
        connection: Reads.
        n: At most.
        source: Only of this file.
        reason: Only refused for this.
        after: Source and line behind which to start.
        lines: Only these lines.
    """
    number, line = quarantine.c.source, quarantine.c.line
    query = (
        select(number, line, quarantine.c.reason, quarantine.c.message, quarantine.c.raw)
        .where(or_(number > after[0], and_(number == after[0], line > after[1])))
        .order_by(number, line)
        .limit(n)
    )
    if source is not None:
        query = query.where(number == source)
    if reason is not None:
        query = query.where(quarantine.c.reason == reason)
    if lines is not None:
        query = query.where(line.in_(lines))
    return [(row[0], told(connection, row[0], Refused(*row[1:]))) for row in connection.execute(query)]


def settle(connection: Connection, source: int, lines: Sequence[int], again: Sequence[Refused], stored: int) -> None:
    """Write what became of lines that were tried again; inside the write transaction that read them.

    Args:
        connection: Writes.
        source: The file's number.
        lines: Those that were tried.
        again: Those of them that were refused again.
        stored: How many were stored; the others were there before.
    """
    n_left = 0
    for start in range(0, len(lines), LOOKUP_CHUNK):
        chunk = lines[start : start + LOOKUP_CHUNK]
        gone = delete(quarantine).where(quarantine.c.source == source, quarantine.c.line.in_(chunk))
        n_left += connection.execute(gone).rowcount
    refuse(connection, source, again)
    # A line that left the quarantine before is counted already.
    good = max(n_left - len(again), 0)
    stored = min(stored, good)
    connection.execute(
        update(sources)
        .where(sources.c.source == source)
        .values(
            stored=sources.c.stored + stored,
            already_stored=sources.c.already_stored + (good - stored),
            quarantined=sources.c.quarantined - good,
        )
    )


def read_refused(connection: Connection, source: int | None = None) -> Iterator[tuple[str, Refused]]:
    """Every line in quarantine with its file's name, in file order, streamed."""
    query = (
        select(
            sources.c.name,
            quarantine.c.source,
            quarantine.c.line,
            quarantine.c.reason,
            quarantine.c.message,
            quarantine.c.raw,
        )
        .join(sources, sources.c.source == quarantine.c.source)
        .order_by(quarantine.c.source, quarantine.c.line)
    )
    if source is not None:
        query = query.where(quarantine.c.source == source)
    for name, number, *rest in connection.execute(query, execution_options={"yield_per": 10_000}):
        yield name, told(connection, number, Refused(*rest))


def read_all(connection: Connection) -> list[Source]:
    """Every file ever ingested, oldest first."""
    found = connection.execute(select(sources).order_by(sources.c.source)).mappings()
    return [_source(row) for row in found]


def _source(columns: Mapping[Any, Any]) -> Source:
    return Source(**{field: columns[field] for field in Source.__slots__})
