"""What evaluations of model versions found, beside the versions, which stay as they were published.

models/
└── evaluations/
    └── 20261123T104502-3f9a/          one folder per version
        └── leave-one-out-at-10/       one per protocol and length of lists: the latest
            ├── report.json
            └── questions.npz          every question's metrics, in the order of the questions
"""

from __future__ import annotations

import json
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FOLDER, REPORT, QUESTIONS = "evaluations", "report.json", "questions.npz"


@dataclass(frozen=True, slots=True)
class StoredEvaluation:
    """One evaluation of one version.

    Attributes:
        folder: Where it lies.
        report: As it was kept.
    """

    folder: Path
    report: dict[str, Any]

    def per_question(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays that were kept, by name; shape `(B,)` each."""
        with np.load(self.folder / QUESTIONS) as arrays:
            return {name: arrays[name] for name in arrays.files}


class Evaluations:
    """The evaluations of one shop's model versions."""

    def __init__(self, models: Path) -> None:
        self.folder = models / FOLDER

    def put(self, version: str, name: str, report: dict[str, Any], per_question: dict[str, npt.NDArray[Any]]) -> Path:
        """Keep an evaluation in the place of an earlier one of the same name; it appears whole or not at all.

        Args:
            version: Whose it is.
            name: Tells evaluations of a version apart: protocol and length of lists.
            report: Plain JSON.
            per_question: Arrays of shape `(B,)`, in the order of the questions.
        """
        folder = self.folder / version
        folder.mkdir(parents=True, exist_ok=True)
        target, token = folder / name, secrets.token_hex(4)
        scratch, before = folder / f".{name}-{token}", folder / f".{name}-{token}-before"
        scratch.mkdir()
        try:
            arrays: dict[str, Any] = dict(per_question)
            np.savez_compressed(scratch / QUESTIONS, **arrays)
            (scratch / REPORT).write_text(json.dumps(report, indent=2, ensure_ascii=False), encoding="utf-8")
            if target.exists():
                target.rename(before)
            scratch.rename(target)
        finally:
            for left in (scratch, before):
                shutil.rmtree(left, ignore_errors=True)
        return target

    def of(self, version: str) -> list[StoredEvaluation]:
        """All evaluations of a version, in the order of their names; empty where there are none."""
        folder = self.folder / version
        if not folder.is_dir():
            return []
        return [
            StoredEvaluation(path, json.loads((path / REPORT).read_text(encoding="utf-8")))
            for path in sorted(folder.iterdir())
            if not path.name.startswith(".") and (path / REPORT).is_file()
        ]
