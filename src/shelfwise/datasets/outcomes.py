"""What a request led to: of each item, which of the shop's objectives happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfwise.config.objectives import ObjectiveSpec, ordered
from shelfwise.datasets.examples import Example, Examples
from shelfwise.datasets.interactions import DAY_MS, NEVER_MS, UNDONE_BY, Interactions
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Floats, Rows
from shelfwise.store.event_log import NO_SLATE

Places = npt.NDArray[np.intp]

RATED = tuple(CODE_BY_KIND[kind] for kind in (EventKind.RATING, EventKind.REVIEW))
"""Kinds whose value is a rating."""

KEPT_D = 30.0
"""Days after which what was not undone counts as kept.

Until they have passed for all that a request may have led to, nobody knows what of it is kept: neither of what came
back early, nor of what was not bought. To count these alone would make returns look likelier, and being kept rarer.
"""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What one request led to.

    Attributes:
        rows: Items that something happened to, ascending; shape `(N,)`.
        values: Of each item and objective: 1 where it happened, 0 where not, NaN where nobody knows yet; seconds where
            those are measured, NaN where none were told; shape `(N, K)`. All other items: 0, and no seconds.
    """

    rows: Rows
    values: Floats
    elsewhere: Floats

    def of(self, rows: Rows) -> Floats:
        """Of any items; shape `(len(rows), K)`."""
        found = np.repeat(self.elsewhere[None], len(rows), axis=0)
        if len(self.rows):
            place = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
            known = self.rows[place] == rows
            found[known] = self.values[place[known]]
        return found


class Judge:
    """Tells from a log what requests led to.

    Everything that happened to an item within an objective's window after the request counts, whether the request
    showed it or not: a shop that does not log its lists knows no better. Of a list that was logged it is known better:
    an event that names another list does not count, one that names none does, as a purchase at the till. Where
    timestamps only order events, the window is the rest of the user's log.
    """

    def __init__(self, log: Interactions, objectives: Mapping[str, ObjectiveSpec], now_ms: int) -> None:
        """Read a log.

        Args:
            log: What is known; the answers too.
            objectives: Parents before children.
            now_ms: The moment at which it is judged: nothing is known of what was undone after it.
        """
        self.objectives = ordered(objectives)
        self._log, self._now_ms = log, now_ms
        self._bounds = log.bounds()
        self._has_clock = log.has_clock
        taken_back = {CODE_BY_KIND[kind] for kind in UNDONE_BY} & set(np.unique(log.kinds).tolist())
        self._waits = {
            name: spec.kept and log.has_clock and any(CODE_BY_KIND[kind] in taken_back for kind in spec.events)
            for name, spec in self.objectives.items()
        }

    @property
    def latest_ms(self) -> float:
        """The latest moment whose windows are over."""
        longest_d = max((spec.window_d for spec in self.objectives.values()), default=0.0)
        return self._now_ms - longest_d * DAY_MS

    def over(self, examples: Examples) -> Examples:
        """Requests whose windows are over: of the others it is not known yet all that they will have led to.

        All of them where none is over, as in a log shorter than a window, or without a clock.
        """
        found = [one for one in examples if one.situation.now_ms <= self.latest_ms]
        return Examples(found) if found and self._has_clock else examples

    def of(self, example: Example, slate: int = NO_SLATE) -> Outcomes:
        """What the request of an example led to: by what its user did from the moment of the request on.

        Args:
            example: The request.
            slate: Number of the list that answered it, where it was logged.
        """
        user, asked_ms = example.user_row, example.situation.now_ms
        log = self._log
        first, end = int(self._bounds[user]), int(self._bounds[user + 1])
        start = first + int(np.searchsorted(log.times_ms[first:end], asked_ms))
        rows, place = np.unique(log.item_rows[start:end], return_inverse=True)
        values = np.zeros((len(rows), len(self.objectives)), np.float32)
        names = list(self.objectives)
        for column, spec in enumerate(self.objectives.values()):
            within = slice(start, end)
            inside = np.isin(log.kinds[within], [CODE_BY_KIND[kind] for kind in spec.events])
            if self._has_clock:
                inside &= log.times_ms[within] < asked_ms + spec.window_d * DAY_MS
            if slate != NO_SLATE and log.slates is not None:
                inside &= (log.slates[within] == slate) | (log.slates[within] == NO_SLATE)
            at = np.flatnonzero(inside)
            values[:, column] = self._measured(spec, at + start, place[at], len(rows))
        # Who did the later thing did the earlier: a shop that logs no views of what was bought lost them. Last first.
        for name in reversed(names):
            parent = self.objectives[name].given
            if parent is not None and self.objectives[name].measure == "happens":
                column, above = names.index(name), names.index(parent)
                values[values[:, column] > 0, above] = 1
        for name in names:
            parent = self.objectives[name].given
            if parent is not None and self.objectives[name].measure == "happens":
                column, above = names.index(name), names.index(parent)
                values[values[:, above] == 0, column] = 0
        elsewhere = np.zeros(len(names), np.float32)
        for column, (name, spec) in enumerate(self.objectives.items()):
            if self._waits[name] and asked_ms + (spec.window_d + KEPT_D) * DAY_MS > self._now_ms:
                values[:, column] = elsewhere[column] = np.nan
        return Outcomes(rows.astype(np.int32), values, elsewhere)

    def _measured(self, spec: ObjectiveSpec, events: Places, place: Places, n: int) -> Floats:
        log = self._log
        told = np.full(len(events), np.nan, np.float32) if log.values is None else log.values[events]
        if spec.measure == "seconds":
            known = told > 0
            seconds = np.bincount(place[known], told[known], minlength=n).astype(np.float32)
            return np.where(seconds > 0, seconds, np.nan).astype(np.float32)
        is_rating = np.isin(log.kinds[events], RATED) & ~np.isnan(told)
        is_low = is_rating & (told < (-np.inf if spec.at_least is None else spec.at_least))
        happened, failed = ~is_low, is_low
        if spec.kept:
            undone = np.full(len(events), NEVER_MS) if log.undone_ms is None else log.undone_ms[events]
            was_undone = undone < self._now_ms
            failed, happened = failed | was_undone, happened & ~was_undone
        found = np.zeros(n, np.float32)
        found[place[happened]] = 1
        found[place[failed]] = 0
        return found
