"""The catalogue's map, ready to be sent: made on a thread when it is asked for, and kept for a while."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import time
from collections import Counter
from dataclasses import dataclass

from shelfwise.errors import StateError
from shelfwise.pipeline.interest_counts import InterestCounts
from shelfwise.pipeline.map_points import NO_GROUP, MapPoints, map_points
from shelfwise.pipeline.recommender import Recommender
from shelfwise.store import slate_log
from shelfwise.store.maps import Maps, StoredMap
from shelfwise.store.records import Records

FRESH_S = 30.0
"""How long what was made serves everybody who asks."""

GZIP_LEVEL = 6
LATEST_ANSWERS = 100_000
"""Answers in which exposure is counted."""


@dataclass(frozen=True, slots=True)
class ReadyMap:
    """A map to be sent.

    Attributes:
        drawn: As training drew it.
        points: As it is today.
        n_by_group: Items of each group.
        body: The points, packed.
        zipped: The same by gzip.
        tag: Changes with the body.
    """

    drawn: StoredMap
    points: MapPoints
    n_by_group: list[int]
    body: bytes
    zipped: bytes
    tag: str


class CatalogueMap:
    """The map of one process."""

    def __init__(self, maps: Maps, records: Records) -> None:
        self.maps, self._records = maps, records
        self._interest = InterestCounts(records)
        self._ready: ReadyMap | None = None
        self._made_at = 0.0
        self._making = asyncio.Lock()

    async def ready(self, recommender: Recommender) -> ReadyMap:
        """The map of the version in service; while that has none, the one that was drawn last.

        Raises:
            StateError: none was drawn yet.
        """
        async with self._making:
            drawn = await asyncio.to_thread(self._drawn, recommender.model.name)
            ready = self._ready
            is_same = ready is not None and ready.drawn.about == drawn.about
            if ready is None or not is_same or time.monotonic() - self._made_at > FRESH_S:
                ready = self._ready = await asyncio.to_thread(self._made, drawn, recommender)
                self._made_at = time.monotonic()
            return ready

    def _drawn(self, version: str) -> StoredMap:
        found = self.maps.get(version) or self.maps.latest(but=version)
        if found is None:
            raise StateError(
                "the catalogue's map was not drawn yet",
                hint="`shelfwise train` draws it at its end, `shelfwise models map` at once",
                code="no_map",
            )
        return found

    def _made(self, drawn: StoredMap, recommender: Recommender) -> ReadyMap:
        with self._records.read() as connection:
            exposure = slate_log.shown_counts(connection, LATEST_ANSWERS)
        points = map_points(drawn, recommender, self._interest.now(), exposure)
        body = points.packed()
        counted = Counter(points.groups.codes[points.rows].tolist())
        counts = [counted[code] for code in range(len(points.groups.names))]
        tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        known = self._ready
        zipped = known.zipped if known is not None and known.tag == tag else gzip.compress(body, GZIP_LEVEL, mtime=0)
        return ReadyMap(drawn, points, counts, body, zipped, tag)


def n_without_group(ready: ReadyMap) -> int:
    """Items on the map that belong to no group."""
    return int((ready.points.groups.codes[ready.points.rows] == NO_GROUP).sum())
