"""What a training does, step by step, in a folder of the shop: for whoever watches it from another process.

trainings/
├── lock                               held by the training that is running; its name, and its process
└── 20261123T104502-3f9a/              one folder per training, named as the version that it makes
    ├── about.json                     what was asked for, by whom, and when
    ├── journal.jsonl                  one JSON line per stage, point of a curve, and the end
    ├── output.txt                     what the process wrote, where a server started it
    └── stop                           there where somebody asked it to stop

Always kept, whatever `[track]` says.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from shelfwise.config.component import Options
from shelfwise.errors import ShelfwiseError
from shelfwise.track.facts import without_login
from shelfwise.track.tracker import Fact, Run, Tracker
from shelfwise.track.training_lock import TrainingLock

FOLDER, ABOUT, JOURNAL, OUTPUT, STOP = "trainings", "about.json", "journal.jsonl", "output.txt", "stop"
KEPT = 50
"""Trainings that are remembered; older ones are removed when the next begins."""

EVERY_S = 0.5
"""How often a stage that counts is written down."""

What = Literal["full", "continue", "map"]
"""A model fitted anew, one that goes on from the version in service, or the map of the version in service."""


class TrainingJournal(Tracker):
    """Writes the lines of one training; also a tracker, for its curves.

    Every line is written at once: what reads along sees it, and a crash loses none.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(Options())
        self._started = time.monotonic()
        self._file = (folder / JOURNAL).open("a", encoding="utf-8", buffering=1)
        self._stage, self._written_at = "", 0.0

    def begin(self, run: Run) -> None:
        pass

    def facts(self, facts: Mapping[str, Fact]) -> None:
        pass

    def text(self, name: str, text: str) -> None:
        pass

    def scalar(self, name: str, value: float, step: int) -> None:
        self._write({"curve": name, "value": float(value), "step": int(step)})

    def close(self, *, failed: bool) -> None:
        pass  # `ended` says how

    def stage(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Write down what is being done, and how far it is: as a `Progress`."""
        now = time.monotonic()
        is_new, is_last = text != self._stage, done is not None and done == total
        if is_new or is_last or now - self._written_at >= EVERY_S:
            self._stage, self._written_at = text, now
            counted = {} if done is None else {"done": int(done), "total": None if total is None else int(total)}
            self._write({"stage": text, **counted})

    def ended(self, how: str, **facts: Any) -> None:
        """Write down how it ended: `done`, `unchanged`, `failed` or `stopped`."""
        self._write({"end": how, **facts})
        self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        at_s = round(time.monotonic() - self._started, 3)
        # A value that is not finite is no JSON: it is left out where it stands.
        told = {key: None if isinstance(value, float) and not isfinite(value) else value for key, value in line.items()}
        self._file.write(json.dumps({"at_s": at_s, **told}, ensure_ascii=False) + "\n")


@contextmanager
def journal(shop: Path, what: What, name: str) -> Generator[tuple[str, TrainingJournal]]:
    """Keep a journal for the length of a training; no other training of the shop runs meanwhile.

    Args:
        shop: The shop's folder.
        what: Is done.
        name: Of the training, unless the server that started this process gave it one.

    Yields:
        The training's name, and its journal; the block says `ended` itself where it ends well.

    Raises:
        StateError: another training is running.
    """
    folder = shop / FOLDER
    given = TrainingLock.handed_over()
    lock = given or TrainingLock.take(folder, name)
    lock.belongs_to(os.getpid())
    name = lock.name
    try:
        own = prepared(folder, name, what, "command line") if given is None else folder / name
        kept = TrainingJournal(own)
        try:
            yield name, kept
        except KeyboardInterrupt:
            kept.ended("stopped")
            raise
        except ShelfwiseError as error:
            kept.ended("failed", code=error.code, error=without_login(error.found), hint=error.hint)
            raise
        except BaseException as fault:
            kept.ended("failed", code="internal", error=without_login(f"{type(fault).__name__}: {fault}")[:500])
            raise
    finally:
        lock.release()


def prepared(folder: Path, name: str, what: What, by: str) -> Path:
    """Make the folder of a training that is about to begin, and remove the oldest beyond `KEPT`."""
    names = sorted((path for path in folder.iterdir() if path.is_dir()), key=lambda path: path.name)
    for old in names[: max(0, len(names) + 1 - KEPT)]:
        shutil.rmtree(old, ignore_errors=True)
    own = folder / name
    own.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    (own / ABOUT).write_text(json.dumps({"what": what, "by": by, "started_at": now}), encoding="utf-8")
    return own
