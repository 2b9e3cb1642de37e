"""What something took: on the wall, and of the processor, since a shared machine tells little by the wall alone."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds.

    Attributes:
        wall: From start to end.
        cpu: Of all threads together.
    """

    wall: float = 0.0
    cpu: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.wall + other.wall, self.cpu + other.cpu)

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.wall - other.wall, self.cpu - other.cpu)

    def as_document(self) -> dict[str, float]:
        """Plain JSON."""
        return {"wall": round(self.wall, 2), "cpu": round(self.cpu, 2)}


def now() -> Spent:
    """Two readings differ by what was spent between them."""
    return Spent(time.perf_counter(), time.process_time())
