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

SHRINKING = frozenset({".css", ".js", ".json", ".svg"})
"""Kinds that are worth packing."""

BROTLI = ".br"
"""Ends the name of a file that holds another one, packed smaller than Python can: large ones come with it."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is sent.

    Attributes:
        media_type: Its kind.
        content: The bytes.
        packed: The same by how they are packed, as `Content-Encoding` names it, the smallest first.
    """

    media_type: str
    content: bytes
    packed: Mapping[str, bytes]


class StaticFiles:
    """Files by their path; nothing else can be asked for.

    Args:
        files: Path, as in `vendor/echarts.js`, to content; `vendor/echarts.js.br` holds the same packed.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        digest = hashlib.blake2b(digest_size=8)
        for path, content in sorted(files.items()):
            digest.update(f"{path}\0{len(content)}\0".encode() + content)
        self.version = digest.hexdigest()
        self._files = {
            path: _static_file(path, content, files.get(path + BROTLI))
            for path, content in files.items()
            if not path.endswith(BROTLI)
        }

    @classmethod
    def of_package(cls) -> StaticFiles:
        """The files that come with this package."""
        found: dict[str, bytes] = {}
        for beginning, folder in FOLDERS.items():
            root = folder / "static"
            for path in sorted(root.rglob("*")):
                if path.is_file() and Path(path.name.removesuffix(BROTLI)).suffix in TYPES:
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


def _static_file(path: str, content: bytes, brotli: bytes | None) -> StaticFile:
    suffix = Path(path).suffix
    packed = {} if brotli is None else {"br": brotli}
    if suffix in SHRINKING:
        packed["gzip"] = gzip.compress(content, 9, mtime=0)
    return StaticFile(TYPES[suffix], content, {name: one for name, one in packed.items() if len(one) < len(content)})
