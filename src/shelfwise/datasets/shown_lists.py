"""Lists that were shown: what stood in each, where, and who saw it; as the shop logged its impressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from shelfwise.schemas.devices import UNKNOWN_DEVICE, DeviceCodes
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Bools, Floats, Rows, Times
from shelfwise.schemas.scenario_names import ScenarioCodes, ScenarioNames
from shelfwise.store.event_log import NO_SLATE, EventArrays


class ShownList(NamedTuple):
    """One list.

    Attributes:
        user_row: Who saw it.
        slate: Its number, see `store.event_log.slate_number`.
        time_ms: Of its first impression.
        scenario: Code of the place that showed it.
        device: Code of the device that it was shown on.
        rows: Items, without repeats, by position; shape `(N,)`.
        positions: 1-based; 0 where the shop logged none; shape `(N,)`.
        prices: As shown; NaN where the impression names none; shape `(N,)`.
    """

    user_row: int
    slate: int
    time_ms: int
    scenario: int
    device: int
    rows: Rows
    positions: npt.NDArray[np.int32]
    prices: Floats


@dataclass(frozen=True, slots=True)
class ShownLists:
    """All lists as columns, sorted by time; B lists, N impressions.

    Attributes:
        user_rows: Shape `(B,)`, as all up to `devices`; see `ShownList`.
        slates: Numbers.
        times_ms: Never falling.
        scenarios: Codes.
        devices: Codes.
        starts: Where each list's impressions start; shape `(B + 1,)`.
        item_rows: Shape `(N,)`, as all that follow.
        positions: Rising within a list.
        prices: NaN where none was said.
    """

    user_rows: npt.NDArray[np.int32]
    slates: npt.NDArray[np.int64]
    times_ms: Times
    scenarios: ScenarioCodes
    devices: DeviceCodes
    starts: npt.NDArray[np.int64]
    item_rows: Rows
    positions: npt.NDArray[np.int32]
    prices: Floats

    @classmethod
    def of(cls, events: EventArrays, names: ScenarioNames) -> Self:
        """Gather the impressions that name their list.

        Impressions of one user with one `slate_id` are one list. It is as old as the first of them; an item that stands
        in it twice counts where it stood first.

        Args:
            events: All of them.
            names: Scenarios, as the model calls them.

        Cost:
            A sort of the impressions; some 40 bytes for each while it runs, and no object per list.
        """
        if events.slates is None:
            return cls.none()
        is_shown = (events.kinds == CODE_BY_KIND[EventKind.IMPRESSION]) & (events.slates != NO_SLATE)
        at = np.flatnonzero(is_shown)
        if not len(at):
            return cls.none()
        positions = np.zeros(len(events.kinds), np.int32) if events.positions is None else events.positions
        devices = np.full(len(events.kinds), UNKNOWN_DEVICE, np.int8) if events.devices is None else events.devices
        # Events come by user, time and arrival; within a list by position, those without one after the others.
        place = np.where(positions[at] > 0, positions[at], np.iinfo(np.int32).max)
        at = at[np.lexsort((place, events.slates[at], events.user_rows[at]))]
        is_first = np.ones(len(at), bool)
        is_first[1:] = (events.slates[at[1:]] != events.slates[at[:-1]]) | (
            events.user_rows[at[1:]] != events.user_rows[at[:-1]]
        )
        owners = np.cumsum(is_first) - 1
        at, owners = _without_repeats(at, owners, events.item_rows[at])
        times_ms = np.full(int(owners[-1]) + 1, np.iinfo(np.int64).max, np.int64)
        np.minimum.at(times_ms, owners, events.times_ms[at])
        # By time; impressions follow their list.
        order = np.argsort(times_ms, kind="stable")
        n_of = np.bincount(owners, minlength=len(times_ms))
        begins = np.cumsum(n_of) - n_of
        lengths = n_of[order]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        at = at[np.repeat(begins[order] - starts[:-1], lengths) + np.arange(len(at))]
        head = at[starts[:-1]]
        codes = names.codes([*events.scenario_names, None])
        return cls(
            events.user_rows[head],
            events.slates[head],
            times_ms[order],
            codes[events.scenarios[head]],
            devices[head],
            starts,
            events.item_rows[at],
            positions[at],
            events.prices[at],
        )

    @classmethod
    def none(cls) -> Self:
        """Of a shop that logs no lists."""
        return cls(
            np.empty(0, np.int32),
            np.empty(0, np.int64),
            np.empty(0, np.int64),
            np.empty(0, np.int8),
            np.empty(0, np.int8),
            np.zeros(1, np.int64),
            np.empty(0, np.int32),
            np.empty(0, np.int32),
            np.empty(0, np.float32),
        )

    def __len__(self) -> int:
        return len(self.user_rows)

    def __iter__(self) -> Iterator[ShownList]:
        for place in range(len(self)):
            yield self[place]

    def __getitem__(self, place: int) -> ShownList:
        inside = slice(int(self.starts[place]), int(self.starts[place + 1]))
        return ShownList(
            int(self.user_rows[place]),
            int(self.slates[place]),
            int(self.times_ms[place]),
            int(self.scenarios[place]),
            int(self.devices[place]),
            self.item_rows[inside],
            self.positions[inside],
            self.prices[inside],
        )

    def before(self, time_ms: int) -> ShownLists:
        """Those shown strictly earlier."""
        n = int(np.searchsorted(self.times_ms, time_ms))
        end = int(self.starts[n])
        return ShownLists(
            self.user_rows[:n],
            self.slates[:n],
            self.times_ms[:n],
            self.scenarios[:n],
            self.devices[:n],
            self.starts[: n + 1],
            self.item_rows[:end],
            self.positions[:end],
            self.prices[:end],
        )

    def within(self, cut_ms: int, until_ms: int, users: Bools) -> npt.NDArray[np.intp]:
        """Places of the lists shown in `[cut_ms, until_ms)` to somebody who may be asked about, ascending."""
        first, last = np.searchsorted(self.times_ms, [cut_ms, until_ms])
        places = np.arange(first, last)
        return places[users[self.user_rows[places]]]


def _without_repeats(
    at: npt.NDArray[np.intp], owners: npt.NDArray[np.intp], rows: Rows
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Each item of a list once, where it stands first; the order stays."""
    pairs = owners.astype(np.int64) * (int(rows.max(initial=0)) + 1) + rows
    _, first = np.unique(pairs, return_index=True)
    kept = np.sort(first)
    return at[kept], owners[kept]
