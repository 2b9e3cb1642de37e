"""The keys that seal what users say of themselves: where they come from, and how one seals and opens a text.

They are the shop's, in a variable of the environment or a file, and never in the store. The first one seals; all of
them open. A key's id is a hash of it, so that a wrong key is known by its id and not by what it makes of a text.
"""

from __future__ import annotations

import binascii
import fcntl
import hashlib
import os
import secrets
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from shelfwise.errors import ConfigError

if TYPE_CHECKING:  # a shop without keys does not load it
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VARIABLE = "SHELFWISE_DATA_KEY"
FILE_KEY = "store.data_key_file"
"""Path of the configuration's key, for messages."""

PREFIX = "swdk_"
"""Begins every key, so that who looks for secrets in the wrong places finds it."""

KEY_BYTES, NONCE_BYTES, ID_CHARS = 32, 12, 8

REREAD_AFTER_S = 1.0
"""How often a file is read again for a key that is not at hand."""

_EXPECTED = f"{PREFIX} and 43 letters, as `shelfwise encryption new-key` makes it"


class AlteredError(ValueError):
    """A sealed text is not what was sealed here: it was changed, or sealed for another place."""


@dataclass(frozen=True)
class DataKey:
    """One key of AES-256-GCM.

    Attributes:
        secret: 32 bytes; never shown.
    """

    secret: bytes = field(repr=False)

    @classmethod
    def make(cls) -> Self:
        """A new one."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def read(cls, written: str, where: str) -> Self:
        """A key as `written` says it.

        Raises:
            ConfigError: it is none; what was written is not quoted.
        """
        try:
            secret = urlsafe_b64decode(written.removeprefix(PREFIX) + "=")
        except (binascii.Error, ValueError):
            secret = b""
        made = cls(secret)
        # Base64 has several spellings of the same bytes: one that was cut or mistyped must not pass for a key.
        if len(secret) != KEY_BYTES or made.written != written:
            raise ConfigError("this is no data key", expected=_EXPECTED, where=where, code="bad_data_key")
        return made

    @cached_property
    def key_id(self) -> str:
        """8 hexadecimal digits that name the key and tell nothing of it."""
        return hashlib.sha256(b"shelfwise data key\x1f" + self.secret).hexdigest()[:ID_CHARS]

    @property
    def written(self) -> str:
        """As people keep it."""
        return PREFIX + urlsafe_b64encode(self.secret).rstrip(b"=").decode()

    def seal(self, text: str, place: str) -> str:
        """Seal a text for one place: opened anywhere else it is refused.

        Cost:
            Some 4 microseconds.
        """
        nonce = os.urandom(NONCE_BYTES)
        found = nonce + self._cipher.encrypt(nonce, text.encode(), _bound(place))
        return binascii.b2a_base64(found, newline=False).decode()

    def open(self, sealed: str, place: str) -> str:
        """The text that `seal` was given.

        Raises:
            AlteredError: it was changed, sealed for another place, or under another key.

        Cost:
            Some 2 microseconds.
        """
        cipher, bound = self._cipher, _bound(place)
        try:
            found = binascii.a2b_base64(sealed)
            return cipher.decrypt(found[:NONCE_BYTES], found[NONCE_BYTES:], bound).decode()
        except Exception as cause:  # InvalidTag, or no base64: to import the former here takes longer than all the rest
            raise AlteredError from cause

    @cached_property
    def _cipher(self) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self.secret)


def _bound(place: str) -> bytes:
    # PostgreSQL keeps U+FFFD where an id has NUL: it is the same place.
    return (place.replace("\0", "\ufffd") if "\0" in place else place).encode("utf-8", "surrogatepass")


class DataKeys:
    """The keys at hand; a file is read again where a key is asked for that is not.

    Args:
        keys: The first seals.
        again: Reads them anew.
        absent: What is wrong where keys should be and are not; told when one is needed.
    """

    def __init__(
        self,
        keys: Sequence[DataKey] = (),
        again: Callable[[], Sequence[DataKey]] | None = None,
        absent: ConfigError | None = None,
    ) -> None:
        self._keys = tuple(keys)
        self._by_id = {key.key_id: key for key in keys}
        self._again, self._absent = again, absent
        self._lock, self._read_at = threading.Lock(), float("-inf")

    @classmethod
    def of(cls, file: str | None, folder: Path) -> Self:
        """The keys of a shop.

        Args:
            file: As `[store] data_key_file` says it; the environment's `SHELFWISE_DATA_KEY` stands above it.
            folder: The shop's, where a relative path begins.

        Raises:
            ConfigError: what is there is no key.
        """
        written = os.environ.get(VARIABLE, "")
        if written.strip():
            return cls(read_keys(written.replace(",", " ").split(), f"{VARIABLE} in the environment"))
        if file is None:
            return cls()
        path = folder / file
        if not path.is_file():
            absent = ConfigError(
                f"there is no file of data keys at {path}",
                where=FILE_KEY,
                hint="make one with `shelfwise encryption new-key`, or mount the one that there was",
                code="no_data_key_file",
            )
            return cls((), lambda: read_file(path) if path.is_file() else (), absent)
        return cls(read_file(path), lambda: read_file(path))

    @property
    def first(self) -> DataKey | None:
        """The one that seals; None in a shop that has none.

        Raises:
            ConfigError: `shop.toml` names a file that is not there.
        """
        if not self._keys and self._absent is not None:
            self._reread()
            if not self._keys:
                raise self._absent
        return self._keys[0] if self._keys else None

    def ids(self) -> list[str]:
        """Of the keys at hand, in their order."""
        return [key.key_id for key in self._keys]

    def find(self, key_id: str) -> DataKey | None:
        """A key by its id; None where it is not at hand.

        Cost:
            For one that is not, the file is read again, once a second at most.
        """
        found = self._by_id.get(key_id)
        if found is None and self._again is not None:
            self._reread()
            found = self._by_id.get(key_id)
        return found

    def _reread(self) -> None:
        with self._lock:
            if self._again is None or time.monotonic() - self._read_at < REREAD_AFTER_S:
                return
            self._read_at = time.monotonic()
            try:
                keys = tuple(self._again())
            except (ConfigError, OSError):  # somebody is just writing it; those from before stay
                return
            self._keys, self._by_id = keys, {key.key_id: key for key in keys}


NO_KEYS = DataKeys()


def read_keys(written: Sequence[str], where: str) -> list[DataKey]:
    """Keys in the order in which they stand.

    Raises:
        ConfigError: one of them is none.
    """
    found = [DataKey.read(one, where) for one in written]
    return list({key.key_id: key for key in found}.values())


def read_file(path: Path) -> list[DataKey]:
    """The keys of a file: one in a line, the first seals; what follows a `#` is for people.

    Raises:
        ConfigError: a line is no key, or the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as cause:
        raise ConfigError(
            f"the file of data keys cannot be read ({getattr(cause, 'strerror', None) or 'it is no text'})",
            where=str(path),
            code="bad_data_key",
        ) from None
    written = [line.partition("#")[0].strip() for line in lines]
    return [
        key
        for number, line in enumerate(written, start=1)
        if line
        for key in read_keys([line], f"{path}, line {number}")
    ]


def put_first(path: Path, key: DataKey, note: str) -> None:
    """Write a key above those that a file has; durable, and there wholly or not, when this returns.

    A new file may be read by its owner only. Where a link stands, what it leads to is written. Of several who write at
    once each goes on from what the one before wrote.

    Raises:
        OSError: it cannot be written.
    """
    path = path.resolve()
    _make_durably(path.parent)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # the file itself is another after each writer
        _write_first(path, key, note)
        os.fsync(folder)
    finally:
        os.close(folder)


def _make_durably(folder: Path) -> None:
    if not folder.is_dir():
        _make_durably(folder.parent)
        folder.mkdir(exist_ok=True)
        above = os.open(folder.parent, os.O_RDONLY)
        try:
            os.fsync(above)
        finally:
            os.close(above)


def _write_first(path: Path, key: DataKey, note: str) -> None:
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(f"{key.written}  # {note}\n{before}")
            file.flush()
            os.fsync(file.fileno())
            if path.exists():  # whoever reads it, the server's user perhaps, reads it on
                owned = path.stat()
                os.fchmod(file.fileno(), owned.st_mode & 0o777)
                if (owned.st_uid, owned.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(file.fileno(), owned.st_uid, owned.st_gid)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
