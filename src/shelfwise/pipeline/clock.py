"""What time it is in the shop."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager

from shelfwise.datasets.interactions import DAY_MS

STALE_D = 30.0
"""A log whose last event is older than this is being replayed."""


class ShopClock:
    """The present; or, for a shop that replays an old log, the moment after the log's end, going on from there.

    A model that was trained on a log of years ago knows what was popular *then*; asked as of today, everything would
    be equally long gone. A demonstration or a back-test therefore lives at the end of its log.
    """

    def __init__(self, log_end_ms: int, *, has_clock: bool) -> None:
        """Decide by the log's end.

        Args:
            log_end_ms: The moment after the last event stored.
            has_clock: Whether the log's times are moments; otherwise it is always the present.
        """
        present = present_ms()
        is_old = has_clock and present - log_end_ms > STALE_D * DAY_MS
        self._behind_ms = present - log_end_ms if is_old else 0
        self._stopped_ms: int | None = None

    @property
    def is_replay(self) -> bool:
        """Whether the shop lives in the past."""
        return self._behind_ms > 0

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC, by the shop's time."""
        return present_ms() - self._behind_ms if self._stopped_ms is None else self._stopped_ms

    @contextmanager
    def stopped(self) -> Generator[None]:
        """It stays the moment that it is: answers that are compared are then answers of one moment."""
        self._stopped_ms = self.now_ms()
        try:
            yield
        finally:
            self._stopped_ms = None


def present_ms() -> int:
    """Milliseconds since 1970-01-01 UTC, by the wall's clock."""
    return int(time.time() * 1_000)
