"""Erase a person: the records, the vectors of what they said of themselves, and every trace in the shop's files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from shelfwise.config.shop import ShopConfig
from shelfwise.encode import profile_vectors
from shelfwise.encode.profile import profile, profile_hash
from shelfwise.errors import UnknownError
from shelfwise.pipeline.clock import ShopClock, present_ms
from shelfwise.pipeline.forgetting import (
    dims_of,
    forget_cached_vectors,
    forget_in_version,
    forget_unsaid,
    speaking_of_all,
)
from shelfwise.pipeline.model import PROFILES
from shelfwise.schemas.ids import FIRST_REAL_TIME_MS, VISITOR_PREFIX
from shelfwise.store import audit_log, erasures, event_log, people, personal, unfinished_erasures
from shelfwise.store.erasures import Erasure
from shelfwise.store.history_cache import HistoryCache
from shelfwise.store.personal import ErasedRows
from shelfwise.store.records import Records
from shelfwise.store.scrub import scrub
from shelfwise.store.sealing import ALTERED_ONLY
from shelfwise.store.unfinished_erasures import Unfinished
from shelfwise.store.versions import Version, Versions


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was erased; names nobody.

    Attributes:
        receipt: Names the erasure, in the audit log too.
        at: When.
        rows: How much there was in the records.
        n_vectors: Vectors of profiles that were overwritten, in the cache and in model versions; those that nobody
            says any more are among them, of all who were erased together.
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


@dataclass(frozen=True, slots=True)
class Erased:
    """Somebody whose records are gone, and whom files may still hold.

    Attributes:
        user_id: Who; in memory only.
        erasure: As it was written down.
        rows: How much there was in the records.
        todo: What is looked for in files; noted in the records until it is done.
    """

    user_id: str
    erasure: Erasure
    rows: ErasedRows
    todo: Unfinished


class Eraser:
    """Erases people of one shop: first from the records, in one transaction, then from the files.

    Whatever interrupts the second part, it is noted with the first what is left to do; `finish` goes on there.

    Args:
        records: The shop's.
        config: The shop's.
        folder: The shop's.
    """

    def __init__(self, records: Records, config: ShopConfig, folder: Path) -> None:
        self._records, self._config = records, config
        self._vectors_folder = folder / config.store.vectors
        self._versions = Versions(folder / config.store.models)

    def forms_of_profiles(self) -> list[tuple[str, ...]]:
        """The choices of attributes by which profiles are, were or will be written; a browser has none.

        Raises:
            DataKeyError: attributes are sealed under a key that is not at hand.

        Cost:
            Reads every user's attributes, some at a time.
        """
        versions = self._versions.list()
        forms = {speaking_of_all(self._records), tuple(self._config.encode.users.attributes)}
        for version in versions:
            if (version.folder / PROFILES).is_dir():
                forms.add(profile_vectors.read_attributes_of(version.folder / PROFILES))
        return sorted(forms)

    def erase_rows(
        self,
        connection: Connection,
        user_id: str,
        actor: str,
        forms: Sequence[tuple[str, ...]],
        *,
        again: bool = True,
    ) -> Erased:
        """Delete what the records hold; inside a write transaction. From its commit on the person is unknown.

        Args:
            connection: Writes.
            user_id: Who.
            actor: Who wants it, for the audit log.
            forms: From `forms_of_profiles`.
            again: Whether somebody of whom there is nothing any more may be erased once more, for another receipt.

        Raises:
            UnknownError: the shop knows nobody of that id, and never erased them, or is not to do it again.
        """
        row = personal.row_of(connection, user_id)
        if (
            row is None
            and not personal.slates_of(connection, user_id)
            and not (again and erasures.latest_of(connection, [user_id]))
        ):
            raise UnknownError("there is no such user", code="unknown_user")
        own = people.attributes_of(connection, [user_id], ALTERED_ONLY).get(user_id, {})
        texts = sorted({profile(own, names) for names in forms} - {""})
        erasure = erasures.add(connection, user_id, _present_of_shop(connection))
        hashes = tuple(profile_hash(text) for text in texts)
        todo = Unfinished(erasure.receipt, row, hashes, not user_id.startswith(VISITOR_PREFIX))
        unfinished_erasures.note(connection, todo)
        rows = personal.erase(connection, user_id, erasure.receipt)
        audit_log.note(connection, actor, "user.erase", erasure.receipt, events=rows.events, slates=rows.slates)
        return Erased(user_id, erasure, rows, todo)

    def clean_up(self, people: Sequence[Erased], up_to_bytes: int | None = None) -> list[Receipt]:
        """Overwrite what files still hold of people, and of others too whose erasure was interrupted.

        What it takes to go through all users, and to rebuild the store, is taken once for all of them. Where all are
        browsers, nobody goes through all users, and interrupted erasures of accounts go on waiting for somebody who
        does.

        Args:
            people: By `erase_rows`, committed.
            up_to_bytes: A larger database file is not rebuilt.

        Returns:
            Theirs, in their order.

        Raises:
            ServiceError: other processes read or wrote for too long; asking again goes on here.
        """
        for one in people:
            self._forget_cached(one.user_id)
        versions = self._versions.list()
        own = {one.todo.receipt for one in people}
        is_of_account = any(one.todo.of_account for one in people)
        with self._records.read() as connection:
            others = [
                one
                for one in unfinished_erasures.read_all(connection)
                if one.receipt not in own and (is_of_account or not one.of_account)
            ]
        n_vectors = [self._overwritten(versions, [one.todo]) for one in people]
        self._overwritten(versions, others)
        n_unsaid = self._unsaid(versions) if is_of_account else 0
        rebuilt = self._scrubbed([one.todo for one in people], others, up_to_bytes)
        names = [version.name for version in versions]
        return [
            Receipt(
                one.erasure.receipt,
                datetime.fromtimestamp(one.erasure.at_ms / 1_000, UTC),
                one.rows,
                n_own + (n_unsaid if one.todo.of_account else 0),
                rebuilt,
                names,
            )
            for one, n_own in zip(people, n_vectors, strict=True)
        ]

    def finish(self, up_to_bytes: int | None = None, *, older_than_s: float = 0.0) -> int:
        """Go on with erasures whose records are gone and whose files were not seen to; how many there were.

        Args:
            up_to_bytes: A larger database file is not rebuilt.
            older_than_s: Younger ones are left to whoever may be at them: two at once are no harm, but wait for each
                other. 0: none is too young.

        Raises:
            ServiceError: as `clean_up`.

        Cost:
            One look at an empty table where nothing was interrupted.
        """
        before_ms = present_ms() - int(older_than_s * 1_000) if older_than_s else None
        with self._records.read() as connection:
            found = unfinished_erasures.read_all(connection, before_ms)
        if found:
            versions = self._versions.list()
            self._overwritten(versions, found)
            if any(one.of_account for one in found):
                self._unsaid(versions)
            self._scrubbed(found, [], up_to_bytes)
        return len(found)

    def erase(self, user_id: str, actor: str) -> Receipt:
        """All of it.

        Raises:
            UnknownError: the shop knows nobody of that id, and never erased them.
            ServiceError: the store is held by other processes.
        """
        forms = [] if user_id.startswith(VISITOR_PREFIX) else self.forms_of_profiles()
        with self._records.write() as connection:
            erased = self.erase_rows(connection, user_id, actor, forms)
        [receipt] = self.clean_up([erased])
        return receipt

    def _forget_cached(self, user_id: str) -> None:
        """Out of Redis too. Where that is away its entry is never read again, being of before an erasure, and goes."""
        spec = self._config.store
        if spec.cache is not None:
            cache = HistoryCache.open(spec.cache, self._records, spec.cached_s)
            cache.forget(user_id)
            cache.close()

    def _overwritten(self, versions: list[Version], people: list[Unfinished]) -> int:
        if not people:
            return 0
        n_vectors = sum(forget_in_version(version.folder, people) for version in versions)
        return n_vectors + forget_cached_vectors(self._records, self._vectors_folder, people, dims_of(versions))

    def _unsaid(self, versions: list[Version]) -> int:
        """What people said earlier: after the commit of whoever said it, nobody says it any more."""
        return forget_unsaid(self._records, self._vectors_folder, versions, self._config.encode.users.attributes)

    def _scrubbed(self, own: list[Unfinished], others: list[Unfinished], up_to_bytes: int | None) -> bool:
        """Rebuild the database; others are done by that only if it was: they may have been promised it at any size."""
        rebuilt = scrub(self._records.engine, up_to_bytes=up_to_bytes)
        finished = [*own, *others] if rebuilt else own
        with self._records.write() as connection:
            unfinished_erasures.done(connection, [one.receipt for one in finished])
        return rebuilt


def _present_of_shop(connection: Connection) -> int:
    newest_ms = event_log.newest_ms(connection)
    if newest_ms == 0:
        return present_ms()
    if newest_ms < FIRST_REAL_TIME_MS:  # times only order events
        return newest_ms
    return ShopClock(newest_ms + 1, has_clock=True).now_ms()
