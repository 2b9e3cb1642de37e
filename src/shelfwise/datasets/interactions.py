"""Interactions: the events that show interest, as columns sorted by user and time."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from shelfwise.schemas.candidates import ANY_KIND, History
from shelfwise.schemas.devices import DeviceCodes
from shelfwise.schemas.events import CODE_BY_KIND, POSITIVE_KINDS, EventKind
from shelfwise.schemas.ids import FIRST_REAL_TIME_MS, Bools, Floats, Rows, Times
from shelfwise.schemas.scenario_names import (
    NO_SCENARIOS,
    UNKNOWN,
    ScenarioCodes,
    ScenarioNames,
    codes_of_events,
    no_codes,
)
from shelfwise.store.event_log import EventArrays

DAY_MS = 86_400_000
NEVER_MS = np.iinfo(np.int64).max
"""Later than any event."""

UNDONE_BY = {EventKind.PURCHASE: EventKind.RETURN, EventKind.CART: EventKind.CART_REMOVE}
"""What takes back what."""

ENOUGH_TARGETS = 1_000
"""So many events of a kind, or one in a hundred of all, make it worth predicting."""


@dataclass(frozen=True, slots=True)
class Interactions:
    """Events with an item that show interest, sorted by user, then time, then arrival; shape `(E,)` each.

    Attributes:
        user_rows: Who.
        item_rows: What.
        kinds: Codes of `EventKind`.
        times_ms: When.
        prices: Money for one piece; NaN where the event names none.
        sessions: A number per session, -1 without one.
        n_users: One more than the highest user row in the store.
        n_items: One more than the highest item row in the store.
        scenarios: Where, as codes of `scenario_names`; all unknown where left out.
        scenario_names: What the codes mean; the same for every part of a log, however early.
        values: The event's number: a rating, seconds of dwell; NaN without one. None stands for none anywhere.
        undone_ms: When the same user undid it: a purchase by a return, a cart by a removal; `NEVER_MS` where that
            did not happen. None stands for nowhere.
        slates: A number per list that the event answers, `NO_SLATE` where it names none. None stands for nowhere.
        devices: Codes of `schemas.devices`. None stands for not said anywhere.
    """

    user_rows: npt.NDArray[np.int32]
    item_rows: Rows
    kinds: npt.NDArray[np.int8]
    times_ms: Times
    prices: Floats
    sessions: npt.NDArray[np.int64]
    n_users: int
    n_items: int
    scenarios: ScenarioCodes = field(default_factory=no_codes)
    scenario_names: ScenarioNames = NO_SCENARIOS
    values: Floats | None = None
    undone_ms: Times | None = None
    slates: npt.NDArray[np.int64] | None = None
    devices: DeviceCodes | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "scenarios", codes_of_events(self.scenarios, len(self.item_rows)))

    def __len__(self) -> int:
        return len(self.item_rows)

    def known_by(self, names: ScenarioNames) -> Interactions:
        """The same events for who knows fewer scenarios: to him the others are unknown.

        Args:
            names: The first of these events' `scenario_names`: codes stay when training goes on.
        """
        codes = np.where(self.scenarios > len(names), UNKNOWN, self.scenarios).astype(np.int8)
        return replace(self, scenarios=codes, scenario_names=names)

    @classmethod
    def of(
        cls, events: EventArrays, *, n_users: int, n_items: int, scenario_names: ScenarioNames | None = None
    ) -> Interactions:
        """Keep what shows interest.

        Args:
            scenario_names: Those of the model that reads the log; None: as it names them itself.
        """
        positive = _shows_interest(events)
        names = scenario_names_of(events) if scenario_names is None else scenario_names
        # One code more than names, for events without a scenario: it stands last, where -1 looks it up.
        codes = names.codes([*events.scenario_names, None])
        return cls(
            events.user_rows[positive],
            events.item_rows[positive],
            events.kinds[positive],
            events.times_ms[positive],
            events.prices[positive],
            events.sessions[positive],
            n_users,
            n_items,
            codes[events.scenarios[positive]],
            names,
            values=events.values[positive],
            undone_ms=undone_ms(events)[positive],
            slates=None if events.slates is None else events.slates[positive],
            devices=None if events.devices is None else events.devices[positive],
        )

    def where(self, keep: Bools | npt.NDArray[np.intp]) -> Interactions:
        """Some of them, in the same order."""
        columns: dict[str, Any] = {
            one.name: getattr(self, one.name) if one.name in _OF_THE_WHOLE else getattr(self, one.name)[keep]
            for one in fields(self)
            if getattr(self, one.name) is not None
        }
        return Interactions(**columns)

    def before(self, time_ms: int) -> Interactions:
        """What happened strictly earlier."""
        return self.where(self.times_ms < time_ms)

    @property
    def has_clock(self) -> bool:
        """Whether timestamps are moments; otherwise they only order one user's events."""
        return len(self) > 0 and bool(np.median(self.times_ms) >= FIRST_REAL_TIME_MS)

    @property
    def end_ms(self) -> int:
        """The moment just after the last event; 0 without events."""
        return int(self.times_ms.max()) + 1 if len(self) else 0

    def bounds(self) -> npt.NDArray[np.intp]:
        """Where each user's events start; user `u` has `[bounds[u], bounds[u + 1])`; shape `(n_users + 1,)`."""
        return np.searchsorted(self.user_rows, np.arange(self.n_users + 1))

    def history(self, start: int, end: int) -> History:
        """The events at positions `[start, end)`, all of one user, as a history."""
        owner = int(self.user_rows[start]) if start < end else -1
        events = slice(start, end)
        return History(self.item_rows[events], self.kinds[events], self.times_ms[events], owner, self.scenarios[events])


