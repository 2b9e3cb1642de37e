"""A tar file whose every file has a checksum, and whose last file lists them: what was cut off or damaged is found out.

backup.json, at the end: {"format": 1, …, "files": {"models/CURRENT": {"bytes": 20, "sha256": "…"}}}
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import tarfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from shelfwise.errors import DataError, ServiceError, StateError

CONTENTS = "backup.json"
FORMAT = 1
PIECE = 1024 * 1024

Progress = Callable[[str, int | None, int | None], None]
"""Told of a step, bytes done, and bytes in all."""


class ArchiveWriter:
    """Adds files to an archive that is being made."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._files: dict[str, dict[str, Any]] = {}

    def add(self, name: str, path: Path) -> int:
        """Add a file as long as it is now, even where somebody appends to it meanwhile; the number of bytes."""
        with path.open("rb") as source:
            return self._put(name, source, os.fstat(source.fileno()).st_size)

    def add_bytes(self, name: str, content: bytes) -> int:
        """Add a file of this content; the number of bytes."""
        return self._put(name, io.BytesIO(content), len(content))

    def finish(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Write the list of files, with what is told of the whole; the list."""
        document = {"format": FORMAT, **told, "files": self._files}
        text = json.dumps(document, indent=1, ensure_ascii=False).encode()
        self._tar.addfile(_entry(CONTENTS, len(text)), io.BytesIO(text))
        return document

    def _put(self, name: str, source: IO[bytes], n_bytes: int) -> int:
        hashed = _Hashed(source)
        self._tar.addfile(_entry(name, n_bytes), hashed)  # type: ignore[arg-type]
        self._files[name] = {"bytes": n_bytes, "sha256": hashed.digest()}
        return n_bytes


class _Hashed:
    """A file that is read once, and its checksum."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source, self._hash = source, hashlib.sha256()

    def read(self, n: int = -1) -> bytes:
        piece = self._source.read(n)
        self._hash.update(piece)
        return piece

    def digest(self) -> str:
        return self._hash.hexdigest()


@contextmanager
def new_archive(path: Path) -> Generator[ArchiveWriter]:
    """An archive that is there when the block ends, whole and durable, and not at all where the block raises.

    Only its owner may read it.

    Raises:
        StateError: there is a file of that name.
        ServiceError: the disk is full, or the folder cannot be written to.
    """
    if path.exists():
        raise StateError(
            f"there is a file {path.name!r} already",
            where=str(path),
            hint="name another one, or delete it",
            code="file_exists",
        )
    unfinished = path.with_name(f".{path.name}.unfinished-{secrets.token_hex(4)}")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                yield ArchiveWriter(tar)
            file.flush()
            os.fsync(file.fileno())
        read_archive(unfinished)
        unfinished.rename(path)
        flush_folder(path.parent)
    except OSError as cause:
        raise ServiceError(
            f"the backup cannot be written ({cause.strerror or cause})",
            where=str(path),
            hint="see to room on the disk and to the folder's rights",
            code="not_written",
        ) from cause
    finally:
        unfinished.unlink(missing_ok=True)


def read_archive(path: Path, into: Path | None = None, progress: Progress | None = None) -> dict[str, Any]:
    """Check every file of an archive against its list, and unpack where asked to; what the list says.

    Raises:
        DataError: there is no such file, it is none of ours, it was cut off, or something in it was changed.
    """
    try:
        total = path.stat().st_size
        found, contents = _files_of(path, total, into, progress)
    except FileNotFoundError as cause:
        raise DataError("there is no such file", where=str(path), code="no_file") from cause
    except (tarfile.TarError, EOFError) as cause:
        raise _broken(path, "it is no tar file, or its end is missing") from cause
    if contents is None:
        raise _broken(path, f"its end is missing: there is no {CONTENTS}")
    if contents.get("format") != FORMAT:
        raise _broken(path, "another release made it, in a form that this one does not know")
    listed = {name: (one["bytes"], one["sha256"]) for name, one in contents["files"].items()}
    if listed != found:
        wrong = sorted(name for name in listed.keys() | found.keys() if listed.get(name) != found.get(name))
        raise _broken(path, f"{len(wrong)} of its files are damaged or missing, {wrong[0]!r} first")
    return contents


def flush_folder(folder: Path) -> None:
    """Make durable which files a folder has."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files_of(
    path: Path, total: int, into: Path | None, progress: Progress | None
) -> tuple[dict[str, tuple[int, str]], dict[str, Any] | None]:
    found: dict[str, tuple[int, str]] = {}
    contents: dict[str, Any] | None = None
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            source = tar.extractfile(member) if member.isreg() else None
            if source is None or not _stays_inside(member.name):
                raise _broken(path, f"{member.name!r} is no file that a backup holds")
            if member.name == CONTENTS:
                try:
                    contents = json.loads(source.read())
                except ValueError as cause:
                    raise _broken(path, f"{CONTENTS} is damaged") from cause
                continue
            if progress is not None:
                progress("reading the backup", member.offset, total)
            found[member.name] = (member.size, _copied(source, None if into is None else into / member.name))
    return found, contents


def _copied(source: IO[bytes], target: Path | None) -> str:
    hashed = _Hashed(source)
    if target is None:
        while hashed.read(PIECE):
            pass
        return hashed.digest()
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        while piece := hashed.read(PIECE):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return hashed.digest()


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and bool(path.parts)


def _entry(name: str, n_bytes: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = n_bytes, 0o600, int(time.time())
    return entry


def _broken(path: Path, why: str) -> DataError:
    return DataError(f"this is no whole backup: {why}", where=str(path), code="broken_backup")
