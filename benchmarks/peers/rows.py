"""Rows: what one model answered in one exam with one seed. Stored as they come, so that a long run may be interrupted.

A row is two files in `FOLDER/<data>-<protocol>/`: `<model>-<seed>.json` says how it came about, `<model>-<seed>.npz`
holds the metrics of every question. The JSON is written last: where it is, the row is complete.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Key:
    """Names a row."""

    data: str
    protocol: str
    model: str
    seed: int

    def path(self, folder: Path) -> Path:
        """The row's JSON."""
        return folder / f"{self.data}-{self.protocol}" / f"{self.model}-{self.seed}.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One model's answers.

    Attributes:
        about: Settings, trials, seconds, machine, commit, date, versions, the exam's fingerprint.
        by_metric: One value per question; shape `(B,)` each.
    """

    key: Key
    about: dict[str, Any]
    by_metric: dict[str, npt.NDArray[np.float64]]


def write(folder: Path, key: Key, about: Mapping[str, Any], by_metric: Mapping[str, npt.NDArray[np.float32]]) -> None:
    """Store a row; a broken run leaves none."""
    path = key.path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {name: values.astype(np.float32) for name, values in by_metric.items()}
    part = path.with_suffix(".npz.part")
    with part.open("wb") as file:
        np.savez_compressed(file, **arrays)
    os.replace(part, path.with_suffix(".npz"))
    part = path.with_suffix(".json.part")
    part.write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(part, path)


def read(folder: Path, key: Key) -> Row:
    """A stored row."""
    path = key.path(folder)
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as file:
        by_metric = {name: file[name].astype(np.float64) for name in file.files}
    return Row(key, json.loads(path.read_text(encoding="utf-8")), by_metric)


def is_stored(folder: Path, key: Key, fingerprint: str) -> bool:
    """Whether the row is there, complete, and answers this very exam."""
    path = key.path(folder)
    if not path.exists() or not path.with_suffix(".npz").exists():
        return False
    return json.loads(path.read_text(encoding="utf-8"))["exam"] == fingerprint


def stored(folder: Path, data: str, protocol: str) -> list[Key]:
    """All rows of one data set and protocol, by model, then seed."""
    found: list[Key] = []
    for path in sorted((folder / f"{data}-{protocol}").glob("*.json")):
        model, _, seed = path.stem.rpartition("-")
        if path.with_suffix(".npz").exists():
            found.append(Key(data, protocol, model, int(seed)))
    return found
