"""TensorBoard: event files in a folder, one folder per run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from shelfwise.config.component import Options
from shelfwise.errors import MissingExtraError
from shelfwise.track.tracker import Fact, Run, Tracker

FLUSH_S = 5
"""Seconds after which a curve is on disk, so that it can be watched as it grows."""


class TensorBoardFiles(Tracker):
    """Curves and texts as TensorBoard's event files; look at them with `tensorboard --logdir runs`.

    Written by the `tensorboard` package itself, which needs neither TensorFlow nor torch.
    """

    class Config(Options):
        """Options of `[track]` with `use = "tensorboard"`."""

        folder: str = Field(default="runs", min_length=1, description="Folder of the runs, one folder for each.")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._folder = config.folder
        self._writer: Any = None
        self._facts: dict[str, Fact] = {}
        self._n_tables = 0

    def begin(self, run: Run) -> None:
        try:
            from tensorboard.compat.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue] - made by protobuf
            from tensorboard.compat.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue]
            from tensorboard.plugins.text.summary_v2 import text_pb
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError as cause:
            raise MissingExtraError(
                "tensorboard is not installed", where="track.use", hint="pip install 'shelfwise[train]'"
            ) from cause
        self._event, self._summary, self._text_pb = Event, Summary, text_pb
        self._writer = EventFileWriter(str(run.folder / self._folder / run.name), flush_secs=FLUSH_S)

    def facts(self, facts: Mapping[str, Fact]) -> None:
        self._facts.update(facts)  # the latest table is the one that is shown, and so has to hold all of them
        self._n_tables += 1
        lines = [f"| {name} | {str(value).replace('|', '/')} |" for name, value in self._facts.items()]
        self._write(self._text_pb("facts", "\n".join(["| | |", "|---|---|", *lines])), self._n_tables)

    def scalar(self, name: str, value: float, step: int) -> None:
        self._write(self._summary(value=[self._summary.Value(tag=name, simple_value=value)]), step)

    def text(self, name: str, text: str) -> None:
        self._write(self._text_pb(name, text), 0)

    def close(self, *, failed: bool) -> None:
        self._writer.close()

    def _write(self, summary: Any, step: int) -> None:
        self._writer.add_event(self._event(wall_time=time.time(), step=step, summary=summary))
