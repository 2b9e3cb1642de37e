"""People to choose from: by the start of an id, and those who did something lately. Every query reads so many rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, func, select

from shelfwise.store import people
from shelfwise.store.bulk import is_postgresql
from shelfwise.store.personal import ERASED
from shelfwise.store.sealing import ALTERED_ONLY
from shelfwise.store.tables import events, users

LOOKED_AT = 20_000
"""Latest events in which those are looked for who did something lately."""

COUNTED = 10_000
"""Events of one person that are counted; of more it is said that there are as many at least."""

AFTER_ALL = "\U0010ffff"
"""Stands behind every character."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a list.

    Attributes:
        row: Of the store.
        user_id: As the store names people.
        attributes: What the users file tells; None where it was altered since it was sealed.
        n_events: At most `COUNTED`.
        first_ms: Of the first event; None without one.
        last_ms: Of the last.
    """

    row: int
    user_id: str
    attributes: dict[str, str] | None
    n_events: int
    first_ms: int | None
    last_ms: int | None


def starting_with(connection: Connection, start: str, n: int, after: str = "") -> list[Person]:
    """People whose id starts with these characters, in the order of their characters' numbers.

    Args:
        start: As it was typed; empty: everybody.
        n: People at most.
        after: The id of the last person of the page before.

    Cost:
        SQLite reads `n` entries of the index of ids, PostgreSQL the ids of all, since its index may be ordered as a
        language wants it.
    """
    query = select(users.c.row, users.c.user_id, users.c.attributes).limit(n)
    if is_postgresql(connection):
        ordered = users.c.user_id.collate("C")
        query = query.where(func.starts_with(users.c.user_id, start), ordered > after)
    else:
        ordered = users.c.user_id
        query = query.where(ordered >= start, ordered <= start + AFTER_ALL, ordered > after)
    return _told(connection, query.where(_not_erased()).order_by(ordered))


def latest(connection: Connection, n: int, *, most_active: bool = False) -> list[Person]:
    """Who did something among the latest `LOOKED_AT` events, the latest first; or who did most of them."""
    looked_at = select(events.c.user_row, events.c.seq).order_by(events.c.seq.desc()).limit(LOOKED_AT).subquery()
    last = func.max(looked_at.c.seq)
    query = (
        select(users.c.row, users.c.user_id, users.c.attributes)
        .join(looked_at, looked_at.c.user_row == users.c.row)
        .where(_not_erased())
        .group_by(users.c.row, users.c.user_id, users.c.attributes)
        .limit(n)
    )
    query = query.order_by(func.count().desc(), last.desc()) if most_active else query.order_by(last.desc())
    return _told(connection, query)


def find(connection: Connection, user_id: str) -> Person | None:
    """One person; None of whom the store knows nothing."""
    query = select(users.c.row, users.c.user_id, users.c.attributes).where(users.c.user_id == user_id)
    return next(iter(_told(connection, query)), None)


def names_of(connection: Connection, rows: Sequence[int]) -> dict[int, str]:
    """Ids by row; those who were erased are left out."""
    query = select(users.c.row, users.c.user_id).where(users.c.row.in_(rows), _not_erased())
    return {int(row): user_id for row, user_id in connection.execute(query)}


def _not_erased() -> ColumnElement[bool]:
    return ~users.c.user_id.startswith(ERASED, autoescape=True)


def _told(connection: Connection, query: Select[int, str, str]) -> list[Person]:
    return [
        Person(
            int(row),
            user_id,
            people.told_unless(connection, user_id, written, ALTERED_ONLY),
            *_activity(connection, row),
        )
        for row, user_id, written in connection.execute(query).all()
    ]


def _activity(connection: Connection, user_row: int) -> tuple[int, int | None, int | None]:
    """How many events, the first and the last moment: three looks at one index."""
    own = events.c.user_row == user_row
    counted = select(events.c.user_row).where(own).limit(COUNTED).subquery()
    n = int(connection.execute(select(func.count()).select_from(counted)).scalar_one())
    first_ms = connection.execute(select(func.min(events.c.timestamp_ms)).where(own)).scalar()
    last_ms = connection.execute(select(func.max(events.c.timestamp_ms)).where(own)).scalar()
    return n, first_ms, last_ms
