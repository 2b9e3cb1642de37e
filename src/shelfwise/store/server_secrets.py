"""Random secrets that all processes of a shop share: made when first asked for, kept in the records store."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, insert, select

from shelfwise.store.tables import server_secrets

N_BYTES = 32

VISITOR_TOKENS = "visitor-tokens"
"""Signs the tokens by which visitors prove who they are."""

STOREFRONT = "storefront"
"""The key of the pages that the server shows itself is derived from it."""

SESSIONS = "sessions"
"""Signs the sessions of people who signed in to the console."""

CACHED_HISTORIES = "cached-histories"
"""Hashes the ids under which histories are kept in Redis."""

INDEXED_STORE = "indexed-store"
"""Tells the store of one index from another's: hashed, it is part of the index's name."""

ERASED_IDS = "erased-ids"
"""Hashes the ids of people who were erased, so that they are known again and cannot be read."""


def find(connection: Connection, name: str) -> bytes | None:
    """A secret; None where it was not made yet."""
    value = connection.execute(select(server_secrets.c.value).where(server_secrets.c.name == name)).scalar()
    return None if value is None else bytes(value)


def find_or_make(connection: Connection, name: str) -> bytes:
    """A secret, made now where it is not there; inside a write transaction."""
    value = find(connection, name)
    if value is None:
        value = secrets.token_bytes(N_BYTES)
        connection.execute(insert(server_secrets).values(name=name, value=value))
    return value
