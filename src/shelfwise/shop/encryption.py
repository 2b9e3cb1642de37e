"""The keys that seal what users say of themselves by verb: make one, seal everything under it, look, let go."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shelfwise.config.shop import ShopConfig
from shelfwise.errors import ServiceError, StateError, UnknownError
from shelfwise.shop.author import actor
from shelfwise.store import audit_log, known_keys, sealed_values, sealing
from shelfwise.store.data_keys import FILE_KEY, VARIABLE, DataKey, put_first
from shelfwise.store.records import Records
from shelfwise.store.scrub import Purpose, scrub
from shelfwise.store.sealed_values import IN_PLAIN, KINDS, Altered

BREATH_S = 0.01
"""Pause after each transaction, so that whoever waits to write gets a turn."""

Progress = Callable[[str, int | None, int | None], None]
"""Called with what is being done, how far it is, and how far it goes."""


def _silent(_what: str, _done: int | None, _total: int | None) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Made:
    """A new key.

    Attributes:
        key_id: Names it.
        file: It was put first there; None: into no file.
        key: As it is given; None where it was put into a file.
        is_read: Whether the shop takes its keys from there, so that this one seals next.
    """

    key_id: str
    file: Path | None
    key: str | None
    is_read: bool

    def as_document(self) -> dict[str, Any]:
        """As plain JSON."""
        file = None if self.file is None else str(self.file)
        return {"key_id": self.key_id, "file": file, "key": self.key, "read_by_shop": self.is_read}


@dataclass(frozen=True, slots=True)
class EncryptionStatus:
    """How what users say of themselves is kept.

    Attributes:
        sealing: Id of the key that seals; None: it is kept in plain.
        at_hand: Ids of the keys that are given, in their order.
        values: Rows by the id of their key, be it one that never was: such values were altered.
        plain: Rows in plain.
        missing: Rows by the ids of keys that are not at hand.
        altered: Rows that were changed or moved since they were sealed; None where it was not looked for.
        warnings: What should be otherwise with the file of keys.
    """

    sealing: str | None
    at_hand: list[str]
    values: dict[str, int]
    plain: int
    missing: dict[str, int]
    altered: Altered | None = None
    warnings: list[str] = field(default_factory=list[str])

    @property
    def to_seal(self) -> int:
        """Rows that do not stand under the key that seals; 0 in a shop without one."""
        if self.sealing is None:
            return 0
        return self.plain + sum(n for key_id, n in self.values.items() if key_id != self.sealing)

    def as_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "sealing": self.sealing,
            "at_hand": self.at_hand,
            "values": self.values,
            "plain": self.plain,
            "missing": self.missing,
            "to_seal": self.to_seal,
            "altered": None if self.altered is None else {"n": self.altered.n, "rows": self.altered.rows},
            "warnings": self.warnings,
        }


@dataclass(frozen=True, slots=True)
class Brought:
    """What was brought under a key, or into plain.

    Attributes:
        key_id: Under this one; None: in plain.
        n: Rows.
        altered: Rows that cannot be opened; they stay as they are.
        unused: Ids of keys at hand that nothing stands under any more.
        rebuilt: Whether the store was rebuilt, so that nothing of what stood there before lies in its gaps.
    """

    key_id: str | None
    n: int
    altered: Altered
    unused: list[str]
    rebuilt: bool

    def as_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "key_id": self.key_id,
            "rows": self.n,
            "altered": {"n": self.altered.n, "rows": self.altered.rows},
            "unused": self.unused,
            "store_rebuilt": self.rebuilt,
        }


class ShopEncryption:
    """Sees to what users say of themselves: sealed or not, and under which key.

    Args:
        folder: The shop's.
        config: The shop's.
        records: The shop's, opened with its keys.
    """

    def __init__(self, folder: Path, config: ShopConfig, records: Records) -> None:
        self._folder, self._records = folder, records
        spec = config.store
        self._file = None if spec.data_key_file is None else folder / spec.data_key_file

    def new_key(self, file: Path | None = None) -> Made:
        """Make a key; nothing is sealed yet.

        Args:
            file: Put it first there; omitted: into the file that `shop.toml` names, where it names one.

        Raises:
            StateError: keys are taken from the environment, and it would go into the file of `shop.toml`.
            ServiceError: the file cannot be written.
        """
        key, path, is_from_environment = DataKey.make(), file or self._file, bool(os.environ.get(VARIABLE, "").strip())
        if path is None:
            return Made(key.key_id, None, key.written, is_read=False)
        if file is None and is_from_environment:
            raise StateError(
                f"the shop takes its keys from {VARIABLE} in the environment: one in its file would not seal",
                where=str(path),
                hint=(
                    f"put the keys of {VARIABLE} into that file and unset it; or name another file, by `--file`, and "
                    f"put the key that stands there first into {VARIABLE}"
                ),
                code="keys_in_environment",
            )
        try:
            put_first(path, key, f"{key.key_id}, made {datetime.now(UTC):%Y-%m-%d}")
        except OSError as cause:
            raise ServiceError(
                f"the file of data keys cannot be written ({cause.strerror or cause})",
                where=str(path),
                hint="see to the folder's rights and to room on the disk",
                code="not_written",
            ) from cause
        own = None if self._file is None or is_from_environment else self._file.resolve()
        return Made(key.key_id, path, None, is_read=path.resolve() == own)

    def status(self, *, check: bool = False) -> EncryptionStatus:
        """Look.

        Args:
            check: Whether everything that is sealed is opened, too.

        Raises:
            DataKeyError: it is to be checked, and a key is not at hand.

        Cost:
            Looks through users and the quarantine.
        """
        with self._records.read() as connection:
            keys, known = sealing.keys_of(connection), known_keys.read_all(connection)
            seen = known_keys.seen(connection)
            found = sealed_values.counts(connection)
            plain = found.pop(IN_PLAIN, 0)
            absent = {key_id: n for key_id, n in found.items() if keys.find(key_id) is None and key_id in seen}
            altered = sealed_values.check(connection) if check else None
        at_hand = keys.ids()
        newest = next((key_id for key_id in known if key_id in at_hand or key_id in absent), None)
        seals = sealing.next_to_seal(at_hand, newest, seen)
        return EncryptionStatus(seals, at_hand, dict(found), plain, absent, altered, self._warnings())

    def require_keys(self) -> None:
        """See to it that everything can be opened, before a server says that it is there.

        Raises:
            DataKeyError: keys are not at hand.
        """
        with self._records.read() as connection:
            sealed_values.require_keys(connection)

    def seal(self, progress: Progress = _silent, *, rebuild: bool = True) -> Brought:
        """Bring everything under the newest key, while servers run; asked again, it goes on where it was interrupted.

        Args:
            progress: Told how far it is.
            rebuild: Whether the store is rebuilt afterwards, so that no plain text and nothing under an older key lies
                on in its gaps.

        Raises:
            StateError: there is no key.
            DataKeyError: an older key is not at hand; what stood under others is sealed by then.
            ServiceError: the store is sealed, and others hold it up for too long to rebuild it.
        """
        with self._records.write() as connection:
            sealed_values.require_keys(connection)
            if sealing.sealing_key(connection) is None:
                raise StateError(
                    "there is no data key",
                    where=f"{VARIABLE} in the environment, or {FILE_KEY}",
                    hint="make one with `shelfwise encryption new-key`",
                    code="no_data_key",
                )
        return self._brought(lambda connection: sealing.sealing_key(connection), "encryption.seal", progress, rebuild)

    def unseal(self, progress: Progress = _silent, *, rebuild: bool = True) -> Brought:
        """Bring everything into plain, for an earlier release; stop all servers first, they would seal on.

        Raises:
            DataKeyError: a key is not at hand.
            ServiceError: others hold the store up for too long to rebuild it.
        """
        self.require_keys()
        return self._brought(lambda _: None, "encryption.unseal", progress, rebuild)

    def drop(self, key_id: str) -> int:
        """Empty what stands under a key that is lost for good; how many rows that were.

        Raises:
            UnknownError: nothing in the store stands under it.
            StateError: the key is at hand.
        """
        with self._records.write() as connection:
            if sealing.keys_of(connection).find(key_id) is not None:
                raise StateError(
                    f"the data key {key_id} is at hand: what stands under it can be read",
                    hint="`shelfwise encryption seal` brings it under the newest key",
                    code="data_key_at_hand",
                )
            known = known_keys.read_all(connection)
            if key_id not in {*known, *sealed_values.counts(connection)} - {IN_PLAIN}:
                raise UnknownError(
                    f"nothing is sealed under a data key {key_id!r}; known: {', '.join(known) or 'none'}",
                    code="unknown_data_key",
                )
            n = sealed_values.drop(connection, key_id)
            audit_log.note(connection, actor(), "encryption.drop", key_id, rows=n)
        return n

    def drop_altered(self) -> int:
        """Empty what was changed or moved since it was sealed, and nobody can open; how many rows that were.

        Raises:
            DataKeyError: a key is not at hand: what stands under it cannot be told from what was altered.

        Cost:
            Opens everything that is sealed.
        """
        with self._records.read() as connection:
            rows = sealed_values.altered_rows(connection)
        with self._records.write() as connection:
            n = sealed_values.drop_altered(connection, rows)
            audit_log.note(connection, actor(), "encryption.drop", "altered", rows=n)
        return n

    def _brought(
        self, key_of: Callable[[Any], DataKey | None], action: audit_log.Action, progress: Progress, rebuild: bool
    ) -> Brought:
        altered, n = Altered(), 0
        with self._records.write() as connection:
            key = key_of(connection)
            found = sealed_values.counts(connection)
        total = sum(found.values()) - found[IN_PLAIN if key is None else key.key_id]
        for kind in KINDS:
            after: tuple[int, ...] | None = None
            while True:
                with self._records.write() as connection:
                    key = key_of(connection)
                    after, done = sealed_values.step(connection, kind, key, after, altered)
                n += done
                progress("sealing" if key is not None else "opening", n, total)
                if after is None:
                    break
                time.sleep(BREATH_S)
        key_id = None if key is None else key.key_id
        with self._records.write() as connection:
            unused = self._let_go(connection, key_id)
            audit_log.note(connection, actor(), action, key_id or "", rows=n, altered=altered.n)
        if rebuild:
            progress("rebuilding the store", None, None)
            # Another word for the same: what was deleted is to lie nowhere.
            again = Purpose("everything is brought under the key", "run `shelfwise encryption seal` again")
            if key is None:
                again = Purpose("everything is opened", "run `shelfwise encryption unseal` again")
            scrub(self._records.engine, purpose=again)
        return Brought(key_id, n, altered, unused, rebuild)

    def _let_go(self, connection: Any, key_id: str | None) -> list[str]:
        """Retire keys that nothing stands under, or forget them for an earlier release; those that are at hand."""
        found = sealed_values.counts(connection)
        if key_id is None:
            known_keys.forget(connection, but=list(found))
        known = known_keys.read_all(connection)
        known_keys.retire(connection, [one for one in known if one != key_id and not found[one]])
        return [one for one in sealing.keys_of(connection).ids() if one != key_id and not found[one]]

    def _warnings(self) -> list[str]:
        path = self._file
        if path is None or not path.is_file() or os.environ.get(VARIABLE, "").strip():
            return []
        found: list[str] = []
        if path.stat().st_mode & 0o077:
            found.append(f"others on this machine may read {path}: chmod 600")
        if path.resolve().is_relative_to(self._folder.resolve()):
            found.append(f"{path} lies in the shop's folder: who copies the folder copies the key")
        return found
