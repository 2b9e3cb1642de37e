"""What every tracker offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeAlias

from shelfwise.config.component import Options

Fact: TypeAlias = str | int | float | bool
"""A value that is known once per run."""

Curve = Callable[[str, float, int], None]
"""Called with a curve's name, a value and the step that it belongs to; steps of one curve never fall."""


def untracked(name: str, value: float, step: int) -> None:
    """Nobody keeps this curve."""


@dataclass(frozen=True, slots=True)
class Run:
    """What is tracked under one name.

    Attributes:
        name: Of the model version that is trained or evaluated; for a tuning `tune-` and its key. A name that was
            tracked before is gone on with: the evaluation of a version stands beside its training.
        folder: The shop's; relative paths of options start here.
    """

    name: str
    folder: Path


class Tracker(ABC):
    """Keeps facts, curves and texts of one run.

    Life: `__init__(config)` is cheap; `begin` opens what is written to; then facts, scalars and texts come in any
    order; `close` ends it. What a tracker raises after `begin` never stops a training: the rest of the run is then not
    tracked, and the user is told once.
    """

    Config: ClassVar[type[Options]] = Options

    def __init__(self, config: Options) -> None:
        self.config = config

    @abstractmethod
    def begin(self, run: Run) -> None:
        """Open a run, or go on with one of the same name.

        Raises:
            MissingExtraError: the tracker's package is not installed.
            ConfigError: something is missing without which nothing can be tracked, such as a key.
        """

    @abstractmethod
    def facts(self, facts: Mapping[str, Fact]) -> None:
        """Keep what is known once: configuration, data, versions. Names are dotted paths; secrets were removed."""

    @abstractmethod
    def scalar(self, name: str, value: float, step: int) -> None:
        """Keep one point of a curve. Names are paths with `/`, as in `sequence/everything/loss`."""

    @abstractmethod
    def text(self, name: str, text: str) -> None:
        """Keep a text in Markdown."""

    @abstractmethod
    def close(self, *, failed: bool) -> None:
        """Write what is still held and end the run.

        Args:
            failed: Whether what was tracked ended in an error.
        """


class Nothing(Tracker):
    """Nothing is tracked."""

    def begin(self, run: Run) -> None:
        pass

    def facts(self, facts: Mapping[str, Fact]) -> None:
        pass

    def scalar(self, name: str, value: float, step: int) -> None:
        pass

    def text(self, name: str, text: str) -> None:
        pass

    def close(self, *, failed: bool) -> None:
        pass


NOTHING = Nothing(Options())


def under(tracker: Tracker, *path: str) -> Curve:
    """Curves whose names begin with a path.

    Examples:
        >>> under(NOTHING, "sequence", "everything")("loss", 0.5, 1)  # tracked as sequence/everything/loss
    """
    prefix = "/".join(path)

    def curve(name: str, value: float, step: int) -> None:
        tracker.scalar(f"{prefix}/{name}", value, step)

    return curve
