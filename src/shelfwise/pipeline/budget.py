"""How long an answer may take: what is late is left out, and the answer says so."""

from __future__ import annotations

import math
import time


class Budget:
    """Time for one request, from now on.

    Attributes:
        left_out: What was left out, as clauses for `degraded`.
    """

    __slots__ = ("_ends_at", "left_out")

    def __init__(self, seconds: float = math.inf) -> None:
        self._ends_at = time.perf_counter() + seconds
        self.left_out: list[str] = []

    @property
    def is_over(self) -> bool:
        """Whether the time is spent."""
        return time.perf_counter() > self._ends_at
