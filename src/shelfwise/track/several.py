"""Several trackers as one."""

from __future__ import annotations

from collections.abc import Mapping

from shelfwise.config.component import Options
from shelfwise.track.tracker import Fact, Run, Tracker


class Several(Tracker):
    """Passes everything on to each of some trackers, which were begun already."""

    def __init__(self, *trackers: Tracker) -> None:
        super().__init__(Options())
        self._trackers = trackers

    def begin(self, run: Run) -> None:
        for tracker in self._trackers:
            tracker.begin(run)

    def facts(self, facts: Mapping[str, Fact]) -> None:
        for tracker in self._trackers:
            tracker.facts(facts)

    def scalar(self, name: str, value: float, step: int) -> None:
        for tracker in self._trackers:
            tracker.scalar(name, value, step)

    def text(self, name: str, text: str) -> None:
        for tracker in self._trackers:
            tracker.text(name, text)

    def close(self, *, failed: bool) -> None:
        for tracker in self._trackers:
            tracker.close(failed=failed)
