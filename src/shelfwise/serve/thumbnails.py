"""Pictures of items as pages show them: found below the shop's folders, made small, kept in memory for a while."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from shelfwise.encode.pictures.files import PictureFiles
from shelfwise.encode.pictures.problems import NoPictureError, PictureProblem
from shelfwise.encode.pictures.thumbnail import thumbnail
from shelfwise.errors import MissingExtraError, UnknownError

KEPT_BYTES = 32 * 2**20
"""Of pictures in memory, the last ones asked for: some 5,000 of the usual size."""

AT_ONCE = 2
"""Pictures that are made small at the same time: others wait, answers do not."""

TAG_BYTES = 12


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it is now.

    Attributes:
        path: Where it lies.
        changed_ns: When it was written.
        n_bytes: Of the file.
    """

    path: Path
    changed_ns: int
    n_bytes: int

    def tag(self, longest: int) -> str:
        """Names what a page gets of it, quoted as headers have it."""
        named = f"{self.path}|{self.changed_ns}|{self.n_bytes}|{longest}"
        return f'"{hashlib.blake2b(named.encode("utf-8", "surrogateescape"), digest_size=TAG_BYTES).hexdigest()}"'


class Thumbnails:
    """Finds and makes them.

    Args:
        files: The shop's pictures.
        kept_bytes: Of pictures in memory.
    """

    def __init__(self, files: PictureFiles, kept_bytes: int = KEPT_BYTES) -> None:
        self._files, self._kept_bytes = files, kept_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._n_bytes = 0
        self._making = asyncio.Semaphore(AT_ONCE)

    async def find(self, image: str | None) -> Source:
        """The file that an item names.

        Raises:
            UnknownError: it names none, or one that is not there or not to be shown.
        """
        if not image:
            raise _none("the item names no picture")
        try:
            return await asyncio.to_thread(self._source, image)
        except NoPictureError as cause:
            raise _none(f"the item's picture cannot be shown: {cause}") from cause

    async def get(self, source: Source, longest: int) -> bytes:
        """A picture as WebP.

        Args:
            source: As found.
            longest: Pixels of the longer side at most.

        Raises:
            UnknownError: the file is no picture.
        """
        tag = source.tag(longest)
        found = self._kept.get(tag)
        if found is not None:
            self._kept.move_to_end(tag)
            return found
        try:
            async with self._making:
                made = await asyncio.to_thread(lambda: thumbnail(self._files.read_file(source.path), longest))
        except NoPictureError as cause:
            raise _none(f"the item's picture cannot be opened: {cause}") from cause
        except MissingExtraError as cause:
            raise _none("this server cannot open pictures", hint="pip install 'shelfwise[pictures]'") from cause
        self._keep(tag, made)
        return made

    def _source(self, image: str) -> Source:
        path = self._files.find_public(image)
        try:
            known = path.stat()
        except OSError as cause:
            raise NoPictureError(PictureProblem.MISSING, "there is no such file") from cause
        return Source(path, known.st_mtime_ns, known.st_size)

    def _keep(self, tag: str, made: bytes) -> None:
        before = self._kept.pop(tag, b"")
        self._kept[tag] = made
        self._n_bytes += len(made) - len(before)
        while self._n_bytes > self._kept_bytes:
            self._n_bytes -= len(self._kept.popitem(last=False)[1])


def _none(why: str, hint: str | None = None) -> UnknownError:
    return UnknownError(why, hint=hint, code="no_picture")
