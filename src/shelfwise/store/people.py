"""Known users and their attributes; users whom only events name have none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, update

from shelfwise.store.identities import find_or_add_users
from shelfwise.store.tables import users


def upsert(connection: Connection, batch: Sequence[tuple[str, Mapping[str, str]]]) -> None:
    """Store users with their attributes, replacing those they had; the last of a repeated id wins."""
    latest = dict(batch)
    rows = find_or_add_users(connection, users, list(latest))
    changes = [
        {"at_row": rows[user_id], "attributes": json.dumps(dict(found), ensure_ascii=False, sort_keys=True)}
        for user_id, found in latest.items()
    ]
    if changes:
        connection.execute(update(users).where(users.c.row == bindparam("at_row")), changes)
