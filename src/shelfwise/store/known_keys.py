"""Which keys a store's values were sealed under: ids only. The one that came last seals, in every process."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, or_, select

from shelfwise.store.sealed_form import is_under
from shelfwise.store.tables import data_keys, quarantine, users


def read_all(connection: Connection) -> list[str]:
    """Ids, the one that seals first; empty in a store where nothing is sealed."""
    return list(connection.execute(select(data_keys.c.key_id).order_by(data_keys.c.number.desc())).scalars())


def add(connection: Connection, key_id: str) -> None:
    """Let this one seal from now on; inside a write transaction."""
    highest = connection.execute(select(func.max(data_keys.c.number))).scalar()
    number = 0 if highest is None else highest + 1
    connection.execute(insert(data_keys).values(number=number, key_id=key_id, since_ms=int(time.time() * 1_000)))


def forget(connection: Connection, key_ids: Sequence[str]) -> None:
    """These seal nothing any more; inside a write transaction."""
    connection.execute(delete(data_keys).where(data_keys.c.key_id.in_(key_ids)))


def is_in_use(connection: Connection, key_id: str) -> bool:
    """Whether anything stands under a key.

    Cost:
        Looks through users and the quarantine until something is found.
    """
    looks = (
        select(users.c.row).where(is_under(users.c.attributes, key_id)),
        select(quarantine.c.line).where(
            or_(is_under(quarantine.c.raw, key_id), is_under(quarantine.c.message, key_id))
        ),
    )
    return any(connection.execute(look.limit(1)).first() is not None for look in looks)
