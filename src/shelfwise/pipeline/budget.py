"""How long an answer may take and its stages took: what is late is left out, and the answer says so."""

from __future__ import annotations

import math
import time
from typing import Literal

Stage = Literal["store", "retrieve", "rank", "slate"]
"""Parts of an answer: reading who asks, candidates, their order, and what is made of it."""


class Budget:
    """Time for one request, from now on: as long as it takes, unless it is limited.

    Attributes:
        left_out: What was left out, as clauses for `degraded`.
        stages_s: Seconds that each stage took so far.
    """

    __slots__ = ("_began_at", "_ends_at", "_lap_began_at", "left_out", "stages_s")

    def __init__(self) -> None:
        self._began_at = self._lap_began_at = time.perf_counter()
        self._ends_at = math.inf
        self.left_out: list[str] = []
        self.stages_s: dict[Stage, float] = {}

    def limit(self, seconds: float) -> None:
        """Let the time end so long after its beginning, which may lie behind already."""
        self._ends_at = self._began_at + seconds

    @property
    def is_over(self) -> bool:
        """Whether the time is spent."""
        return time.perf_counter() > self._ends_at

    def lap(self, stage: Stage) -> None:
        """What passed since the last lap was this stage."""
        now = time.perf_counter()
        self.stages_s[stage] = self.stages_s.get(stage, 0.0) + now - self._lap_began_at
        self._lap_began_at = now
