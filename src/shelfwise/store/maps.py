"""Maps of the catalogue, beside the model versions that they were drawn of, which stay as they were published.

models/
└── maps/
    └── 20261123T104502-3f9a/     one folder per version: the latest map of it
        ├── map.json              how it was drawn
        └── positions.npy         of every item by row, NaN where an item has no place
"""

from __future__ import annotations

import json
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise.schemas.ids import Floats
from shelfwise.store.arrays import mapped

FOLDER, ABOUT, POSITIONS = "maps", "map.json", "positions.npy"


@dataclass(frozen=True, slots=True)
class StoredMap:
    """The map of one version.

    Attributes:
        version: Whose it is.
        positions: Within [-1, 1], NaN where an item has no place; memory-mapped; shape `(n, 2)`.
        about: How it was drawn; `drawn_at` tells two maps of a version apart.
    """

    version: str
    positions: Floats
    about: dict[str, Any]


class Maps:
    """The maps of one shop's model versions."""

    def __init__(self, models: Path) -> None:
        self.folder = models / FOLDER

    def put(self, version: str, positions: Floats, about: dict[str, Any]) -> None:
        """Keep the map of a version in the place of an earlier one; it appears whole or not at all.

        Args:
            version: Whose it is.
            positions: As of `StoredMap`.
            about: Plain JSON, with `drawn_at`.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        target, token = self.folder / version, secrets.token_hex(4)
        scratch, before = self.folder / f".{version}-{token}", self.folder / f".{version}-{token}-before"
        scratch.mkdir()
        try:
            np.save(scratch / POSITIONS, np.ascontiguousarray(positions, np.float32))
            (scratch / ABOUT).write_text(json.dumps(about, indent=2, ensure_ascii=False), encoding="utf-8")
            if target.exists():
                target.rename(before)
            scratch.rename(target)
        finally:
            for left in (scratch, before):
                shutil.rmtree(left, ignore_errors=True)

    def drawn_at(self, version: str) -> str | None:
        """When the map of a version was drawn; None where there is none. One small file is read."""
        try:
            return str(json.loads((self.folder / version / ABOUT).read_text(encoding="utf-8"))["drawn_at"])
        except FileNotFoundError:
            return None

    def get(self, version: str) -> StoredMap | None:
        """The map of a version; None where none was drawn."""
        folder = self.folder / version
        try:
            about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
            return StoredMap(version, mapped(folder / POSITIONS), about)
        except FileNotFoundError:
            return None

    def latest(self, *, but: str) -> StoredMap | None:
        """The map that was drawn last, of any version but one."""
        if not self.folder.is_dir():
            return None
        names = (path.name for path in self.folder.iterdir() if not path.name.startswith("."))
        found = [(drawn_at, name) for name in names if name != but and (drawn_at := self.drawn_at(name)) is not None]
        return self.get(max(found)[1]) if found else None
