"""Where an item's picture lies."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from shelfwise.encode.pictures.problems import NoPictureError, PictureProblem

MAX_BYTES = 64_000_000
"""Larger files are refused: they are no pictures of products."""


class PictureFiles:
    """Finds and reads the files that items name; fetches nothing.

    A relative path starts at the folder of pictures, or else at the shop's own, and may not leave them. An absolute
    path (or `file:` URL) is taken as it is. For an address on the web a copy in the folder of pictures counts: under
    the address's whole path, or its last part.
    """

    def __init__(self, shop: Path, pictures: str) -> None:
        """Name the folders.

        Args:
            shop: The shop's folder.
            pictures: The folder of pictures; a relative one starts at the shop's folder.
        """
        self._pictures = shop / pictures
        self._folders = tuple(folder.resolve() for folder in (self._pictures, shop))
        self._has_pictures = self._pictures.is_dir()

    def read(self, image: str) -> bytes:
        """The file's content.

        Raises:
            NoPictureError: there is no such file here, or it is no regular file of at most `MAX_BYTES`.
        """
        return self.read_file(self.find(image))

    @staticmethod
    def read_file(path: Path) -> bytes:
        """The content of a file that was found.

        Raises:
            NoPictureError: it is no regular file of at most `MAX_BYTES`.
        """
        try:
            if path.stat().st_size > MAX_BYTES:
                raise NoPictureError(PictureProblem.UNREADABLE, f"the file has more than {MAX_BYTES:,} bytes")
            return path.read_bytes()
        except OSError as cause:
            raise NoPictureError(PictureProblem.UNREADABLE, cause.strerror or type(cause).__name__) from cause

    def find_public(self, image: str) -> Path:
        """The file that an item's `image` names, where everybody may see it: only below the shop's two folders.

        Who may write items names any path; that does not make the file at its end the shop's.

        Raises:
            NoPictureError: there is none here, or it lies elsewhere.
        """
        found = self.find(image)
        try:
            path = found.resolve()
        except (OSError, ValueError, RuntimeError) as cause:
            raise _no_name() from cause
        if not any(path.is_relative_to(folder) for folder in self._folders):
            raise NoPictureError(PictureProblem.OUTSIDE, "a file outside the shop's folders")
        return path

    def find(self, image: str) -> Path:
        """The file that an item's `image` names.

        Raises:
            NoPictureError: there is none here, or this names no file at all.
        """
        try:
            parts = urlsplit(image) if "://" in image or image.startswith("//") else None
            if parts is None or parts.scheme == "file":
                return self._local(image if parts is None else unquote(parts.path))
            return self._copy(PurePosixPath(unquote(parts.path).lstrip("/")))
        except (OSError, ValueError, RuntimeError) as cause:
            # No address, a name too long or with a zero byte, links in a circle: what is wrong with one item must
            # not stop whoever looks at all of them.
            raise _no_name() from cause

    def _copy(self, path: PurePosixPath) -> Path:
        """The copy of what lies on the web at this path."""
        if self._has_pictures:
            for candidate in (path, PurePosixPath(path.name)):
                found = self._inside(self._folders[0], str(candidate))
                if candidate.name and found is not None and found.is_file():
                    return found
        raise NoPictureError(PictureProblem.REMOTE, "an address on the web, and no copy in the folder of pictures")

    def _local(self, image: str) -> Path:
        if Path(image).is_absolute():
            if Path(image).is_file():
                return Path(image)
            raise NoPictureError(PictureProblem.MISSING, "there is no such file")
        inside = [path for folder in self._folders if (path := self._inside(folder, image)) is not None]
        found = next((path for path in inside if path.is_file()), None)
        if found is not None:
            return found
        if not inside:
            raise NoPictureError(PictureProblem.OUTSIDE, "a relative path that leaves the shop's folder")
        raise NoPictureError(PictureProblem.MISSING, f"there is no such file in {self._pictures.name}/ or the shop")

    @staticmethod
    def _inside(folder: Path, name: str) -> Path | None:
        path = (folder / name).resolve()
        return path if path.is_relative_to(folder) else None


def _no_name() -> NoPictureError:
    return NoPictureError(PictureProblem.MISSING, "this cannot be the name of a file")
