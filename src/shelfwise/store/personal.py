"""Everything that the records hold of one person: read for them, or deleted."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, ScalarSelect, Select, delete, func, or_, select, update

from shelfwise.schemas.events import KIND_BY_CODE
from shelfwise.schemas.ids import VISITOR_PREFIX
from shelfwise.store import people, slate_log, sources
from shelfwise.store.sealing import ALTERED_ONLY
from shelfwise.store.slate_log import LoggedSlate
from shelfwise.store.tables import events, items, quarantine, slates, users

ERASED = f"{VISITOR_PREFIX}erased-"
"""Start of what stands in the place of an erased id: rows are permanent, names are not."""

_NOT_TOLD = {"seq", "event_key", "user_row", "item_row", "source", "line"}
"""Columns of an event that are the store's own."""


@dataclass(frozen=True, slots=True)
class ErasedRows:
    """How much there was.

    Attributes:
        attributes: Those that could be read.
    """

    attributes: int
    events: int
    slates: int
    quarantined: int


def row_of(connection: Connection, user_id: str) -> int | None:
    """The row of a user; None of whom the store knows nothing."""
    return connection.execute(select(users.c.row).where(users.c.user_id == user_id)).scalar()


def events_of(connection: Connection, user_id: str) -> list[dict[str, Any]]:
    """Every event of a person, oldest first, as events are sent; fields without a value are left out."""
    query = _events_of(user_id).order_by(events.c.timestamp_ms, events.c.seq)
    return [_as_sent(row) for row in connection.execute(query).mappings()]


def latest_events_of(connection: Connection, user_id: str, n: int) -> list[dict[str, Any]]:
    """The `n` latest events of a person, newest first, as `events_of` tells them."""
    query = _events_of(user_id).order_by(events.c.timestamp_ms.desc(), events.c.seq.desc()).limit(n)
    return [_as_sent(row) for row in connection.execute(query).mappings()]


def count_events_of(connection: Connection, user_id: str) -> int:
    """How many events the store has of a person; none of them is read."""
    query = select(func.count()).select_from(events).where(events.c.user_row == _row_of(user_id))
    return int(connection.execute(query).scalar_one())


def _events_of(user_id: str) -> Select[Any]:
    columns = [column for column in events.c if column.name not in _NOT_TOLD]
    return (
        select(*columns, items.c.item_id, items.c.title)
        .outerjoin(items, items.c.row == events.c.item_row)
        .where(events.c.user_row == _row_of(user_id))
    )


def _row_of(user_id: str) -> ScalarSelect[Any]:
    """One number, so that the events are read from the index of users in their order, and no further than asked."""
    return select(users.c.row).where(users.c.user_id == user_id).scalar_subquery()


def _as_sent(row: RowMapping) -> dict[str, Any]:
    told = {str(name): value for name, value in row.items() if value is not None}
    told["event"] = KIND_BY_CODE[told.pop("kind")].value
    at = datetime.fromtimestamp(told.pop("timestamp_ms") / 1_000, UTC)
    return {"timestamp": at.isoformat(timespec="milliseconds"), **told}


def slates_of(connection: Connection, user_id: str) -> list[LoggedSlate]:
    """Every answer that is kept of those that a person got, oldest first."""
    return slate_log.of_user(connection, user_id)


def count_slates_of(connection: Connection, user_id: str) -> int:
    """How many answers to a person are kept; none of them is read."""
    query = select(func.count()).select_from(slates).where(slates.c.user_id == user_id)
    return int(connection.execute(query).scalar_one())


def erased_rows(connection: Connection) -> dict[int, str]:
    """Rows of people who were erased, and the receipts of their erasures."""
    query = select(users.c.row, users.c.user_id).where(users.c.user_id.startswith(ERASED, autoescape=True))
    return {int(row): str(user_id).removeprefix(ERASED) for row, user_id in connection.execute(query)}


def erase(connection: Connection, user_id: str, instead: str) -> ErasedRows:
    """Delete all of it, and put another name in the id's place; inside a write transaction.

    Lines in quarantine that name the person keep their place and their reason, and lose their words. What was altered
    since it was sealed goes unread: the person's own attributes, and lines, which may name anybody.

    Raises:
        DataKeyError: what may be the person's is sealed under a key that is not at hand.
    """
    row = row_of(connection, user_id)
    n_attributes, n_events = 0, 0
    if row is not None:
        n_attributes = len(people.attributes_of(connection, [user_id], ALTERED_ONLY).get(user_id, {}))
        n_events = connection.execute(delete(events).where(events.c.user_row == row)).rowcount
        connection.execute(
            update(users).where(users.c.row == row).values(user_id=f"{ERASED}{instead}", attributes="{}")
        )
    n_slates = connection.execute(delete(slates).where(slates.c.user_id == user_id)).rowcount
    return ErasedRows(n_attributes, n_events, n_slates, _quarantined(connection, user_id))


def _quarantined(connection: Connection, user_id: str) -> int:
    name = user_id.removeprefix(VISITOR_PREFIX)  # a session stands in files without what we put before it
    spelled = list(dict.fromkeys([name, json.dumps(name)[1:-1], json.dumps(name, ensure_ascii=False)[1:-1]]))
    whole = re.compile("|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in spelled))
    columns = (quarantine.c.raw, quarantine.c.message)
    named = or_(*(column.contains(one, autoescape=True) for column in columns for one in spelled))
    # A line that was altered since it was sealed may be about anybody, and nobody reads it any more.
    hits = [
        (source, row.line)
        for source, row in sources.lines_that_may_name(connection, named)
        if row.message == sources.UNREADABLE or whole.search(row.raw) or whole.search(row.message)
    ]
    for source, line in hits:
        connection.execute(
            update(quarantine)
            .where(quarantine.c.source == source, quarantine.c.line == line)
            .values(raw="", message="erased")
        )
    return len(hits)
