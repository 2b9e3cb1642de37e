"""Erase a person: the records, the vectors of what they said of themselves, and every trace in the shop's files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from shelfwise.config.shop import ShopConfig
from shelfwise.encode import profile_vectors
from shelfwise.encode.profile import profile, profile_hash, speaking_attributes
from shelfwise.encode.whitening import Whitening
from shelfwise.errors import UnknownError
from shelfwise.pipeline.clock import ShopClock, present_ms
from shelfwise.pipeline.model import PROFILES
from shelfwise.schemas.ids import FIRST_REAL_TIME_MS
from shelfwise.store import audit_log, erasures, event_log, people, personal, vectors
from shelfwise.store.erasures import Erasure
from shelfwise.store.personal import ErasedRows
from shelfwise.store.records import Records
from shelfwise.store.scrub import scrub
from shelfwise.store.versions import Version, Versions


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was erased; names nobody.

    Attributes:
        receipt: Names the erasure, in the audit log too.
        at: When.
        rows: How much there was in the records.
        n_vectors: Vectors of profiles that were overwritten, in the cache and in model versions.
        rebuilt: Whether the database file was rebuilt, so that no copy of what was deleted lies in its gaps.
        versions: Model versions that were trained with the person: they hold numbers without names, and go with their
            folders.
    """

    receipt: str
    at: datetime
    rows: ErasedRows
    n_vectors: int
    rebuilt: bool
    versions: list[str]

    def as_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "receipt": self.receipt,
            "at": self.at.isoformat(timespec="seconds"),
            "attributes": self.rows.attributes,
            "events": self.rows.events,
            "slates": self.rows.slates,
            "quarantined_lines": self.rows.quarantined,
            "profile_vectors": self.n_vectors,
            "store_rebuilt": self.rebuilt,
            "models_trained_before": self.versions,
        }


class Eraser:
    """Erases people of one shop.

    Args:
        records: The shop's.
        config: The shop's.
        folder: The shop's.
    """

    def __init__(self, records: Records, config: ShopConfig, folder: Path) -> None:
        self._records, self._config = records, config
        self._vectors_folder = folder / config.store.vectors
        self._versions = Versions(folder / config.store.models)

    def texts_of(self, user_id: str) -> list[str]:
        """A person's profile as every model version, the configuration and the next training would write it."""
        versions = self._versions.list()
        with self._records.read() as connection:
            own = people.attributes_of_one(connection, user_id)
            if not own:
                return []
            speaking = {speaking_attributes(people.read_attributes(connection).values())}
        speaking.add(tuple(self._config.encode.users.attributes))
        for version in versions:
            if (version.folder / PROFILES).is_dir():
                speaking.add(profile_vectors.read_attributes_of(version.folder / PROFILES))
        return sorted({profile(own, names) for names in speaking} - {""})

    def erase_rows(self, connection: Connection, user_id: str, actor: str) -> tuple[Erasure, ErasedRows]:
        """Delete what the records hold; inside a write transaction. From its commit on the person is unknown.

        Raises:
            UnknownError: the shop knows nobody of that id, and never erased them.
        """
        if (
            personal.row_of(connection, user_id) is None
            and not personal.slates_of(connection, user_id)
            and not erasures.latest_of(connection, [user_id])
        ):
            raise UnknownError("there is no such user", code="unknown_user")
        erasure = erasures.add(connection, user_id, _present_of_shop(connection))
        rows = personal.erase(connection, user_id, erasure.receipt)
        audit_log.note(connection, actor, "user.erase", erasure.receipt, events=rows.events, slates=rows.slates)
        return erasure, rows

    def clean_up(self, texts: list[str], erasure: Erasure, rows: ErasedRows, up_to_bytes: int | None = None) -> Receipt:
        """Overwrite what files still hold.

        Args:
            texts: The person's profile, from before.
            erasure: As it was written down.
            rows: What was deleted.
            up_to_bytes: A larger database file is not rebuilt.

        Raises:
            ServiceError: other processes read or wrote for too long; asking again goes on here.
        """
        versions = self._versions.list()
        n_vectors = sum(
            profile_vectors.forget(version.folder / PROFILES, text)
            for version in versions
            if (version.folder / PROFILES).is_dir()
            for text in texts
        )
        if texts:
            hashes = [profile_hash(text) for text in texts]
            n_vectors += vectors.forget(self._records, self._vectors_folder, hashes, _dims(versions))
        rebuilt = scrub(self._records.engine, up_to_bytes=up_to_bytes)
        at = datetime.fromtimestamp(erasure.at_ms / 1_000, UTC)
        return Receipt(erasure.receipt, at, rows, n_vectors, rebuilt, [version.name for version in versions])

    def erase(self, user_id: str, actor: str) -> Receipt:
        """All of it.

        Raises:
            UnknownError: the shop knows nobody of that id, and never erased them.
            ServiceError: the store is held by other processes.
        """
        texts = self.texts_of(user_id)
        with self._records.write() as connection:
            erasure, rows = self.erase_rows(connection, user_id, actor)
        return self.clean_up(texts, erasure, rows)


def _dims(versions: list[Version]) -> dict[str, int]:
    """Length of an encoder's vectors, by its key."""
    return {
        str(version.manifest["encoder"]): len(Whitening.load(version.folder / "encoder").mean)
        for version in versions
        if version.manifest.get("encoder") and (version.folder / "encoder").is_dir()
    }


def _present_of_shop(connection: Connection) -> int:
    newest_ms = event_log.newest_ms(connection)
    if newest_ms == 0:
        return present_ms()
    if newest_ms < FIRST_REAL_TIME_MS:  # times only order events
        return newest_ms
    return ShopClock(newest_ms + 1, has_clock=True).now_ms()
