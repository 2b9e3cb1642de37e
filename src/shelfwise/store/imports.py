"""What was read into the store when, and with what outcome: a line per run, kept up to date while it goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from shelfwise.errors import UnknownError
from shelfwise.store.tables import imports, sources

ImportKind = Literal["file", "upload", "again"]
"""A file that the configuration names, one that came over the API, or lines of the quarantine once more."""

ImportState = Literal["running", "done", "failed", "interrupted"]

SILENT_MS = 300_000
"""After which a run that neither ended nor went on is taken for interrupted."""


@dataclass(frozen=True, slots=True)
class Import:
    """One run.

    Attributes:
        import_id: Its number.
        source: Number of the file.
        table: What it holds: items, users or events.
        name: The file, as the shop wrote it.
        kind: Where the lines came from.
        actor: Who asked for it; empty where that was not written down.
        started_at: When.
        finished_at: When it ended, well or not; None before.
        state: Whether it goes on.
        progress: Share done, from 0 to 1.
        lines: Read by this run.
        stored: Of these.
        already_stored: Of these: an earlier file or the API had brought them before.
        quarantined: Of these: refused with a reason.
        failure: Why it ended early.
    """

    import_id: int
    source: int
    table: str
    name: str
    kind: ImportKind
    actor: str
    started_at: datetime
    finished_at: datetime | None
    state: ImportState
    progress: float
    lines: int
    stored: int
    already_stored: int
    quarantined: int
    failure: str | None


def start(connection: Connection, source: int, kind: ImportKind, actor: str) -> int:
    """Begin a run; inside a write transaction; its number."""
    highest = connection.execute(select(func.max(imports.c.import_id))).scalar()
    number, now_ms = 0 if highest is None else int(highest) + 1, _now_ms()
    connection.execute(
        insert(imports).values(
            import_id=number,
            source=source,
            kind=kind,
            actor=actor,
            started_ms=now_ms,
            updated_ms=now_ms,
            progress=0.0,
            lines=0,
            stored=0,
            already_stored=0,
            quarantined=0,
        )
    )
    return number


def advance(
    connection: Connection,
    import_id: int,
    *,
    lines: int,
    stored: int,
    already_stored: int,
    quarantined: int,
    progress: float,
) -> None:
    """Write how far a run is, all counts since it began; in the same transaction as its rows."""
    connection.execute(
        update(imports)
        .where(imports.c.import_id == import_id)
        .values(
            updated_ms=_now_ms(),
            lines=lines,
            stored=stored,
            already_stored=already_stored,
            quarantined=quarantined,
            progress=progress,
        )
    )


def touch(connection: Connection, import_id: int) -> None:
    """Tell that a run is there still, and waits for others."""
    connection.execute(update(imports).where(imports.c.import_id == import_id).values(updated_ms=_now_ms()))


def finish(connection: Connection, import_id: int, failure: str | None = None) -> None:
    """End a run."""
    values: dict[str, Any] = {"updated_ms": _now_ms(), "finished_ms": _now_ms(), "failure": failure}
    if failure is None:
        values["progress"] = 1.0
    connection.execute(update(imports).where(imports.c.import_id == import_id).values(**values))


def get(connection: Connection, import_id: int) -> Import:
    """One run.

    Raises:
        UnknownError: there is none of that number.
    """
    row = connection.execute(_all().where(imports.c.import_id == import_id)).first()
    if row is None:
        raise UnknownError(f"there is no import {import_id}", hint="see GET /v1/imports", code="unknown_import")
    return _import(row)


def latest(connection: Connection, n: int, before: int | None = None) -> list[Import]:
    """The latest `n` runs, newest first; only those before one of a number, where that is named."""
    query = _all().order_by(imports.c.import_id.desc()).limit(n)
    if before is not None:
        query = query.where(imports.c.import_id < before)
    return [_import(row) for row in connection.execute(query)]


def _all() -> Select[Any]:
    return select(imports, sources.c.table, sources.c.name).join(sources, sources.c.source == imports.c.source)


def _import(row: Row[Any]) -> Import:
    if row.finished_ms is not None:
        state: ImportState = "done" if row.failure is None else "failed"
    else:
        state = "running" if _now_ms() - row.updated_ms < SILENT_MS else "interrupted"
    return Import(
        row.import_id,
        row.source,
        row.table,
        row.name,
        row.kind,
        row.actor,
        _moment(row.started_ms),
        None if row.finished_ms is None else _moment(row.finished_ms),
        state,
        row.progress,
        row.lines,
        row.stored,
        row.already_stored,
        row.quarantined,
        row.failure,
    )


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1_000, UTC)


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1_000)
