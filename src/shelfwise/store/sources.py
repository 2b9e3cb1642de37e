"""Files that were ingested: how far, with what outcome, and which of their lines were refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from shelfwise.store.bulk import insert_rows
from shelfwise.store.tables import quarantine, sources


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
    """Put lines into quarantine; inside a write transaction."""
    insert_rows(connection, quarantine, ("source", *Refused._fields), [(source, *row) for row in rows])


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
    return {row.reason: Refused(*row) for row in connection.execute(query)}


def read_refused(connection: Connection, source: int | None = None) -> Iterator[tuple[str, Refused]]:
    """Every line in quarantine with its file's name, in file order, streamed."""
    query = (
        select(sources.c.name, quarantine.c.line, quarantine.c.reason, quarantine.c.message, quarantine.c.raw)
        .join(sources, sources.c.source == quarantine.c.source)
        .order_by(quarantine.c.source, quarantine.c.line)
    )
    if source is not None:
        query = query.where(quarantine.c.source == source)
    for name, *rest in connection.execute(query, execution_options={"yield_per": 10_000}):
        yield name, Refused(*rest)


def read_all(connection: Connection) -> list[Source]:
    """Every file ever ingested, oldest first."""
    found = connection.execute(select(sources).order_by(sources.c.source)).mappings()
    return [_source(row) for row in found]


def _source(columns: Mapping[Any, Any]) -> Source:
    return Source(**{field: columns[field] for field in Source.__slots__})
