"""Vectors cached by content hash: what did not change is never encoded again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, delete, func, insert, select

from shelfwise.schemas.ids import Floats
from shelfwise.store.identities import LOOKUP_CHUNK
from shelfwise.store.records import Records
from shelfwise.store.tables import vectors as index

FILE_NAME = "vectors.f16"


class VectorCache:
    """One growing file of half-precision vectors, and an index from content hash to position in the records store.

    A vector is written and flushed before its index entry commits, so that a crash leaves at most bytes behind the
    last entry, which the next `append` overwrites.
    """

    def __init__(self, records: Records, folder: Path, encoder: str, dim: int) -> None:
        self._records = records
        self._path = folder / FILE_NAME
        self._encoder = encoder
        self.dim = dim
        self._forget_lost()

    def part(self, name: str) -> VectorCache:
        """A cache of its own beside this one, by the same encoder: of what is to be told apart from the rest."""
        return VectorCache(self._records, self._path.parent / name, f"{self._encoder}/{name}", self.dim)

    @property
    def is_begun(self) -> bool:
        """Whether anything was ever kept."""
        return self._path.is_file()

    def _forget_lost(self) -> None:
        """Drop the index entries whose vectors the file does not hold: somebody moved or deleted it."""
        size = self._path.stat().st_size if self._path.is_file() else 0
        lost = (index.c.encoder == self._encoder) & (index.c.position >= size // (self.dim * 2))
        with self._records.read() as connection:
            any_lost = connection.execute(select(index.c.position).where(lost).limit(1)).first() is not None
        if any_lost:
            with self._records.write() as connection:
                connection.execute(delete(index).where(lost))

    def missing(self, hashes: Iterable[bytes]) -> list[bytes]:
        """The hashes that no vector is kept for, each once, in the order given."""
        wanted = list(dict.fromkeys(hashes))
        with self._records.read() as connection:
            known = self._positions(connection, wanted)
        return [content_hash for content_hash in wanted if content_hash not in known]

    def append(self, hashes: Sequence[bytes], vectors: Floats) -> None:
        """Keep vectors, durable when this returns; hashes kept already are left as they are.

        Args:
            hashes: One per vector.
            vectors: Shape `(len(hashes), dim)`.
        """
        with self._records.write() as connection:
            known = self._positions(connection, hashes)
            new = [place for place, content_hash in enumerate(hashes) if content_hash not in known]
            if not new:
                return
            highest = connection.execute(
                select(func.max(index.c.position)).where(index.c.encoder == self._encoder)
            ).scalar()
            start = 0 if highest is None else int(highest) + 1
            self._path.parent.mkdir(parents=True, exist_ok=True)  # an encoder without files of its own made none
            self._path.touch()
            with self._path.open("r+b") as file:
                file.seek(start * self.dim * 2)
                file.write(np.ascontiguousarray(vectors[new], dtype=np.float16).tobytes())
                file.flush()
                os.fsync(file.fileno())
            connection.execute(
                insert(index),
                [
                    {"encoder": self._encoder, "content_hash": hashes[place], "position": start + offset}
                    for offset, place in enumerate(new)
                ],
            )

    def keep_only(self, hashes: Iterable[bytes]) -> int:
        """Overwrite every vector but these, and forget that it was there; how many there were."""
        with self._records.read() as connection:
            kept = set(hashes_in(connection, self._encoder))
        gone = sorted(kept.difference(hashes))
        if not gone:
            return 0
        with self._records.write() as connection:
            positions = list(self._positions(connection, gone).values())
            _overwrite(self._path, positions, self.dim)
            _strike(connection, gone, self._encoder)
        return len(positions)

    def gather(self, hashes: Sequence[bytes]) -> Floats:
        """The vectors of these hashes, in their order; shape `(len(hashes), dim)`.

        Raises:
            KeyError: a hash has no vector; ask `missing` first.
        """
        if not hashes:
            return np.empty((0, self.dim), np.float32)
        with self._records.read() as connection:
            known = self._positions(connection, hashes)
        positions = [known[content_hash] for content_hash in hashes]
        # Not the whole file: behind the last entry a crash may have left half a vector.
        kept = np.memmap(self._path, np.float16, "r", shape=(max(positions) + 1, self.dim))
        return kept[positions].astype(np.float32)

    def _positions(self, connection: Connection, hashes: Sequence[bytes]) -> dict[bytes, int]:
        found: dict[bytes, int] = {}
        for start in range(0, len(hashes), LOOKUP_CHUNK):
            chunk = list(hashes[start : start + LOOKUP_CHUNK])
            query = select(index.c.content_hash, index.c.position).where(
                index.c.encoder == self._encoder, index.c.content_hash.in_(chunk)
            )
            found.update((content_hash, position) for content_hash, position in connection.execute(query))
        return found


def forget(records: Records, vectors_folder: Path, hashes: Sequence[bytes], dim_by_encoder: Mapping[str, int]) -> int:
    """Overwrite vectors in every encoder's file, and forget that they were there.

    Args:
        records: The shop's.
        vectors_folder: That holds a folder per encoder.
        hashes: Of what is forgotten.
        dim_by_encoder: Length of the vectors of the encoders that are known. The file of another one cannot be read: it
            is deleted, and made anew where that encoder is used again.

    Returns:
        Vectors overwritten.
    """
    with records.write() as connection:
        found: dict[str, list[int]] = {}
        for start in range(0, len(hashes), LOOKUP_CHUNK):
            chunk = list(hashes[start : start + LOOKUP_CHUNK])
            query = select(index.c.encoder, index.c.position).where(index.c.content_hash.in_(chunk))
            for encoder, position in connection.execute(query):
                found.setdefault(encoder, []).append(position)
        for encoder, positions in found.items():
            path, dim = vectors_folder / encoder / FILE_NAME, dim_by_encoder.get(encoder)
            if dim is None:
                path.unlink(missing_ok=True)
                connection.execute(delete(index).where(index.c.encoder == encoder))
            else:
                _overwrite(path, positions, dim)
        _strike(connection, hashes)
    return sum(map(len, found.values()))


def drop(records: Records, vectors_folder: Path, encoder: str) -> int:
    """Delete all vectors of an encoder, whose length nobody knows, and forget that they were there; how many."""
    with records.write() as connection:
        (vectors_folder / encoder / FILE_NAME).unlink(missing_ok=True)
        return connection.execute(delete(index).where(index.c.encoder == encoder)).rowcount


def hashes_in(connection: Connection, encoder: str) -> list[bytes]:
    """The hashes that an encoder's cache holds, without its parts."""
    return list(connection.execute(select(index.c.content_hash).where(index.c.encoder == encoder)).scalars())


def kept_in(connection: Connection, part: str) -> list[bytes]:
    """The distinct hashes that this part of any encoder's cache holds, see `VectorCache.part`; ascending."""
    query = select(index.c.content_hash).where(index.c.encoder.endswith(f"/{part}", autoescape=True)).distinct()
    return sorted(connection.execute(query).scalars())


def _overwrite(path: Path, positions: Iterable[int], dim: int) -> None:
    if not path.is_file():
        return
    with path.open("r+b") as file:
        for position in positions:
            file.seek(position * dim * 2)
            file.write(bytes(dim * 2))
        file.flush()
        os.fsync(file.fileno())


def _strike(connection: Connection, hashes: Sequence[bytes], encoder: str | None = None) -> None:
    for start in range(0, len(hashes), LOOKUP_CHUNK):
        query = delete(index).where(index.c.content_hash.in_(list(hashes[start : start + LOOKUP_CHUNK])))
        connection.execute(query if encoder is None else query.where(index.c.encoder == encoder))
