"""People who are erased while a model learns from a look at the store that still held them.

A training of hours is not thrown away for it. What is of them alone is overwritten before anybody is served; what they
were counted into with everybody goes with the next training, as in any version that was there before the erasure. The
manifest and the audit log say so, under the erasure's receipt.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shelfwise.encode.profile import profile_hash
from shelfwise.pipeline.forgetting import dims_of, forget_cached_vectors, forget_in_version
from shelfwise.store import audit_log, personal
from shelfwise.store.marks import marks
from shelfwise.store.personal import ERASED
from shelfwise.store.records import Records
from shelfwise.store.unfinished_erasures import Unfinished
from shelfwise.store.versions import Version, Versions
from shelfwise.train.data import Loaded

ACTOR = "training"
ERASED_MEANWHILE = "erased_meanwhile"
"""Where a manifest names the receipts."""


class ErasedMeanwhile:
    """Keeps whom the store has forgotten out of a version that is published now.

    Attributes:
        loaded: What the version learned from.
        records: The shop's.
    """

    def __init__(self, records: Records, vectors_folder: Path, versions: Versions, loaded: Loaded) -> None:
        self.loaded = loaded
        self.records, self._vectors_folder, self._versions = records, vectors_folder, versions

    def forget(self, folder: Path, manifest: dict[str, Any]) -> None:
        """The last look before a version is published: take them out of its files, and name the receipts."""
        people = self._people()
        if people:
            self._overwrite(folder, people)
            manifest[ERASED_MEANWHILE] = [one.receipt for one in people]

    def settle(self, version: Version) -> None:
        """The first look after it: who was erased between the two, or since, is taken out of the version too."""
        people = self._people()
        if people:
            self._overwrite(version.folder, people)
            with self.records.write() as connection:
                for one in people:
                    audit_log.note(connection, ACTOR, "user.erase-from-model", one.receipt, version=version.name)

    def _people(self) -> list[Unfinished]:
        with self.records.read() as connection:
            if marks(connection).erasures == self.loaded.marks.erasures:
                return []
            erased = personal.erased_rows(connection)
        known = self.loaded.user_ids
        return [
            Unfinished(receipt, row, self._profile_of(row))
            for row, receipt in sorted(erased.items())
            if row < len(known) and not known[row].startswith(ERASED)
        ]

    def _profile_of(self, row: int) -> tuple[bytes, ...]:
        profiles = self.loaded.profiles
        place = -1 if profiles is None or row >= len(profiles.place_by_user) else int(profiles.place_by_user[row])
        return () if profiles is None or place < 0 else (profile_hash(profiles.texts[place]),)

    def _overwrite(self, folder: Path, people: list[Unfinished]) -> None:
        forget_in_version(folder, people)
        ready = self.loaded.encoder
        dims = dims_of(self._versions.list()) | ({} if ready is None else {ready.key: ready.encoder.dim})
        forget_cached_vectors(self.records, self._vectors_folder, people, dims)
