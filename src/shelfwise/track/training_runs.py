"""The trainings of a shop as others see them: what they do, what became of them, their curves."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from shelfwise.errors import UnknownError, did_you_mean
from shelfwise.track.training_journal import ABOUT, FOLDER, JOURNAL, STOP
from shelfwise.track.training_lock import holder

MAX_POINTS = 400
"""Points of a curve that are told; of more, evenly chosen ones and the last."""

State = Literal["running", "done", "unchanged", "failed", "stopped", "interrupted"]
"""`unchanged`: there was nothing new to learn; `interrupted`: its process ended without a word."""


@dataclass(slots=True)
class Stage:
    """A part of a training.

    Attributes:
        name: What was done.
        begins_s: Since the start of the training.
        ends_s: The same; None while it goes on.
        done: Steps, where they can be counted.
        total: Steps in all, where that is known.
    """

    name: str
    begins_s: float
    ends_s: float | None = None
    done: int | None = None
    total: int | None = None


@dataclass(slots=True)
class TrainingRun:
    """One training.

    Attributes:
        name: Of the training, and of the version that it makes.
        what: `full`, `continue` or `map`.
        by: Who started it.
        started_at: ISO 8601.
        state: What became of it.
        seconds: How long it took, or takes so far by its last line.
        stages: In the order in which they began.
        curves: Pairs of step and value by the curve's name.
        version: That it made; None where none, or not yet.
        code: Of the error, where it failed.
        error: The same in words.
        hint: What to do about it.
    """

    name: str
    what: str
    by: str
    started_at: str
    state: State = "interrupted"
    seconds: float = 0.0
    stages: list[Stage] = field(default_factory=list[Stage])
    curves: dict[str, list[tuple[int, float | None]]] = field(
        default_factory=dict[str, "list[tuple[int, float | None]]"]
    )
    version: str | None = None
    code: str | None = None
    error: str | None = None
    hint: str | None = None


class TrainingRuns:
    """The trainings that a shop remembers."""

    def __init__(self, shop: Path) -> None:
        self.folder = shop / FOLDER

    def running(self) -> str | None:
        """Name of the training that is running."""
        found = holder(self.folder)
        return None if found is None else found.name

    def names(self) -> list[str]:
        """Newest first."""
        if not self.folder.is_dir():
            return []
        found = (path for path in self.folder.iterdir() if (path / ABOUT).is_file())
        return [path.name for path in sorted(found, key=_begun, reverse=True)]

    def get(self, name: str, *, curves: bool = True) -> TrainingRun:
        """One training.

        Args:
            name: Of the training.
            curves: Whether its curves are read too.

        Raises:
            UnknownError: none of that name is remembered.
        """
        known = self.names()
        if name not in known:
            raise UnknownError(
                f"there is no training {name!r}", hint=did_you_mean(name, known), code="unknown_training"
            )
        # Before its lines are read: one that ends meanwhile has said how.
        is_running = self.running() == name
        folder = self.folder / name
        run = _read(folder, _size(folder)) if curves else replace(_remembered(folder, _size(folder)))
        if run.state == "interrupted":
            if is_running:
                run.state = "running"
            elif (folder / STOP).is_file():
                run.state = "stopped"
        if run.state != "running" and run.stages:
            run.stages[-1].ends_s = run.seconds
        return run

    def tag(self, name: str) -> str:
        """Changes whenever there is something new to read of a training."""
        return f"{name}-{_size(self.folder / name)}-{int(self.running() == name)}"


def _begun(folder: Path) -> tuple[str, int]:
    """Names tell seconds; within one, what was written first began first."""
    return folder.name.partition("-")[0], (folder / ABOUT).stat().st_mtime_ns


def _size(folder: Path) -> int:
    path = folder / JOURNAL
    return path.stat().st_size if path.is_file() else 0


def _read(folder: Path, size: int) -> TrainingRun:
    """What the first `size` bytes of a journal, or a few more, say."""
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    run = TrainingRun(folder.name, about["what"], about["by"], about["started_at"])
    for line in _lines(folder / JOURNAL) if size else ():
        _add(run, line)
    run.curves = {name: _thinned(points) for name, points in run.curves.items()}
    return run


@lru_cache(maxsize=128)
def _remembered(folder: Path, size: int) -> TrainingRun:
    """The same without curves, and without reading a journal again that did not grow."""
    return replace(_read(folder, size), curves={})


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                return  # being written right now, or cut off by a crash: the last line


def _add(run: TrainingRun, line: dict[str, Any]) -> None:
    run.seconds = line["at_s"]
    if "curve" in line:
        run.curves.setdefault(line["curve"], []).append((line["step"], line["value"]))
    elif "stage" in line:
        last = run.stages[-1] if run.stages else None
        if last is None or last.name != line["stage"]:
            if last is not None:
                last.ends_s = run.seconds
            last = Stage(line["stage"], run.seconds)
            run.stages.append(last)
        last.done, last.total = line.get("done"), line.get("total")
    elif "end" in line:
        run.state, run.version = line["end"], line.get("version")
        run.code, run.error, run.hint = line.get("code"), line.get("error"), line.get("hint")


def _thinned(points: list[tuple[int, float | None]]) -> list[tuple[int, float | None]]:
    if len(points) <= MAX_POINTS:
        return points
    every = len(points) / (MAX_POINTS - 1)
    return [*(points[int(place * every)] for place in range(MAX_POINTS - 1)), points[-1]]
