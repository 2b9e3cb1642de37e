"""How long things took, counted in buckets: what is added up over processes and minutes, and quantiles from it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

ENDS_MS = (
    0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0,
    50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 500.0, 1_000.0, 2_500.0, 10_000.0,
)  # fmt: skip
"""Upper ends of the buckets; one more holds what is longer."""


def bucket_of(seconds: float) -> int:
    """The bucket of what took so long."""
    return bisect_left(ENDS_MS, seconds * 1_000)


def quantile_ms(n_by_bucket: Mapping[int, int], share: float) -> float | None:
    """The time that a share of all stayed within; None of nothing.

    Args:
        n_by_bucket: How many took how long.
        share: In (0, 1]; 0.95 for the time that one in twenty exceeded.

    Returns:
        Milliseconds with two decimals, read on a straight line between the ends of a bucket: off by less than its
        width. Of what exceeds the last end, that end.

    Examples:
        >>> quantile_ms({3: 50, 4: 50}, 0.5)
        3.0
        >>> quantile_ms({3: 50, 4: 50}, 0.75)
        4.0
    """
    n = sum(n_by_bucket.values())
    if not n:
        return None
    wanted, below = share * n, 0
    for bucket in sorted(n_by_bucket):
        inside = n_by_bucket[bucket]
        if below + inside >= wanted and inside:
            if bucket >= len(ENDS_MS):
                break
            start = ENDS_MS[bucket - 1] if bucket else 0.0
            return round(start + (ENDS_MS[bucket] - start) * (wanted - below) / inside, 2)
        below += inside
    return ENDS_MS[-1]
