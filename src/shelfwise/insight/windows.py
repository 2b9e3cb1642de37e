"""Two stretches of time of the same length, one after the other, and who turned to what in them."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from shelfwise.schemas.events import CODE_BY_KIND, POSITIVE_KINDS, EventKind
from shelfwise.schemas.ids import Rows
from shelfwise.store.event_windows import Happened, happened_between

DAY_MS = 86_400_000
FEW_DAYS = 14
"""Up to so many, a small chart has a step for each; beyond, for each week, since days of a week differ."""


class Interest(StrEnum):
    """What people did with an item."""

    ANY = "interest"
    """Viewed, clicked, favoured, rated, bought: any kind that shows interest."""
    PURCHASE = "purchase"


KINDS: dict[Interest, tuple[EventKind, ...]] = {
    Interest.ANY: POSITIVE_KINDS,
    Interest.PURCHASE: (EventKind.PURCHASE,),
}


class Windows(NamedTuple):
    """The days up to a moment, and as many before.

    Attributes:
        as_of_ms: The moment; what happened by then is no part.
        days: Of each stretch.
    """

    as_of_ms: int
    days: int

    @property
    def starts_ms(self) -> int:
        """Beginning of the later stretch."""
        return self.as_of_ms - self.days * DAY_MS

    @property
    def before_ms(self) -> int:
        """Beginning of the earlier one."""
        return self.as_of_ms - 2 * self.days * DAY_MS

    @property
    def n_steps(self) -> int:
        """Steps of each stretch in a small chart."""
        return self.days if self.days <= FEW_DAYS else self.days // 7

    @property
    def step_ms(self) -> int:
        """Length of such a step."""
        return self.days * DAY_MS // self.n_steps


def read(connection: Connection, windows: Windows, of: Interest) -> Happened:
    """What happened in both."""
    return happened_between(connection, windows.before_ms, windows.as_of_ms, KINDS[of])


def people(groups: Rows, users: Rows, n_groups: int) -> npt.NDArray[np.int64]:
    """How many different people turned to each group; shape `(n_groups,)`.

    Args:
        groups: Of each event, -1 of none; shape `(E,)`.
        users: Of each event; shape `(E,)`.
        n_groups: How many there are.
    """
    is_in_one = groups >= 0
    if not is_in_one.any():
        return np.zeros(n_groups, np.int64)
    width = int(users.max()) + 1
    pairs = np.unique(groups[is_in_one].astype(np.int64) * width + users[is_in_one])
    return np.bincount(pairs // width, minlength=n_groups).astype(np.int64)


def people_by_step(happened: Happened, mask: npt.NDArray[np.bool_], windows: Windows) -> list[int]:
    """Different people in each step of both stretches, the earlier one first; shape `(2 · n_steps,)`.

    Args:
        happened: Of both.
        mask: Which of these events; shape `(E,)`.
        windows: The stretches.
    """
    last = 2 * windows.n_steps - 1
    steps = np.minimum((happened.times_ms[mask] - windows.before_ms) // windows.step_ms, last)
    return people(steps.astype(np.int32), happened.user_rows[mask], last + 1).tolist()


def only(happened: Happened, kind: EventKind) -> npt.NDArray[np.bool_]:
    """Which events are of a kind; shape `(E,)`."""
    return happened.kinds == CODE_BY_KIND[kind]
