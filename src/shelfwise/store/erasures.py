"""Who was erased, as hashes with a secret: enough to know somebody again who comes out of an old file, and no more.

What happened before an erasure stays out, wherever it comes from: another copy of the log, a users file that is read
again, a process that was still writing. What somebody does afterwards is stored as anybody's.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select

from shelfwise.schemas.ids import VISITOR_PREFIX
from shelfwise.store import server_secrets
from shelfwise.store.bulk import LOOKUP_CHUNK
from shelfwise.store.tables import erasures


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure.

    Attributes:
        receipt: Names it.
        at_ms: When.
        until_ms: The same by the shop's clock: events up to here stay out.
    """

    receipt: str
    at_ms: int
    until_ms: int


def pseudonym(connection: Connection, user_id: str) -> bytes:
    """A name for somebody that nobody can read; inside a write transaction."""
    return _hashed(server_secrets.find_or_make(connection, server_secrets.ERASED_IDS), user_id)


def add(connection: Connection, user_id: str, until_ms: int) -> Erasure:
    """Write down that somebody is erased; inside a write transaction.

    Args:
        connection: Writes.
        user_id: Who; not kept.
        until_ms: The shop's present.
    """
    made = Erasure(secrets.token_hex(16), int(datetime.now(UTC).timestamp() * 1_000), until_ms)
    connection.execute(
        insert(erasures).values(
            receipt=made.receipt,
            id_hash=pseudonym(connection, user_id),
            at_ms=made.at_ms,
            until_ms=made.until_ms,
            of_account=not user_id.startswith(VISITOR_PREFIX),
        )
    )
    return made


def latest_of(connection: Connection, user_ids: Iterable[str]) -> dict[str, Erasure]:
    """The latest erasure of those who were erased; nobody else is in the answer.

    Cost:
        One look at an empty table in a shop that never erased anybody.
    """
    secret = server_secrets.find(connection, server_secrets.ERASED_IDS)
    if secret is None or connection.execute(select(erasures.c.receipt).limit(1)).first() is None:
        return {}
    return latest_under(connection, secret, user_ids)


def latest_under(connection: Connection, secret: bytes | None, user_ids: Iterable[str]) -> dict[str, Erasure]:
    """As `latest_of`, with the secret at hand; None stands for that of a shop that never erased anybody."""
    if secret is None:
        return {}
    id_by_hash = {_hashed(secret, user_id): user_id for user_id in set(user_ids)}
    hashes = list(id_by_hash)
    found: dict[str, Erasure] = {}
    for start in range(0, len(hashes), LOOKUP_CHUNK):
        query = (
            select(erasures)
            .where(erasures.c.id_hash.in_(hashes[start : start + LOOKUP_CHUNK]))
            .order_by(erasures.c.at_ms, erasures.c.until_ms)
        )
        for row in connection.execute(query):
            found[id_by_hash[bytes(row.id_hash)]] = Erasure(row.receipt, row.at_ms, row.until_ms)
    return found


def _hashed(secret: bytes, user_id: str) -> bytes:
    return hmac.digest(secret, user_id.encode(), hashlib.sha256)
