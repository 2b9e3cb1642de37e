"""Which keys a store's values were sealed under: ids only. The one that came last seals, in every process.

A key that nothing stands under any more is retired, and not forgotten: a process that was started with it would take it
for the newest one and bring it back, while people throw it away.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from shelfwise.store.sealed_form import is_under
from shelfwise.store.tables import data_keys, quarantine, users


def read_all(connection: Connection) -> list[str]:
    """Ids of those that are not retired, the one that seals first; empty in a store where nothing is sealed."""
    query = select(data_keys.c.key_id).where(data_keys.c.retired_ms.is_(None)).order_by(data_keys.c.number.desc())
    return list(connection.execute(query).scalars())


def seen(connection: Connection) -> set[str]:
    """Ids of all that the store was ever sealed under, the retired ones too."""
    return set(connection.execute(select(data_keys.c.key_id)).scalars())


def add(connection: Connection, key_id: str) -> None:
    """Let this one, which the store has not seen yet, seal from now on; inside a write transaction."""
    highest = connection.execute(select(func.max(data_keys.c.number))).scalar()
    number = 0 if highest is None else highest + 1
    connection.execute(insert(data_keys).values(number=number, key_id=key_id, since_ms=_now_ms()))


def retire(connection: Connection, key_ids: Sequence[str]) -> None:
    """These seal nothing any more, whoever still has them; inside a write transaction."""
    retired = update(data_keys).where(data_keys.c.key_id.in_(key_ids), data_keys.c.retired_ms.is_(None))
    connection.execute(retired.values(retired_ms=_now_ms()))


def forget(connection: Connection, but: Sequence[str] = ()) -> None:
    """All but these were never seen here, since nothing is to be sealed any more; inside a write transaction."""
    connection.execute(delete(data_keys).where(data_keys.c.key_id.not_in(but)))


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


def _now_ms() -> int:
    return int(time.time() * 1_000)
