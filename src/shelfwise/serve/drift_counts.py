"""Counting what slates are like, beside what they were like in training: a few additions on the request path."""

from __future__ import annotations

import logging
import time
import weakref
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

from sqlalchemy import Connection

from shelfwise.config.shop import ScenarioSpec
from shelfwise.errors import ServiceError
from shelfwise.pipeline.as_trained import AsTrained, PlaceAsTrained
from shelfwise.pipeline.named_groups import UNNAMED
from shelfwise.pipeline.recommender import Answer, Recommender
from shelfwise.pipeline.shortfalls import Shortfall
from shelfwise.schemas.queries import Query
from shelfwise.serve.regular_flush import RegularFlush
from shelfwise.serve.writer import Writer
from shelfwise.store import drift_counts
from shelfwise.store.drift_counts import Cell, Counting

FLUSH_EVERY_S = 5.0
"""What was counted is seen by all processes so late at most; a process that is killed takes so much with it."""

FORGET_EVERY_S = 3_600.0

NOT_AS_USUAL = frozenset({Shortfall.LATE, Shortfall.STORE_AWAY, Shortfall.KEY_MISSING, Shortfall.PROFILE_LATE})
"""Made without the ranker, the history or what the user says: that is told as degraded, and is no drift."""

log = logging.getLogger("shelfwise.serve")


class _Seen:
    """Slates of one place, counted."""

    def __init__(self, place: PlaceAsTrained, n_groups: int) -> None:
        self.filled = [0] * place.n_lines
        self.scores = [0] * (len(place.edges) + 1)
        self.groups = [0] * n_groups


class DriftCounts:
    """Counts of one process since they were last taken, of the version in service; on its event loop."""

    def __init__(self) -> None:
        self._version = ""
        self._recommender: Callable[[], Recommender | None] = lambda: None
        self._as_trained: AsTrained | None = None
        self._group_by_kind: list[int] = []
        self._seen: dict[str, _Seen] = {}
        self._wanted: list[int] = []
        self._before: Counter[Cell] = Counter()

    def shown(self, answer: Answer, query: Query, recommender: Recommender) -> None:
        """One slate was made for a request.

        Counted is what can be held against the training: answers in places and to askers that it asked for too, to
        requests that want nothing else than the place gives by itself, ordered by whom the training saw it ordered.
        Strangers who ask about nothing are all shown the same, which says nothing.
        """
        as_trained = self._of(recommender)
        if as_trained is None:
            return
        scenario = answer.slate.scenario
        place = as_trained.places.get(scenario)
        if place is None or answer.is_about_items != place.is_about_items:
            return
        first = place.first_line(answer.asker)
        if first is None or not answer.shortfalls.isdisjoint(NOT_AS_USUAL):
            return
        spec = recommender.scenario(scenario)
        if not _is_usual(query, spec) or (place.scores is not None and spec.order != "ranker"):
            return
        items = answer.slate.items[: place.n_places]
        if not items:
            return
        seen = self._seen.get(scenario)
        if seen is None:
            seen = self._seen[scenario] = _Seen(place, len(as_trained.categories.labels))
        for at in range(first, first + len(items)):
            seen.filled[at] += 1
        if place.scores is not None:
            edges, scores = place.edges, seen.scores
            for item in items:
                scores[bisect_left(edges, item.score)] += 1
        if place.categories is not None:
            groups = seen.groups
            for group in self._groups(answer.rows[: len(items)].tolist(), as_trained, recommender):
                groups[group] += 1

    def wanted(self, item_ids: Iterable[str], recommender: Recommender) -> None:
        """People turned to these items."""
        as_trained = self._of(recommender)
        if as_trained is None or as_trained.wanted is None:
            return
        rows = [row for row in map(recommender.catalogue.row, item_ids) if row is not None]
        for group in self._groups(rows, as_trained, recommender):
            self._wanted[group] += 1

    def take(self) -> Counter[Cell]:
        """What was counted since it was last taken."""
        self._set_aside()
        taken, self._before = self._before, Counter()
        return taken

    def put_back(self, counts: Counter[Cell]) -> None:
        """What could not be written waits for the next time."""
        self._before.update(counts)

    def _of(self, recommender: Recommender) -> AsTrained | None:
        """What the version in service looked like; what was counted of another one is set aside."""
        if self._recommender() is not recommender:
            # By itself, not by the version's name: one that comes back into service has its categories numbered anew.
            model = recommender.model
            self._set_aside()
            self._recommender = weakref.ref(recommender)  # a replaced version's memory is free for what comes
            self._version, self._as_trained = model.name, model.as_trained
            self._group_by_kind.clear()
            n_groups = 0 if model.as_trained is None else len(model.as_trained.categories.labels)
            self._wanted = [0] * n_groups
        return self._as_trained

    def _groups(self, rows: Iterable[int], as_trained: AsTrained, recommender: Recommender) -> list[int]:
        kinds, known = recommender.catalogue.kinds, self._group_by_kind
        for path in kinds.names[len(known) :]:  # categories that came since the last look
            known.append(as_trained.categories.group(path))
        without = len(as_trained.categories.labels) - 1
        codes = kinds.codes
        return [without if (code := int(codes[row])) == UNNAMED else known[code] for row in rows]

    def _set_aside(self) -> None:
        for scenario, seen in self._seen.items():
            for counting, numbers in (
                (Counting.PLACE, seen.filled),
                (Counting.SCORE, seen.scores),
                (Counting.CATEGORY, seen.groups),
            ):
                self._add(counting, scenario, numbers)
        self._add(Counting.WANTED, "", self._wanted)
        self._seen.clear()
        self._wanted = [0] * len(self._wanted)

    def _add(self, counting: Counting, scenario: str, numbers: list[int]) -> None:
        for bucket, n in enumerate(numbers):
            if n:
                self._before[Cell(counting, self._version, scenario, bucket)] += n


def _is_usual(query: Query, spec: ScenarioSpec) -> bool:
    if query.weights or query.floors or query.relation or query.bundle or query.filter or query.diversity is not None:
        return False
    return (query.category is None or "category" in spec.needs) and (query.brand is None or "brand" in spec.needs)


class DriftWriter(RegularFlush):
    """Adds what a process counts to the store, and deletes what is old.

    Args:
        counted: Where it is counted.
        writer: The process's only one.
    """

    def __init__(self, counted: DriftCounts, writer: Writer) -> None:
        super().__init__("what slates are like", FLUSH_EVERY_S)
        self._counted, self._writer = counted, writer
        self._forgot_at = -FORGET_EVERY_S

    async def flush(self) -> None:
        """Write what was counted; what the store refuses waits."""
        waiting = self._counted.take()
        if not waiting:
            return
        try:
            await self._writer.run(partial(self._stored, waiting=waiting))
        except ServiceError as error:
            log.warning("what slates are like waits to be written: %s", error.found)
            self._counted.put_back(waiting)

    def _stored(self, connection: Connection, waiting: Counter[Cell]) -> None:
        drift_counts.add(connection, int(time.time()), waiting)
        if time.monotonic() - self._forgot_at > FORGET_EVERY_S:
            drift_counts.forget_old(connection, int(time.time()))
            self._forgot_at = time.monotonic()
