"""Files that were sent, each in a folder of its own below the shop's until it was read.

A folder is locked by the process that reads it. The lock is the kernel's (`flock`) and ends with the process: a folder
without one was left behind by a process that was killed.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from shelfwise.errors import QueryError, ServiceError

MAX_UPLOAD_BYTES = 512 * 1024 * 1024

MAX_NAME_BYTES = 100
"""File systems take 255 bytes, and few letters of some scripts are many bytes."""

LOCK = ".lock"
"""No file that is sent is called so: names lose their leading dots."""

log = logging.getLogger("shelfwise.serve")


class Upload:
    """The place of one file.

    Attributes:
        path: Where the file lies.
    """

    def __init__(self, folder: Path, name: str, lock: int) -> None:
        self._folder, self._lock = folder, lock
        self.path = folder / safe_name(name)

    @classmethod
    def make(cls, uploads: Path, name: str) -> Self:
        """A place for a file, as its sender calls it.

        Raises:
            ServiceError: the shop's folder cannot be written to.
        """
        folder = uploads / secrets.token_hex(8)
        try:
            with _nobody_else(uploads):
                folder.mkdir()
                lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
                fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as cause:
            raise _not_kept(cause) from cause
        return cls(folder, name, lock)

    async def receive(self, body: AsyncIterator[bytes]) -> None:
        """Write the file.

        Raises:
            QueryError: it is too large.
            ServiceError: it cannot be written.
        """
        n_bytes = 0
        try:
            with self.path.open("xb") as file:
                async for chunk in body:
                    n_bytes += len(chunk)
                    if n_bytes > MAX_UPLOAD_BYTES:
                        raise QueryError(
                            f"the file is larger than {MAX_UPLOAD_BYTES:,} bytes",
                            hint="copy it to the server and run `shelfwise ingest`, or send it in parts",
                            code="too_large",
                        )
                    await asyncio.to_thread(file.write, chunk)
        except OSError as cause:
            raise _not_kept(cause) from cause

    def remove(self) -> None:
        """Delete the file and its folder."""
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)


def sweep(uploads: Path) -> None:
    """Delete what processes that were killed left behind; for threads."""
    if not uploads.is_dir():
        return
    try:
        with _nobody_else(uploads):
            for folder in uploads.iterdir():
                if folder.is_dir() and not _is_in_use(folder):
                    shutil.rmtree(folder, ignore_errors=True)
    except OSError as cause:
        log.warning("uploads that were left behind cannot be deleted: %s", cause.strerror)


def safe_name(name: str) -> str:
    """A file's name without any path, and without what file systems do not like."""
    kept = "".join(sign if sign.isalnum() or sign in "._-" else "_" for sign in name.rsplit("/", 1)[-1])
    # From the end: there the format stands.
    return kept.encode(errors="replace")[-MAX_NAME_BYTES:].decode(errors="ignore").lstrip(".") or "file"


@contextmanager
def _nobody_else(uploads: Path) -> Generator[None]:
    """Folders are made and swept by one process at a time: a new one is locked before anybody else sees it."""
    uploads.mkdir(exist_ok=True)
    lock = os.open(uploads / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _is_in_use(folder: Path) -> bool:
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _not_kept(cause: OSError) -> ServiceError:
    return ServiceError(
        f"the file cannot be kept while it is read ({cause.strerror})",
        hint="is the disk full, may the server write to the shop's folder?",
        code="not_kept",
    )
