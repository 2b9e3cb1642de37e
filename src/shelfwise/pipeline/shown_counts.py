"""How often every item was shown, by the log of answers; what exploring calls new is what was shown seldom."""

from __future__ import annotations

import numpy as np

from shelfwise.errors import ServiceError
from shelfwise.schemas.ids import Rows
from shelfwise.store import slate_log
from shelfwise.store.records import Records

LATEST = 100_000
"""Answers that are counted when counting begins."""


class ShownCounts:
    """Counts, read from the log when they are first asked for, and kept up to date by whoever logs an answer."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._counts: Rows | None = None

    def of(self, rows: Rows) -> Rows:
        """How often each of some items was shown; shape as `rows`."""
        counts = self._ready(int(rows.max(initial=-1)) + 1)
        return counts[rows]

    def add(self, rows: Rows) -> None:
        """Count one answer; nothing is counted before somebody asks, since the log will tell."""
        if self._counts is not None and len(rows):
            np.add.at(self._ready(int(rows.max()) + 1), rows, 1)

    def _ready(self, n: int) -> Rows:
        if self._counts is None:
            try:
                with self._records.read() as connection:
                    self._counts = slate_log.shown_counts(connection, LATEST)
            except ServiceError:
                return np.zeros(n, np.int32)  # read once the store is back
        if n > len(self._counts):
            self._counts = np.concatenate([self._counts, np.zeros(n + 1_024 - len(self._counts), np.int32)])
        return self._counts