_OF_THE_WHOLE = frozenset({"n_users", "n_items", "scenario_names"})
"""Fields of `Interactions` that are no columns."""


def scenario_names_of(events: EventArrays, before: ScenarioNames | None = None) -> ScenarioNames:
    """The scenarios that enough events of interest name.

    Args:
        before: Names of an earlier training, whose codes stay.
    """
    counted = events.scenarios[_shows_interest(events) & (events.scenarios >= 0)]
    n_events = np.bincount(counted, minlength=len(events.scenario_names)).tolist()
    return ScenarioNames.seen(dict(zip(events.scenario_names, n_events, strict=True)), before)


def _shows_interest(events: EventArrays) -> Bools:
    return np.isin(events.kinds, [CODE_BY_KIND[kind] for kind in POSITIVE_KINDS])


def undone_ms(events: EventArrays) -> Times:
    """When each event was taken back by the same user: by the first undoing of the same item at or after it.

    One undoing takes back all of its pair before it: a log does not say which piece came back.

    Returns:
        Shape `(E,)`; `NEVER_MS` where that did not happen.
    """
    found = np.full(len(events.kinds), NEVER_MS, np.int64)
    pairs = events.user_rows.astype(np.int64) * (int(events.item_rows.max(initial=0)) + 1) + events.item_rows
    for done, undoing in UNDONE_BY.items():
        of_both = np.flatnonzero(np.isin(events.kinds, [CODE_BY_KIND[done], CODE_BY_KIND[undoing]]))
        is_undoing = events.kinds[of_both] == CODE_BY_KIND[undoing]
        # Backwards through each pair's events, an undoing after what it may undo at the same time: the undoing last
        # passed is the first that follows.
        order = np.lexsort((is_undoing, events.times_ms[of_both], pairs[of_both]))[::-1]
        passed, passed_ms = -1, NEVER_MS
        for place, pair, undoes in zip(
            of_both[order].tolist(), pairs[of_both][order].tolist(), is_undoing[order].tolist(), strict=True
        ):
            if undoes:
                passed, passed_ms = pair, int(events.times_ms[place])
            elif passed == pair:
                found[place] = passed_ms
    return found


def had_code(had: str, target: EventKind) -> int:
    """The code of what makes an item one that a user had: that of the target, or of any kind ("any")."""
    return ANY_KIND if had == "any" else CODE_BY_KIND[target]


def target_kind(interactions: Interactions, wanted: EventKind | str) -> EventKind:
    """The kind of event to predict.

    Args:
        wanted: A kind, or "auto": the strongest of which there is enough, else the most frequent.
    """
    if wanted != "auto":
        return EventKind(wanted)
    counts = np.bincount(interactions.kinds, minlength=len(EventKind))
    enough = min(ENOUGH_TARGETS, max(1, len(interactions) // 100))
    for kind in POSITIVE_KINDS:
        if counts[CODE_BY_KIND[kind]] >= enough:
            return kind
    return max(POSITIVE_KINDS, key=lambda kind: counts[CODE_BY_KIND[kind]])
