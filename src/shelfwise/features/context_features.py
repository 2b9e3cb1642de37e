"""What a request says beside who asks: when, and on which device. The same for all of its candidates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shelfwise.schemas.candidates import Situation
from shelfwise.schemas.devices import DEVICES
from shelfwise.schemas.ids import FIRST_REAL_TIME_MS, Bools, Floats, Times

MS_PER_DAY, MS_PER_WEEK = 86_400_000, 604_800_000
MONDAY_MS = 4 * MS_PER_DAY
"""The first Monday of 1970."""

OF_TIME = ("hour_sin", "hour_cos", "weekday_sin", "weekday_cos")
OF_DEVICE = tuple(f"device_{name}" for name in DEVICES)
CONTEXT = (*OF_TIME, *OF_DEVICE)
"""Names of the columns: the hour of the day and the day of the week in UTC, each as a point on a circle so that
midnight has no edge; and 1 for the device."""


def context_features(situations: Sequence[Situation], names: Sequence[str] = CONTEXT) -> Floats:
    """Describe requests.

    Args:
        situations: B requests.
        names: Columns wanted, of `CONTEXT`.

    Returns:
        0 stands for what is not known; shape `(B, len(names))`.
    """
    times_ms: Times = np.array([one.now_ms for one in situations], np.int64)
    devices = np.array([one.device for one in situations], np.int64)
    is_real: Bools = np.greater_equal(times_ms, FIRST_REAL_TIME_MS)
    found = np.zeros((len(situations), len(CONTEXT)), np.float32)
    for column, (since_ms, period_ms) in enumerate(((0, MS_PER_DAY), (MONDAY_MS, MS_PER_WEEK))):
        angle = 2 * np.pi * np.mod(times_ms - since_ms, period_ms) / period_ms
        found[:, 2 * column] = np.where(is_real, np.sin(angle), 0)
        found[:, 2 * column + 1] = np.where(is_real, np.cos(angle), 0)
    is_said = np.flatnonzero((devices > 0) & (devices <= len(DEVICES)))
    found[is_said, len(OF_TIME) - 1 + devices[is_said]] = 1
    return found[:, [CONTEXT.index(name) for name in names]]


def told_apart(situations: Sequence[Situation]) -> tuple[str, ...]:
    """The columns that differ among these requests: what never does says nothing."""
    described = context_features(situations)
    return tuple(name for column, name in enumerate(CONTEXT) if len(np.unique(described[:, column])) > 1)
