"""What a process counts for the overview: in memory on the request path, added to the store beside it."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial

from sqlalchemy import Connection

from shelfwise.errors import ServiceError
from shelfwise.insight.latency import bucket_of
from shelfwise.pipeline.shortfalls import Shortfall
from shelfwise.serve.regular_flush import RegularFlush
from shelfwise.serve.writer import Writer
from shelfwise.store import traffic
from shelfwise.store.traffic import HOUR_S, MINUTE_S, Counted, Measure

FLUSH_EVERY_S = 2.0
"""What was counted is seen by all processes so late at most; a process that is killed takes so much with it."""

MAX_MINUTES = 60
"""Minutes that are kept while the store is away; then the oldest are lost."""

API = "/v1/"
NOT_TRAFFIC = ("/v1/insight/", "/v1/health/")
"""Who looks at the figures, and who asks whether we live, is no traffic of the shop's."""

log = logging.getLogger("shelfwise.serve")


class Traffic:
    """Counts of one process since they were last taken; on its event loop."""

    def __init__(self) -> None:
        self._seen: dict[tuple[Measure, str, int], int] = {}

    def request(self, path: str, route: str, method: str, status: int, seconds: float) -> None:
        """One request was answered.

        Args:
            path: As it was asked for.
            route: What it found, as a template; a word of the caller's where it found none.
            method: Of HTTP, or a word of the caller's.
            status: Of HTTP.
            seconds: Until the answer was handed over.
        """
        if path.startswith(API) and not path.startswith(NOT_TRAFFIC):
            self._add(Measure.REQUEST, f"{method} {route}", bucket_of(seconds))
            self._add(Measure.STATUS, f"{status // 100}xx")

    def answer(self, scenario: str, seconds: float, shortfalls: Iterable[Shortfall]) -> None:
        """One slate was made; with shortfalls where it could not be made as configured."""
        self._add(Measure.ANSWER, scenario, bucket_of(seconds))
        is_degraded = False
        for kind in shortfalls:
            is_degraded = True
            self._add(Measure.SHORTFALL, kind.value)
        if is_degraded:
            self._add(Measure.DEGRADED, scenario)

    def count(self, measure: Measure, n_by_label: Mapping[str, int]) -> None:
        """Something happened so often, by label."""
        for label, n in n_by_label.items():
            self._add(measure, label, n=n)

    def _add(self, measure: Measure, label: str, bucket: int = traffic.NO_BUCKET, n: int = 1) -> None:
        key = (measure, label, bucket)
        self._seen[key] = self._seen.get(key, 0) + n

    def take(self) -> Counter[Counted]:
        """What was counted since it was last taken."""
        seen, self._seen = self._seen, {}
        return Counter({Counted(*key): n for key, n in seen.items()})


class TrafficWriter(RegularFlush):
    """Adds what a process counts to the store, every other second, and deletes what is old.

    Args:
        counted: Where it is counted.
        writer: The process's only one.
    """

    def __init__(self, counted: Traffic, writer: Writer) -> None:
        super().__init__("what was counted", FLUSH_EVERY_S)
        self._counted, self._writer = counted, writer
        self._by_minute: dict[int, Counter[Counted]] = {}
        self._forgot_at = -float(HOUR_S)

    async def flush(self) -> None:
        """Write what was counted; what the store does not take now is kept for the next time."""
        minute_s = int(time.time()) // MINUTE_S * MINUTE_S
        self._by_minute.setdefault(minute_s, Counter()).update(self._counted.take())
        self._by_minute = {at_s: counts for at_s, counts in self._by_minute.items() if counts}
        for at_s in sorted(self._by_minute)[:-MAX_MINUTES]:
            del self._by_minute[at_s]
        if not self._by_minute:
            return
        waiting, self._by_minute = self._by_minute, {}
        try:
            await self._writer.run(partial(self._stored, waiting=waiting))
        except ServiceError as error:
            log.warning("what was counted waits: %s", error.found)
            for at_s, counts in waiting.items():
                self._by_minute.setdefault(at_s, Counter()).update(counts)

    def _stored(self, connection: Connection, waiting: Mapping[int, Mapping[Counted, int]]) -> None:
        for at_s, counts in waiting.items():
            traffic.add(connection, at_s, counts)
        if time.monotonic() - self._forgot_at > HOUR_S:
            traffic.forget_old(connection, int(time.time()))
            self._forgot_at = time.monotonic()
