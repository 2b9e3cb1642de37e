"""The keys of the shop's API by verb: create, list, revoke. Running servers follow within a second."""

from __future__ import annotations

from shelfwise.schemas.keys import KeyWanted
from shelfwise.shop.author import actor
from shelfwise.store import api_keys, audit_log
from shelfwise.store.api_keys import StoredKey
from shelfwise.store.records import Records


class ShopKeys:
    """Who may call the shop's API.

    Args:
        records: The shop's.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    def create(self, wanted: KeyWanted) -> tuple[StoredKey, str]:
        """Make a key; from the first one on every request to the shop's servers needs one.

        Returns:
            What is kept, and the key itself, which nobody can read again.
        """
        with self._records.write() as connection:
            stored, key = api_keys.create(connection, wanted)
            found = stored.as_document()
            facts = {name: found[name] for name in ("name", "kind", "scopes", "origins", "expires_at")}
            audit_log.note(connection, actor(), "key.create", stored.key_id, **facts)
        return stored, key

    def list(self) -> list[StoredKey]:
        """Every key that was ever made, oldest first."""
        with self._records.read() as connection:
            return api_keys.read_all(connection)

    def revoke(self, key_id: str) -> StoredKey:
        """End a key.

        Raises:
            UnknownError: there is none of that id.
        """
        with self._records.write() as connection:
            revoked = api_keys.revoke(connection, key_id)
            audit_log.note(connection, actor(), "key.revoke", key_id)
        return revoked
