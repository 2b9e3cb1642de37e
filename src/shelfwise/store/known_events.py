"""What the store knows already of a batch of events, in one question.

It is asked while the store is held for writing, and other processes wait: each further statement would have them wait
for it, and its thread for its turn to go on.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import BigInteger, Connection, Dialect, LargeBinary, Text, cast, literal_column, null, select

from shelfwise.store import server_secrets
from shelfwise.store.bulk import LOOKUP_CHUNK, is_postgresql
from shelfwise.store.tables import erasures, events, items, users
from shelfwise.store.tables import server_secrets as secrets

ITEM, USER, EVENT, SECRET = range(4)


class Named(Protocol):
    """What an event says of itself."""

    @property
    def event_key(self) -> bytes: ...
    @property
    def user_id(self) -> str: ...
    @property
    def item_id(self) -> str | None: ...


@dataclass(slots=True)
class Known:
    """What the store knows.

    Attributes:
        item_rows: Row of each item that is there, by id.
        user_rows: Row of each user who is there, by id.
        origins: Source and line of each event that is stored, by its key.
        secret: With which erased ids were hashed; None where nobody was ever erased.
    """

    item_rows: dict[str, int] = field(default_factory=dict[str, int])
    user_rows: dict[str, int] = field(default_factory=dict[str, int])
    origins: dict[bytes, tuple[int | None, int | None]] = field(
        default_factory=dict[bytes, tuple[int | None, int | None]]
    )
    secret: bytes | None = None


def known_of(connection: Connection, batch: Sequence[Named]) -> Known:
    """Look up everything that a batch names.

    Cost:
        One statement for each `LOOKUP_CHUNK // 3` events; an index look for each id and key.
    """
    known = Known()
    for start in range(0, len(batch), LOOKUP_CHUNK // 3):
        chunk = batch[start : start + LOOKUP_CHUNK // 3]
        item_ids = list({event.item_id for event in chunk if event.item_id is not None})
        user_ids, keys = list({event.user_id for event in chunk}), [event.event_key for event in chunk]
        for kind, name, number, line, value in _asked(connection, item_ids, user_ids, keys):
            if kind == ITEM:
                known.item_rows[name] = number
            elif kind == USER:
                known.user_rows[name] = number
            elif kind == EVENT:
                known.origins[bytes(value)] = (number, line)
            else:
                known.secret = bytes(value)
    return known


def _asked(connection: Connection, item_ids: list[str], user_ids: list[str], keys: list[bytes]) -> Any:
    lists: tuple[list[Any], ...] = (item_ids, user_ids, keys)
    if is_postgresql(connection):  # one list, however long: there it need not be parsed value by value
        return connection.exec_driver_sql(_question(connection.dialect, ("= ANY(%s)",) * 3), lists)
    conditions = tuple(f"IN ({','.join('?' * len(one))})" for one in lists)
    return connection.exec_driver_sql(_question(connection.dialect, conditions), (*item_ids, *user_ids, *keys))


@functools.lru_cache(maxsize=256)
def _question(dialect: Dialect, conditions: tuple[str, ...]) -> str:
    item, user, event, secret = _selections(dialect)
    of_item, of_user, of_event = conditions
    return " UNION ALL ".join(
        (
            f"{item} WHERE {items.c.item_id} {of_item}",
            f"{user} WHERE {users.c.user_id} {of_user}",
            f"{event} WHERE {events.c.event_key} {of_event}",
            secret,
        )
    )


@functools.lru_cache(maxsize=4)
def _selections(dialect: Dialect) -> tuple[str, ...]:
    """Of each table the same columns: its number here, a name, two numbers and some bytes."""
    name, number, value = cast(null(), Text), cast(null(), BigInteger), cast(null(), LargeBinary)
    secret = select(literal_column(str(SECRET)), name, number, number, secrets.c.value).where(
        secrets.c.name == literal_column(f"'{server_secrets.ERASED_IDS}'"),
        select(erasures.c.receipt).exists(),  # else there is no hash to compare with
    )
    of_batch = (
        select(literal_column(str(ITEM)), items.c.item_id, items.c.row, number, value),
        select(literal_column(str(USER)), users.c.user_id, users.c.row, number, value),
        select(literal_column(str(EVENT)), name, events.c.source, events.c.line, events.c.event_key),
    )
    return tuple(str(one.compile(dialect=dialect)) for one in (*of_batch, secret))
