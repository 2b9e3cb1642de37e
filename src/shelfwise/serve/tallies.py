"""Counting on the request path: plain numbers in memory, handed to Prometheus' client some times a second.

The client takes a lock and writes to a mapped file for every number: six of them cost a request 20 to 30 microseconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from prometheus_client import Counter, Histogram


class BulkHistogram(Histogram):
    """A histogram that takes many observations at once."""

    def add(self, counts: Sequence[int], total: float) -> None:
        """Add so many observations to each bucket, the one without an upper end last; `total` is their sum."""
        self._sum.inc(total)
        for bucket, n in zip(self._buckets, counts, strict=True):
            if n:
                bucket.inc(n)


class Times:
    """How often something took how long, by labels."""

    def __init__(self, histogram: BulkHistogram, bounds: Sequence[float]) -> None:
        self._histogram, self._bounds = histogram, bounds
        self._seen: dict[tuple[str, ...], list[float]] = {}

    def add(self, labels: tuple[str, ...], seconds: float) -> None:
        """It took so long once."""
        seen = self._seen.get(labels)
        if seen is None:
            # One number for each bucket, one for what is longer than all, and the sum.
            seen = self._seen[labels] = [0] * (len(self._bounds) + 2)
        seen[bisect_left(self._bounds, seconds)] += 1
        seen[-1] += seconds

    def hand_over(self) -> None:
        """Give what was counted to the client."""
        seen, self._seen = self._seen, {}
        for labels, (*counts, total) in seen.items():
            child = self._histogram.labels(*labels) if labels else self._histogram
            child.add([int(n) for n in counts], total)


class Numbers:
    """How often something happened, by labels."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._seen: dict[tuple[str, ...], int] = {}

    def add(self, labels: tuple[str, ...], n: int = 1) -> None:
        """It happened so often."""
        self._seen[labels] = self._seen.get(labels, 0) + n

    def hand_over(self) -> None:
        """Give what was counted to the client."""
        seen, self._seen = self._seen, {}
        for labels, n in seen.items():
            if n:
                self._counter.labels(*labels).inc(n)
