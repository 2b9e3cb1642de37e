"""Indexes of the catalogue on disk: one that is made once for all processes of a machine, and each process's own.

search/
├── LOCK                      held while somebody looks for, makes or clears away an index
└── base-FORM-TIME/           a whole index, and of which state of each item; never written to again
    └── LOCK                  held, with others, by each process that uses it

An own folder has links to the files of a base, and what changed since. Files of an index never change; a change writes
new ones beside them. So each process has an index that it alone writes to, and the large files, mapped, are in memory
once. Own folders are in the system's memory where it lends some: what a process adds need not outlive it, and to wait
for a disk makes a change seven times as slow.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import numpy.typing as npt

FOLDER = "search"
LOCK = "LOCK"
BASE, OWN, UNFINISHED = "base-", "shelfwise-search-", ".unfinished-"
MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there has a random name, and is for its user alone
"""Where Linux keeps files in memory."""

ROOM_BYTES = 64 * 2**20
"""Free there at least, beside half of what the index takes; containers often lend no more in all."""

NUMBERS_FILE = "changes.npy"
"""Of each row the number of the change after which the item was indexed."""

SIZES_FILE = "sizes.json"
"""Which files an index has, and how large: what was copied or deleted by half is none."""

LOOK_AGAIN_S = 0.2

ChangeNumbers = npt.NDArray[np.int64]
"""By row, 0 where there is no item; shape `(n,)`."""


class Base(NamedTuple):
    """A whole index.

    Attributes:
        folder: Of its files.
        numbers: After which change each item was indexed.
    """

    folder: Path
    numbers: ChangeNumbers


class OwnFolder:
    """A folder that is one process's as long as it lives; another may clear away what the process left behind.

    Attributes:
        path: Of the index.
    """

    def __init__(self, path: Path, base: Base) -> None:
        """Make it of a base, which stays as long as this is open.

        Raises:
            OSError: there is no room for it, or the base is being cleared away.
        """
        self.path = path
        self._locks: list[IO[bytes]] = []
        path.mkdir(mode=0o700)
        try:
            for folder, how in ((path, fcntl.LOCK_EX), (base.folder, fcntl.LOCK_SH)):
                lock = _locked(folder, how)
                if lock is None:
                    raise OSError(f"{folder} is somebody else's")
                self._locks.append(lock)
            for name in _sizes(base.folder):
                file = base.folder / name
                if file.suffix == ".json":  # what is written anew with every change
                    shutil.copyfile(file, path / name)
                elif name != NUMBERS_FILE:
                    (path / name).symlink_to(file.resolve())
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Take it away; an index that is open goes on finding what it holds."""
        shutil.rmtree(self.path, ignore_errors=True)
        for lock in self._locks:
            lock.close()
        self._locks = []


class IndexFolder:
    """The indexes of one shop on this machine.

    Args:
        shop: The shop's folder.
        form: Names what an index must be like to be of use.
    """

    def __init__(self, shop: Path, form: str) -> None:
        self._folder, self._form = shop.resolve() / FOLDER, form
        whose = hashlib.sha256(str(self._folder).encode()).hexdigest()[:16]
        self._own_start = f"{OWN}{os.getuid()}-{whose}-"

    @contextmanager
    def alone(self, gives_up: Callable[[], bool]) -> Generator[bool]:
        """No other process looks for an index, makes or clears away one, until the block ends.

        Args:
            gives_up: Asked while others are waited for.

        Yields:
            Whether it is our turn; no, where it was given up.

        Raises:
            OSError: the folder cannot be made or written to.
        """
        self._folder.mkdir(exist_ok=True)
        lock = _locked(self._folder)
        while lock is None and not gives_up():
            time.sleep(LOOK_AGAIN_S)
            lock = _locked(self._folder)
        try:
            yield lock is not None
        finally:
            if lock is not None:
                lock.close()

    def base(self) -> Base | None:
        """The newest index that is there; None where there is none of this form that can be read."""
        for folder in sorted(self._folder.glob(f"{BASE}{self._form}-*"), reverse=True):
            try:
                if json.loads((folder / SIZES_FILE).read_text()) == _sizes(folder):
                    return Base(folder, np.load(folder / NUMBERS_FILE))
            except (OSError, ValueError, EOFError):  # half of a disk that was restored, say
                continue
        return None

    @contextmanager
    def new_base(self) -> Generator[Path]:
        """A folder to make an index in, which is there when the block ends; whatever interrupts it leaves nothing."""
        name = f"{BASE}{self._form}-{time.time_ns():016x}"
        scratch = self._folder / f"{UNFINISHED}{name}"
        scratch.mkdir()
        try:
            yield scratch
            (scratch / SIZES_FILE).write_text(json.dumps(_sizes(scratch)))
            for path in scratch.iterdir():
                _flush(path)
            scratch.rename(self._folder / name)
            _flush(self._folder)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise

    def own(self, base: Base) -> OwnFolder:
        """A folder of this process with the base's files in it.

        Raises:
            OSError: there is no room for it, or the base is being cleared away.
        """
        size = sum(file.stat().st_size for file in base.folder.iterdir())
        has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_BYTES + size // 2
        root = MEMORY if has_room and os.access(MEMORY, os.W_OK) else self._folder
        return OwnFolder(root / f"{self._own_start}{secrets.token_hex(8)}", base)

    def clear_away(self, kept: Base | None) -> None:
        """Delete other bases that nobody uses, what processes left behind that are gone, and what was not finished."""
        for root in (self._folder, MEMORY):
            for folder in root.glob(f"{self._own_start}*"):
                if _is_ours(folder):
                    _delete_if_nobodys(folder)
        for folder in self._folder.glob(f"{BASE}*"):
            if kept is None or folder != kept.folder:
                _delete_if_nobodys(folder)
        for folder in self._folder.glob(f"{UNFINISHED}*"):
            shutil.rmtree(folder, ignore_errors=True)


def _sizes(folder: Path) -> dict[str, int]:
    """Of the files that an index consists of."""
    return {
        file.name: file.stat().st_size
        for file in sorted(folder.iterdir())
        if file.name not in (LOCK, SIZES_FILE) and file.suffix != ".lock"
    }


def _is_ours(folder: Path) -> bool:
    """Whether it is a folder that this user made: anybody may put something of its name into the system's memory."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()


def _delete_if_nobodys(folder: Path) -> None:
    try:
        lock = _locked(folder, fcntl.LOCK_EX)
    except OSError:  # gone already, or another user's
        return
    if lock is not None:
        shutil.rmtree(folder, ignore_errors=True)
        lock.close()


def _locked(folder: Path, how: int = fcntl.LOCK_EX) -> IO[bytes] | None:
    """The lock of a folder, held until it is closed; None where somebody else holds it.

    Raises:
        OSError: there is something else in the lock's place.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    lock = os.fdopen(os.open(folder / LOCK, flags, 0o600), "rb+", buffering=0)
    if not stat.S_ISREG(os.fstat(lock.fileno()).st_mode):
        lock.close()
        raise OSError(f"{folder / LOCK} is no file")
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
