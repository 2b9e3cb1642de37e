"""Keys of the API: what is kept of them, which is enough to know one again and not enough to use it."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from shelfwise.errors import UnknownError
from shelfwise.schemas.keys import KeyKind, KeyScope, KeyWanted
from shelfwise.store.tables import api_keys

PREFIX = "sw"
"""By which scanners of code find a key that was published by mistake."""

ID_BYTES, SECRET_BYTES = 6, 32


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key without its secret.

    Attributes:
        key_id: Names it; no secret.
        name: What people call it.
        kind: Who holds it.
        scopes: What it may do.
        origins: Of the pages that may use it.
        digest: Of the whole key.
        created_at: When it was made.
        expires_at: When it ends; None for never.
        revoked_at: When somebody ended it; None where nobody did.
    """

    key_id: str
    name: str
    kind: KeyKind
    scopes: frozenset[KeyScope]
    origins: frozenset[str]
    digest: bytes
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def as_document(self) -> dict[str, Any]:
        """As plain JSON, without the digest."""
        return {
            "key_id": self.key_id,
            "name": self.name,
            "kind": self.kind.value,
            "scopes": [scope.value for scope in KeyScope if scope in self.scopes],
            "origins": sorted(self.origins),
            "created_at": _written(self.created_at),
            "expires_at": _written(self.expires_at),
            "revoked_at": _written(self.revoked_at),
        }


def digest_of(key: bytes) -> bytes:
    """What is kept of a key: SHA-256.

    A slow hash protects secrets that people choose; of 256 random bits none can be guessed, and every request would
    pay for it.
    """
    return hashlib.sha256(key).digest()


def id_in(key: str) -> str | None:
    """The id that a key names; None of what cannot be a key of the store.

    Examples:
        >>> id_in("sw_0a1b2c3d4e5f_secret"), id_in("hunter2")
        ('0a1b2c3d4e5f', None)
    """
    parts = key.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == PREFIX else None


def create(connection: Connection, wanted: KeyWanted) -> tuple[StoredKey, str]:
    """Make a key inside a write transaction.

    Returns:
        What is kept, and the key itself, which nobody can read again.
    """
    key_id = secrets.token_hex(ID_BYTES)
    key = f"{PREFIX}_{key_id}_{secrets.token_urlsafe(SECRET_BYTES)}"
    connection.execute(
        insert(api_keys).values(
            key_id=key_id,
            name=wanted.name,
            kind=wanted.kind.value,
            scopes=json.dumps(sorted(scope.value for scope in set(wanted.scopes))),
            origins=json.dumps(wanted.origins),
            digest=digest_of(key.encode()),
            created_ms=_now_ms(),
            expires_ms=None if wanted.expires_at is None else int(wanted.expires_at.timestamp() * 1_000),
            change=newest_change(connection) + 1,
        )
    )
    return get(connection, key_id), key


def get(connection: Connection, key_id: str) -> StoredKey:
    """One key.

    Raises:
        UnknownError: there is none of that id.
    """
    row = connection.execute(select(api_keys).where(api_keys.c.key_id == key_id)).first()
    if row is None:
        raise UnknownError(f"there is no key {key_id!r}", hint="see `shelfwise keys list`", code="unknown_key")
    return _stored(row)


def revoke(connection: Connection, key_id: str) -> StoredKey:
    """End a key inside a write transaction; one that was ended before stays as it is.

    Raises:
        UnknownError: there is none of that id.
    """
    if get(connection, key_id).revoked_at is None:
        connection.execute(
            update(api_keys)
            .where(api_keys.c.key_id == key_id)
            .values(revoked_ms=_now_ms(), change=newest_change(connection) + 1)
        )
    return get(connection, key_id)


def read_all(connection: Connection) -> list[StoredKey]:
    """Every key that was ever made, oldest first."""
    query = select(api_keys).order_by(api_keys.c.created_ms, api_keys.c.key_id)
    return [_stored(row) for row in connection.execute(query)]


def newest_change(connection: Connection) -> int:
    """Grows by every key that is made or ended: who remembers keys looks here whether they are still right."""
    return int(connection.execute(select(func.max(api_keys.c.change))).scalar() or 0)


def _stored(row: Row[Any]) -> StoredKey:
    return StoredKey(
        row.key_id,
        row.name,
        KeyKind(row.kind),
        frozenset(KeyScope(scope) for scope in json.loads(row.scopes)),
        frozenset(json.loads(row.origins)),
        bytes(row.digest),
        _moment(row.created_ms),
        None if row.expires_ms is None else _moment(row.expires_ms),
        None if row.revoked_ms is None else _moment(row.revoked_ms),
    )


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1_000, UTC)


def _written(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1_000)
