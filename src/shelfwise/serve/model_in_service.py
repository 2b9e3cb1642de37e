"""The model version in service: loaded beside the old one, tried out, and put in its place between two requests.

What is replaced is freed at once: nothing that a recommender holds refers back to it, and a test sees to that. A
collection of rings would stop every request for a tenth of a second.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from shelfwise.errors import ShelfwiseError, StateError
from shelfwise.pipeline import model as models
from shelfwise.pipeline.answer_cache import AnswerCache
from shelfwise.pipeline.recommender import Recommender
from shelfwise.serve import rubbish
from shelfwise.serve.measures import Measures
from shelfwise.serve.smoke import try_out
from shelfwise.store.catalogue import StoredItem
from shelfwise.store.history_cache import HistoryCache
from shelfwise.store.records import Records
from shelfwise.store.versions import Versions

log = logging.getLogger("shelfwise.serve")

HEAD_START_S = 5.0
"""How long a version may encode what changed since it was trained before it serves without."""


class ModelInService:
    """Follows the pointer that `train`, `models promote` and `models rollback` move.

    Attributes:
        recommender: In service; None before anything was trained.
        refused: Versions that could not be loaded or failed their questions, and why; they are not tried again before
            the pointer moves.
    """

    def __init__(
        self,
        versions: Versions,
        records: Records,
        measures: Measures,
        *,
        patience_s: float,
        cache: HistoryCache | None = None,
    ) -> None:
        self.recommender: Recommender | None = None
        self.refused: dict[str, str] = {}
        self.versions = versions
        self._records, self._measures, self._patience_s, self._cache = records, measures, patience_s, cache
        self._on_changed_item: Callable[[StoredItem], None] | None = None

    @property
    def on_changed_item(self) -> Callable[[StoredItem], None] | None:
        """Told of every item that changes, whoever changed it."""
        return self._on_changed_item

    @on_changed_item.setter
    def on_changed_item(self, told: Callable[[StoredItem], None]) -> None:
        self._on_changed_item = told
        if self.recommender is not None:
            self.recommender.live.on_changed_item = told

    def open(self) -> None:
        """Load the version in service; without one, wait for it.

        Raises:
            ShelfwiseError: there is one and it cannot be loaded: better not to start than to start without.
        """
        try:
            self.versions.current()
        except StateError as error:
            log.warning("%s: nothing is recommended before `shelfwise train`", error.found)
            return
        started = time.perf_counter()
        self.recommender = self._loaded()
        self._measures.in_service(self.recommender.model.name, time.perf_counter() - started)

    async def follow(self) -> None:
        """Put another version in service where the pointer names one."""
        name = self.versions.current_name()
        now = self.recommender
        if name is None or (now is not None and now.model.name == name):
            self.refused.clear()
            return
        if name in self.refused:
            return
        started = time.perf_counter()
        try:
            found = await asyncio.to_thread(self._loaded)
        except Exception as error:
            kept = "nothing is recommended" if now is None else f"{now.model.name} stays in service"
            self.refused = {name: error.found if isinstance(error, ShelfwiseError) else type(error).__name__}
            self._measures.refused_versions.inc()
            log.error("version %s is refused: %s", name, kept, exc_info=error)
            return
        if now is not None:
            # What the new one saw while it was tried out, the old one tells of: nobody else was listening. That is no
            # more than lies between the two, and requests go on between its parts.
            while now.live.marks.items < found.live.marks.items and now.live.follow():
                await asyncio.sleep(0)
        self.recommender = found
        found.live.on_changed_item = self._on_changed_item
        took_s = time.perf_counter() - started
        self._measures.in_service(found.model.name, took_s)
        log.info("version %s is in service after %.1f s", found.model.name, took_s)
        del now  # the last that held the old one: its memory is free for what comes
        rubbish.set_aside()

    def _loaded(self) -> Recommender:
        """The version in service, warm: it has answered in every place."""
        model = models.load(self.versions.current())
        found = Recommender(model, self._records, patience_s=self._patience_s, encodes_at_once=False)
        found.live.encode_pending(HEAD_START_S)  # nobody waits for this thread; the rest is encoded in service
        try_out(found, self._records)
        found.asking.remembered.clear()  # of those who were asked about; an erasure meanwhile would not be noticed
        serve = found.model.config.serve
        if serve.answers_kept_s:
            found.kept = AnswerCache(serve.answers_kept_s, serve.answers_kept_mib * 2**20)
            found.asking.on_erasure.append(found.kept.clear)
        found.asking.profiles.on_lookup = self._measures.profile
        found.asking.cache, found.asking.on_cached = self._cache, self._measures.history
        return found
