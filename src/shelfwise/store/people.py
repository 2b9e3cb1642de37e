"""Known users and their attributes; users whom only events name have none."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Mapping, Sequence

from sqlalchemy import Connection, bindparam, func, select, update

from shelfwise.errors import DataKeyError
from shelfwise.store import erasures
from shelfwise.store.bulk import rows_where_in
from shelfwise.store.identities import find_or_add_users, find_rows
from shelfwise.store.sealed_form import as_plain, attributes_place
from shelfwise.store.sealing import ALTERED_ONLY, REFUSED, altered, opened, sealer
from shelfwise.store.tables import users

NO_ATTRIBUTES = "{}"
"""As the table writes it."""


def upsert(connection: Connection, batch: Sequence[tuple[str, Mapping[str, str]]]) -> None:
    """Store users with their attributes, replacing those they had; the last of a repeated id wins.

    Who was erased is left out, before doing something new.
    """
    latest = dict(batch)
    erased = erasures.latest_of(connection, latest)
    if erased:
        back = find_rows(connection, users, users.c.user_id, erased)
        latest = {user_id: found for user_id, found in latest.items() if user_id in back or user_id not in erased}
    rows = find_or_add_users(connection, users, list(latest))
    changes = [
        {"at_row": rows[user_id], "attributes": written} for user_id, written in _written(connection, latest).items()
    ]
    if changes:
        connection.execute(update(users).where(users.c.row == bindparam("at_row")), changes)


def _written(connection: Connection, batch: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Attributes as the table has them, by id; sealed where the shop has a key, unless there are none."""
    seal = sealer(connection) if any(batch.values()) else as_plain
    return {
        user_id: seal(json.dumps(dict(found), ensure_ascii=False, sort_keys=True), attributes_place(user_id))
        if found
        else NO_ATTRIBUTES
        for user_id, found in batch.items()
    }


def told(connection: Connection, user_id: str, written: str) -> dict[str, str]:
    """A user's attributes, of what the table has.

    Raises:
        DataKeyError: they are sealed and cannot be opened, or what stands there is not what was written.
    """
    place = attributes_place(user_id)
    try:
        return json.loads(opened(connection, written, place))
    except ValueError as cause:  # altered where it says that it is sealed, it passes for a plain text
        raise altered(place) from cause


def told_unless(connection: Connection, user_id: str, written: str, without: Container[str]) -> dict[str, str] | None:
    """A user's attributes, of what the table has; None where they cannot be opened for a reason that is put up with.

    Args:
        connection: Reads.
        user_id: Whose.
        written: What the table has.
        without: Codes of such reasons, as `sealing` names them.

    Raises:
        DataKeyError: they cannot be opened for another one.
    """
    try:
        return told(connection, user_id, written)
    except DataKeyError as error:
        if error.code not in without:
            raise
        return None


def read_attributes(connection: Connection, without: Container[str] = REFUSED) -> dict[int, dict[str, str]]:
    """Attributes by user row, in the order of rows; those who have none are left out.

    Args:
        connection: Reads.
        without: Codes of reasons for which users whose attributes cannot be opened are left out too.

    Raises:
        DataKeyError: they cannot be opened for another one.
    """
    query = (
        select(users.c.row, users.c.user_id, users.c.attributes)
        .where(users.c.attributes != NO_ATTRIBUTES)
        .order_by(users.c.row)
    )
    found = connection.execute(query)
    each = ((int(row), told_unless(connection, user_id, written, without)) for row, user_id, written in found)
    return {row: attributes for row, attributes in each if attributes is not None}


def read_attributes_after(
    connection: Connection, row: int, n: int, without: Container[str] = REFUSED
) -> dict[int, dict[str, str]]:
    """Attributes of the next `n` users behind a row that have any, in the order of rows.

    Who goes through all users so holds few at a time, and no look at the store for long.

    Args:
        connection: Reads.
        row: The last that was read; -1 before the first.
        n: Users at most; fewer are the last ones.
        without: Codes of reasons for which users whose attributes cannot be opened are told as if they had none.

    Raises:
        DataKeyError: they cannot be opened for another one.
    """
    query = (
        select(users.c.row, users.c.user_id, users.c.attributes)
        .where(users.c.row > row, users.c.attributes != NO_ATTRIBUTES)
        .order_by(users.c.row)
        .limit(n)
    )
    return {
        int(found): told_unless(connection, user_id, written, without) or {}
        for found, user_id, written in connection.execute(query)
    }


def values_by_attribute(connection: Connection) -> dict[str, set[str]]:
    """The distinct values of every attribute that some user has."""
    found: dict[str, set[str]] = {}
    for attributes in read_attributes(connection).values():
        for name, value in attributes.items():
            found.setdefault(name, set()).add(value)
    return found


def counts_by_attribute(connection: Connection) -> dict[str, Counter[str]]:
    """How many users have each value of every attribute; what was altered since it was sealed is not counted."""
    found: dict[str, Counter[str]] = {}
    for attributes in read_attributes(connection, ALTERED_ONLY).values():
        for name, value in attributes.items():
            found.setdefault(name, Counter())[value] += 1
    return found


def count(connection: Connection) -> int:
    """Users stored, visitors included: one more than the highest row."""
    return int(connection.execute(select(func.count()).select_from(users)).scalar_one())


_attributes = select(users.c.attributes).where(users.c.user_id == bindparam("user"))


def attributes_of_one(connection: Connection, user_id: str) -> dict[str, str]:
    """A user's attributes; empty of whom the store has none.

    Cost:
        One read of the index of ids.
    """
    written = connection.execute(_attributes, {"user": user_id}).scalar()
    return told(connection, user_id, written) if written is not None and written != NO_ATTRIBUTES else {}


def attributes_of(
    connection: Connection, user_ids: Sequence[str], without: Container[str] = REFUSED
) -> dict[str, dict[str, str]]:
    """Attributes of these users by id; those who have none are left out.

    Args:
        connection: Reads.
        user_ids: Whose.
        without: Codes of reasons for which users whose attributes cannot be opened are left out too.

    Raises:
        DataKeyError: they cannot be opened for another one.
    """
    found = rows_where_in(connection, users.c.user_id, user_ids, (users.c.user_id, users.c.attributes))
    spoken = ((user_id, written) for user_id, written in found if written != NO_ATTRIBUTES)
    each = ((user_id, told_unless(connection, user_id, written, without)) for user_id, written in spoken)
    return {user_id: attributes for user_id, attributes in each if attributes is not None}
