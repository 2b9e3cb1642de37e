"""What takes a pass over the whole catalogue, and is kept until the catalogue is another one."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from shelfwise.encode.pictures.files import PictureFiles
from shelfwise.pipeline.findings.catalogue import Findings, look_through
from shelfwise.pipeline.recommender import Recommender
from shelfwise.pipeline.theme_names import theme_names
from shelfwise.store import catalogue
from shelfwise.store.bare_items import read_bare
from shelfwise.store.records import Records

KEPT_S = 30.0
"""How long findings are told as they were, though an item changed since."""


class Looked(NamedTuple):
    """Findings, and when they were made.

    Attributes:
        change: The catalogue's latest change then.
        at: When.
        until_s: How long they may be told of a catalogue that changed, on the process's own clock.
    """

    findings: Findings
    change: int
    at: datetime
    until_s: float


class Looks:
    """Findings of the catalogue and names of themes; made by a thread, one at a time.

    Args:
        records: The shop's.
        files: The shop's pictures.
    """

    def __init__(self, records: Records, files: PictureFiles) -> None:
        self._records, self._files = records, files
        self._looking = asyncio.Lock()
        self._looked: Looked | None = None
        # Weakly: names of themes must not keep a model in memory that another one has replaced.
        self._themes: tuple[weakref.ref[Recommender], Sequence[str]] | None = None

    async def findings(self) -> Looked:
        """What is wrong with the catalogue: as it is now, or as it was less than half a minute ago."""
        async with self._looking:
            found = self._looked
            if found is None or await asyncio.to_thread(self._is_old, found):
                found = self._looked = await asyncio.to_thread(self._look)
            return found

    def theme_names(self, recommender: Recommender) -> Sequence[str]:
        """Names of a model's themes; for threads."""
        kept = self._themes
        if kept is not None and kept[0]() is recommender:
            return kept[1]
        themes = recommender.model.funnel.themes
        made = [] if themes is None else theme_names(recommender.catalogue.titles, themes.codes, len(themes.names))
        self._themes = (weakref.ref(recommender), made)
        return made

    def _is_old(self, found: Looked) -> bool:
        with self._records.read() as connection:
            is_changed = catalogue.newest_change(connection) != found.change
        return is_changed and time.monotonic() > found.until_s

    def _look(self) -> Looked:
        with self._records.read() as connection:
            change = catalogue.newest_change(connection)
            items = list(read_bare(connection))
        return Looked(look_through(items, self._files), change, datetime.now(UTC), time.monotonic() + KEPT_S)
