"""Model versions: immutable folders, published by one atomic rename.

models/
├── 20261123T104502-3f9a/     a version: manifest.json and whatever the stages wrote
├── CURRENT                   the name of the version in service
└── LOG                       one JSON line per publication, promotion and roll-back
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shelfwise.errors import StateError, UnknownError, did_you_mean

CURRENT = "CURRENT"
LOG = "LOG"
MANIFEST = "manifest.json"
_UNFINISHED = ".unfinished-"


@dataclass(frozen=True, slots=True)
class Version:
    """A published model version."""

    name: str
    folder: Path
    manifest: dict[str, Any]
    is_current: bool


class Versions:
    """The folder of model versions of one shop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def new_name(self) -> str:
        """A name for a version to come: the present moment, so that names are in the order of time."""
        return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"

    @contextmanager
    def publish(self, manifest: dict[str, Any], name: str | None = None) -> Generator[Path]:
        """Write a new version: fill the folder that is yielded; when the block ends it is published and in service.

        Whatever interrupts the block leaves no version behind, and the one in service stays.

        Args:
            manifest: What is known of the version; the block may still add to it. Written last.
            name: From `new_name`, where it had to be known before; a new one where omitted.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._sweep()
        name = name or self.new_name()
        scratch = self.folder / f"{_UNFINISHED}{name}"
        scratch.mkdir()
        try:
            yield scratch
            manifest["version"] = name
            (scratch / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False), encoding="utf-8")
            for path in scratch.rglob("*"):
                if path.is_file():
                    _flush(path)
            scratch.rename(self.folder / name)
            _flush(self.folder)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        self._point_at(name, "publish")

    def list(self) -> list[Version]:
        """All versions, oldest first."""
        current = self.current_name()
        if not self.folder.is_dir():
            return []
        folders = sorted(path for path in self.folder.iterdir() if (path / MANIFEST).is_file())
        return [
            Version(
                path.name,
                path,
                json.loads((path / MANIFEST).read_text(encoding="utf-8")),
                path.name == current,
            )
            for path in folders
            if not path.name.startswith(_UNFINISHED)
        ]

    def get(self, name: str) -> Version:
        """One version by name.

        Raises:
            UnknownError: there is none of that name.
        """
        versions = {version.name: version for version in self.list()}
        if name not in versions:
            raise UnknownError(
                f"there is no model version {name!r}; known: {', '.join(versions) or 'none'}",
                where=str(self.folder),
                hint=did_you_mean(name, versions),
                code="unknown_version",
            )
        return versions[name]

    def in_service(self) -> Version | None:
        """The version in service; None before the first."""
        name = self.current_name()
        return None if name is None else self.get(name)

    def current(self) -> Version:
        """The version in service.

        Raises:
            StateError: nothing was trained yet.
        """
        found = self.in_service()
        if found is None:
            raise StateError(
                "this shop has no model yet",
                where=str(self.folder),
                hint="run `shelfwise train`",
                code="no_model",
            )
        return found

    def promote(self, name: str) -> Version:
        """Put a version in service."""
        self._point_at(self.get(name).name, "promote")
        return self.get(name)

    def roll_back(self) -> Version:
        """Put the version in service that was there before the current one.

        Raises:
            StateError: no earlier version was in service, or it is gone.
        """
        current = self.current_name()
        known = {version.name for version in self.list()}
        before = [name for name in self._served() if name != current and name in known]
        if not before:
            raise StateError(
                "there is no earlier version to go back to",
                where=str(self.folder),
                hint="see `shelfwise models list`",
                code="no_earlier_version",
            )
        self._point_at(before[-1], "roll-back")
        return self.get(before[-1])

    def _served(self) -> list[str]:
        """Names in the order in which they came into service; a roll-back takes the last one off."""
        served: list[str] = []
        if (self.folder / LOG).is_file():
            for line in (self.folder / LOG).read_text(encoding="utf-8").splitlines():
                try:
                    entry = json.loads(line)
                except json.JSONDecodeError:
                    continue  # a line that a crash cut off: its publication was the last thing that happened
                if entry["action"] == "roll-back":
                    while served and served[-1] != entry["version"]:
                        served.pop()
                else:
                    served.append(entry["version"])
        return served

    def current_name(self) -> str | None:
        """What the pointer names; None before the first training. One small file is read."""
        path = self.folder / CURRENT
        return path.read_text(encoding="utf-8").strip() if path.is_file() else None

    def _point_at(self, name: str, action: str) -> None:
        entry = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "action": action, "version": name}
        scratch = self.folder / f".{CURRENT}-{secrets.token_hex(4)}"
        scratch.write_text(name, encoding="utf-8")
        _flush(scratch)
        scratch.replace(self.folder / CURRENT)
        with (self.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")
            log.flush()
            os.fsync(log.fileno())
        _flush(self.folder)

    def _sweep(self) -> None:
        # What an interrupted training left; another process may be writing one right now, so only old ones.
        day_ago = datetime.now(UTC).timestamp() - 86_400
        for path in self.folder.glob(f"{_UNFINISHED}*"):
            if path.stat().st_mtime < day_ago:
                shutil.rmtree(path, ignore_errors=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
