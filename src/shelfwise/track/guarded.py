"""A tracker that cannot stop a training."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from shelfwise.errors import ConfigError, MissingExtraError
from shelfwise.track.facts import without_login
from shelfwise.track.tracker import Fact, Run, Tracker

LONGEST_MESSAGE = 300
"""Letters of what a tracker complains of."""

log = logging.getLogger("shelfwise.track")


class Guarded(Tracker):
    """Passes everything on until something fails; then says so once, and lets the training go on untracked."""

    def __init__(self, tracker: Tracker) -> None:
        super().__init__(tracker.config)
        self._tracker = tracker
        self._is_lost = False

    def begin(self, run: Run) -> None:
        """Open a run.

        Raises:
            MissingExtraError, ConfigError: as the tracker's own `begin`: nothing was computed yet, and the user can
                put it right.
        """
        try:
            self._tracker.begin(run)
        except (MissingExtraError, ConfigError):
            raise
        except Exception as cause:  # whatever a foreign package raises
            self._lose(cause)

    def facts(self, facts: Mapping[str, Fact]) -> None:
        self._try(lambda: self._tracker.facts(facts))

    def scalar(self, name: str, value: float, step: int) -> None:
        self._try(lambda: self._tracker.scalar(name, value, step))

    def text(self, name: str, text: str) -> None:
        self._try(lambda: self._tracker.text(name, text))

    def close(self, *, failed: bool) -> None:
        self._try(lambda: self._tracker.close(failed=failed))

    def _try(self, step: Callable[[], None]) -> None:
        if self._is_lost:
            return
        try:
            step()
        except Exception as cause:  # whatever a foreign package raises
            self._lose(cause)

    def _lose(self, cause: Exception) -> None:
        self._is_lost = True
        what = str(cause).strip().splitlines()
        message = without_login(what[0] if what else "")[:LONGEST_MESSAGE]
        log.warning("the rest of this run is not tracked: %s: %s", type(cause).__name__, message)
