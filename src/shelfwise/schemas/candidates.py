"""What the ranking stages hand to each other: NumPy arrays, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from shelfwise.schemas.devices import UNKNOWN_DEVICE
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Bools, Floats, Rows, Times
from shelfwise.schemas.scenario_names import UNKNOWN, ScenarioCodes, codes_of_events, no_codes

ANY_KIND = -1
"""Stands for the code of every kind of event."""


@dataclass(frozen=True, slots=True)
class History:
    """What one user did, oldest first.

    Attributes:
        rows: Items; shape `(T,)`.
        kinds: Codes of `EventKind`; shape `(T,)`.
        times_ms: When; shape `(T,)`, never falling.
        user_row: Whose it is; -1 for a stranger's.
        scenarios: Where, as codes of the model's `ScenarioNames`; shape `(T,)`; all unknown where left out.
    """

    rows: Rows
    kinds: npt.NDArray[np.int8]
    times_ms: Times
    user_row: int = -1
    scenarios: ScenarioCodes = field(default_factory=no_codes)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scenarios", codes_of_events(self.scenarios, len(self.rows)))

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def empty(cls) -> History:
        """The history of somebody we know nothing of."""
        return cls(np.empty(0, np.int32), np.empty(0, np.int8), np.empty(0, np.int64))

    def last(self, n: int) -> History:
        """The `n` latest events."""
        if n <= 0:
            return History.empty()
        return self._part(slice(-n, None))

    def where(self, keep: Bools) -> History:
        """Some of the events, in the same order; shape `(T,)`."""
        return self._part(keep)

    def _part(self, events: slice | Bools) -> History:
        return History(
            self.rows[events], self.kinds[events], self.times_ms[events], self.user_row, self.scenarios[events]
        )


class LatestItems(NamedTuple):
    """Distinct items, latest first; a repeated one stands where it is latest.

    Attributes:
        rows: Shape `(S,)`.
        moments: How many moments before the latest one each was; shape `(S,)`. A moment is a distinct timestamp: the
            lines of one invoice are equally recent.
    """

    rows: Rows
    moments: npt.NDArray[np.int64]

    @classmethod
    def of(cls, history: History, context: Rows) -> Self:
        """Of a history, and of what the request itself names, which is more recent than all history."""
        rows = np.concatenate([context[::-1], history.rows[::-1]]) if len(context) else history.rows[::-1]
        times = history.times_ms[::-1]
        moments = np.zeros(len(times), np.int64)
        np.cumsum(times[1:] != times[:-1], out=moments[1:])
        if len(context):
            moments = np.concatenate([np.zeros(len(context), np.int64), moments + 1])
        # The first of each row in a stable order is where it is latest.
        order = rows.argsort(kind="stable")
        ordered = rows[order]
        is_first = np.ones(len(rows), bool)
        np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
        first = order[is_first]
        first.sort()
        return cls(rows[first], moments[first])


@dataclass(frozen=True, slots=True)
class Situation:
    """One request as the retrievers and the ranker see it: ids resolved, time fixed.

    Attributes:
        history: The user's interest shown so far.
        now_ms: The moment of the request; nothing later may be known.
        context: Items that the request itself names (the product page's item, the cart); shape `(C,)`.
        target: Code of the kind of event that makes an item one that the user "had"; `ANY_KIND`: any that shows
            interest does.
        profile: What the user says of himself, as a vector of length 1 in the space of the items' texts; shape `(D,)`;
            None where nothing is known, or the model reads no profiles.
        scenario: Code of the place that asks: where the items that the request names are looked at.
        region: Where the trends are asked for; None: nowhere in particular.
        device: Code of the device that asks, see `schemas.devices`.
    """

    history: History
    now_ms: int
    context: Rows
    target: int = CODE_BY_KIND[EventKind.PURCHASE]
    profile: Floats | None = field(default=None, compare=False)
    scenario: int = UNKNOWN
    region: str | None = None
    device: int = UNKNOWN_DEVICE
    _latest_items: LatestItems | None = field(default=None, init=False, compare=False, repr=False)

    def latest(self, n: int) -> Situation:
        """The same request with only the last `n` events known."""
        return self if len(self.history) <= n else replace(self, history=self.history.last(n))

    @property
    def had(self) -> Rows:
        """Items of the history that the target event happened to: looking at an item is not having it, as a rule."""
        if self.target == ANY_KIND:
            return self.history.rows
        return self.history.rows[self.history.kinds == self.target]

    @property
    def seeds(self) -> Rows:
        """History then context, oldest first: the items that speak for what comes next."""
        return np.concatenate([self.history.rows, self.context]) if len(self.context) else self.history.rows

    @property
    def latest_items(self) -> LatestItems:
        """The distinct items among the seeds; found once, however many ask."""
        if self._latest_items is None:
            object.__setattr__(self, "_latest_items", LatestItems.of(self.history, self.context))
        assert self._latest_items is not None
        return self._latest_items


ScoreOf = Callable[[Rows], Floats]
"""Scores of rows, on the scale of the retriever's own; shape as the rows'."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """One retriever's answer, best first.

    Attributes:
        rows: Distinct items; shape `(N,)`.
        scores: Higher is better, never rising; shape `(N,)`.
        score_of: The score of any rows, named or not, where the retriever knows it at no cost: what others name is
            then judged by all. None where it cannot tell.
    """

    rows: Rows
    scores: Floats
    score_of: ScoreOf | None = field(default=None, compare=False)

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def empty(cls) -> Candidates:
        """No answer."""
        return cls(np.empty(0, np.int32), np.empty(0, np.float32))


@dataclass(frozen=True, slots=True)
class Merged:
    """The union of several retrievers' answers.

    Attributes:
        rows: Distinct items, ascending; shape `(N,)`.
        scores: Each retriever's own score, NaN where it cannot tell; shape `(N, R)`.
        ranks: Each retriever's 1-based rank, 0 where it did not name the item; shape `(N, R)`.
        sources: The retrievers' names, in the order of the columns; length R.
    """

    rows: Rows
    scores: Floats
    ranks: Rows
    sources: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)
