"""How long each part of a training takes."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager


class Stages:
    """Seconds by the name of a stage; what happens several times is summed.

    Attributes:
        seconds: In the order in which stages began first.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def rounded(self) -> dict[str, float]:
        """For the manifest."""
        return {stage: round(seconds, 2) for stage, seconds in self.seconds.items()}

    @contextmanager
    def __call__(self, name: str) -> Generator[None]:
        """Count the block's time to a stage."""
        started = time.perf_counter()
        self.seconds.setdefault(name, 0.0)
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - started
