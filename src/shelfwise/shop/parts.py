"""What every verb of a shop works on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shelfwise.config.shop import ShopConfig
from shelfwise.store.evaluations import Evaluations
from shelfwise.store.records import Records
from shelfwise.store.versions import Versions

CURRENT_VERSION = "current"
"""Stands for the name of the version in service."""


@dataclass(frozen=True, slots=True)
class ShopParts:
    """A shop's folder, and what lies in it."""

    folder: Path
    config: ShopConfig
    records: Records
    versions: Versions
    evaluations: Evaluations

    @property
    def vectors_folder(self) -> Path:
        """Where encoders and the vectors they made are kept."""
        return self.folder / self.config.store.vectors
