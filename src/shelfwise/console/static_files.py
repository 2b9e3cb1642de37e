"""Scripts, styles and pictures of pages, read once into memory, under addresses that change with their content.

Modules import each other by relative paths, so one hash stands for the whole tree: a page and everything that it loads
are of one release, and browsers keep all of it for good.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shelfwise.console.parts import FOLDERS

ADDRESS = "/console/static"

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
"""Only such files are served."""

PACKED = frozenset({".css", ".js", ".json", ".svg"})
"""Kinds that shrink."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is sent.

    Attributes:
        media_type: Its kind.
        content: The bytes.
        packed: The same with gzip; None where that gains nothing.
    """

    media_type: str
    content: bytes
    packed: bytes | None


class StaticFiles:
    """Files by their path; nothing else can be asked for.

    Args:
        files: Path, as in `vendor/echarts.js`, to content.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        digest = hashlib.blake2b(digest_size=8)
        for path, content in sorted(files.items()):
            digest.update(f"{path}\0{len(content)}\0".encode() + content)
        self.version = digest.hexdigest()
        self._files = {path: _packed(path, content) for path, content in files.items()}

    @classmethod
    def of_package(cls) -> StaticFiles:
        """The files that come with this package."""
        found: dict[str, bytes] = {}
        for beginning, folder in FOLDERS.items():
            root = folder / "static"
            for path in sorted(root.rglob("*")):
                if path.is_file() and path.suffix in TYPES:
                    found[_name(beginning, path.relative_to(root))] = path.read_bytes()
        return cls(found)

    def find(self, path: str) -> StaticFile | None:
        """A file; None where there is none of that path."""
        return self._files.get(path)

    def address(self, path: str) -> str:
        """Where a file is fetched.

        Raises:
            KeyError: there is none of that path.
        """
        if path not in self._files:
            raise KeyError(f"no static file is called {path!r}")
        return f"{ADDRESS}/{self.version}/{path}"

    def __contains__(self, path: object) -> bool:
        return path in self._files


def _name(beginning: str, path: Path) -> str:
    return f"{beginning}/{path.as_posix()}" if beginning else path.as_posix()


def _packed(path: str, content: bytes) -> StaticFile:
    suffix = Path(path).suffix
    packed = gzip.compress(content, 9, mtime=0) if suffix in PACKED else None
    return StaticFile(TYPES[suffix], content, packed if packed is not None and len(packed) < len(content) else None)
