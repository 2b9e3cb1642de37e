"""Open the shop's tracker for the length of one training, tuning or evaluation."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

from shelfwise.config.shop import USUAL_TRACKER, ShopConfig
from shelfwise.errors import MissingExtraError
from shelfwise.pipeline.components import build_tracker
from shelfwise.track.guarded import Guarded
from shelfwise.track.tracker import NOTHING, Run, Tracker

log = logging.getLogger("shelfwise.track")


@contextmanager
def tracked(config: ShopConfig, run: Run) -> Generator[Tracker]:
    """The tracker of `[track]`, open for the length of the block; it never raises within.

    Where the package of the usual tracker is not installed, nothing is tracked, and the log says so.

    Raises:
        ConfigError: no such tracker, or it cannot begin as configured.
        MissingExtraError: the package of another tracker, which the shop asked for, is not installed.
    """
    tracker: Tracker = Guarded(build_tracker(config))
    try:
        tracker.begin(run)
    except MissingExtraError as missing:
        if config.track.use != USUAL_TRACKER:
            raise
        log.warning("nothing is tracked: %s; %s, or set [track] use = 'none' in shop.toml", missing.found, missing.hint)
        tracker = NOTHING
    try:
        yield tracker
    except BaseException:
        tracker.close(failed=True)
        raise
    tracker.close(failed=False)
