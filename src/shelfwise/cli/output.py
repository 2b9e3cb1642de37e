"""What people see on standard error, and machines on standard output."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from shelfwise.errors import ShelfwiseError

ShopOption = Annotated[Path, typer.Option("--shop", help="The shop's folder, with its shop.toml.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]

HERE = Path()

PIPE_WIDTH = 140
"""Columns where the output is no terminal: a file or a pipe has no width of its own."""

people = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else PIPE_WIDTH)
"""Progress, logs and errors."""

answers = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
"""Tables and texts that were asked for."""


def print_json(document: Any) -> None:
    """One JSON document on standard output, and nothing else there."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n")


def fail(error: ShelfwiseError, *, as_json: bool) -> None:
    """Say what went wrong: in words on standard error, for machines also on standard output."""
    if as_json:
        print_json({"error": error.as_document()})
    people.print(f"[bold red]error[/] [dim]{error.code}[/]", end=" ")
    people.print(str(error), markup=False, style="default", soft_wrap=True)


class Steps:
    """Shows a sequence of steps: a bar with rate and time left where there is something to count."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: Any = None
        self._text = ""
        self._started = 0.0

    def __call__(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Show a step, finishing the one before."""
        if text != self._text:
            self.finish()
            self._task = self._progress.add_task(text, total=total, rate="")
            self._text, self._started = text, time.perf_counter()
        rate = ""
        if done:
            rate = f"{done / max(time.perf_counter() - self._started, 1e-9):,.0f}/s"
        self._progress.update(self._task, completed=done or 0, total=total, rate=rate)

    def finish(self) -> None:
        """Write down how long the last step took."""
        if self._task is None:
            return
        self._progress.remove_task(self._task)
        seconds = time.perf_counter() - self._started
        if seconds >= 0.5:
            self._progress.console.print(f"[dim]{seconds:6.1f} s[/]  {self._text}")
        self._task = None


@contextmanager
def steps() -> Generator[Steps]:
    """Progress on standard error for the length of a block."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=people,
        transient=True,
    ) as progress:
        shown = Steps(progress)
        yield shown
        shown.finish()


def table(*columns: str, title: str | None = None, right: tuple[int, ...] = ()) -> Table:
    """A plain table; the columns whose numbers are in `right` are numbers."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for place, column in enumerate(columns):
        made.add_column(column, justify="right" if place in right else "left", overflow="fold")
    return made
