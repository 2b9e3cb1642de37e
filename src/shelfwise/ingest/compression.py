"""Open a file that may be compressed, as a stream of bytes in constant memory."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import pyarrow as pa  # pyright: ignore[reportMissingTypeStubs]

from shelfwise.errors import DataError

Compression = Literal["none", "gzip", "zstd"]

_MAGIC: dict[bytes, Compression] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_UNREADABLE: dict[bytes, str] = {
    b"PK\x03\x04": "a ZIP archive (or an Excel workbook)",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ": "compressed by xz",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
}


@dataclass(frozen=True, slots=True)
class Stream:
    """Decompressed bytes, and how far the file beneath them has been read."""

    bytes: BinaryIO
    file: BinaryIO

    @property
    def bytes_done(self) -> int:
        """Bytes of the file, as it lies on the disk, that have been read."""
        return self.file.tell()


def check_file(path: Path, name: str) -> None:
    """Refuse what is no file or has nothing in it.

    Raises:
        DataError: the path leads nowhere, to a folder, to an empty file or to one that may not be read.
    """
    if path.is_dir():
        inside = sorted(entry.name for entry in path.iterdir() if entry.is_file())[:8]
        raise DataError(
            f"{path} is a folder",
            expected="a file",
            where=name,
            hint=f"name one of its files: {', '.join(inside)}" if inside else "the folder holds no files",
            code="not_a_file",
        )
    if not path.exists():
        raise DataError(
            f"no file {path}",
            expected="a CSV, JSON Lines or Parquet file",
            where=name,
            hint="a relative path starts from the shop's folder",
            code="missing_file",
        )
    try:
        with path.open("rb") as file:
            first = file.read(8)
    except OSError as cause:
        raise DataError(
            f"{path} cannot be read ({cause.strerror})", where=name, hint="check the file's permissions"
        ) from cause
    if not first:
        raise DataError(
            f"{path} is empty",
            expected="a header or rows",
            where=name,
            hint="did the export finish?",
            code="empty_file",
        )
    for magic, what in _UNREADABLE.items():
        if first.startswith(magic):
            raise DataError(
                f"{path} is {what}",
                expected="CSV, JSON Lines or Parquet, plain or compressed by gzip or zstd",
                where=name,
                hint="save it as UTF-8 text" if "UTF" in what else "unpack it, or export it as CSV",
                code="unknown_format",
            )


def compression_of(path: Path) -> Compression:
    """How a file is compressed, by its first bytes and not by its name."""
    with path.open("rb") as file:
        first = file.read(4)
    for magic, kind in _MAGIC.items():
        if first.startswith(magic):
            return kind
    return "none"


@contextmanager
def open_stream(path: Path, name: str) -> Generator[Stream]:
    """Open for reading.

    Raises:
        DataError: while reading, the compressed data ends too early or is damaged.
    """
    kind = compression_of(path)
    with path.open("rb") as file:
        try:
            yield Stream(_decompressed(file, kind), file)
        except (EOFError, zlib.error, gzip.BadGzipFile) as cause:
            raise _damaged(path, name, kind, cause) from cause
        except OSError as cause:
            if kind != "zstd":
                raise
            raise _damaged(path, name, kind, cause) from cause


def _decompressed(file: BinaryIO, kind: Compression) -> BinaryIO:
    if kind == "gzip":
        return cast("BinaryIO", io.BufferedReader(gzip.GzipFile(fileobj=file), 1 << 18))
    if kind == "zstd":
        arrow = cast("Any", pa)
        return cast("BinaryIO", io.BufferedReader(arrow.CompressedInputStream(arrow.PythonFile(file), "zstd"), 1 << 18))
    return file


def _damaged(path: Path, name: str, kind: Compression, cause: Exception) -> DataError:
    return DataError(
        f"{path} is cut off or damaged ({kind}: {cause})",
        expected="a complete compressed file",
        where=name,
        hint="copy or export it again; what was read before is stored",
        code="damaged_file",
    )
