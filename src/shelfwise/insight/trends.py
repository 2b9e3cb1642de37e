"""What people turn to more than they did, and what less: items, categories or brands by rate of change."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from shelfwise.insight import windows as stretches
from shelfwise.insight.change import CONFIDENCE, FALSE_SHARE, Change, changes
from shelfwise.insight.names import Grouping, Groups, Named, groups, named_items
from shelfwise.insight.period import moment
from shelfwise.insight.windows import Interest, Windows
from shelfwise.store.event_windows import Happened


class Trend(BaseModel):
    """One that changed beyond what chance explains."""

    what: Named
    people: int = Field(description="Different people in the later stretch.")
    people_before: int
    ratio: float | None = Field(description="People by people before; null where there were none before.")
    low: float = Field(
        description="That ratio, less what the whole shop changed by, is at least this; 95 % confidence."
    )
    high: float
    steps: list[int] = Field(description="Different people by step, the earlier stretch first.")


class TrendReport(BaseModel):
    """What rose and what fell, strongest first."""

    as_of: datetime = Field(description="End of the later stretch.")
    begins_at: datetime = Field(description="Its beginning, and end of the earlier one of the same length.")
    before_at: datetime = Field(description="Beginning of the earlier one.")
    days: int
    by: Grouping
    of: Interest
    people: int = Field(description="Different people in the whole shop in the later stretch.")
    people_before: int
    steps: list[int] = Field(description="Different people in the whole shop by step, the earlier stretch first.")
    n_groups: int = Field(description="Items, categories or brands that there are.")
    n_tested: int = Field(description="Those with enough people to tell a change.")
    n_rising: int
    n_falling: int
    confidence: float = Field(description="Of the bounds `low` and `high`.")
    false_share: float = Field(
        description="Share of all that rise or fall here which chance is expected to have moved."
    )
    rising: list[Trend] = Field(description="By `low`, highest first.")
    falling: list[Trend] = Field(description="By `high`, lowest first.")


def trend_report(connection: Connection, windows: Windows, by: Grouping, of: Interest, k: int) -> TrendReport:
    """Compare the days before a moment with as many days before these.

    People are counted, not events: a wholesaler's hundred lines are one. A change is told against the change of
    the whole shop, so that at Christmas not everything rises; see `change`.

    Args:
        connection: Any.
        windows: Which days.
        by: What is compared.
        of: What people did.
        k: Of each direction at most.

    Cost:
        About a second for a million events in both stretches.
    """
    happened = stretches.read(connection, windows, of)
    known = groups(connection, by)
    group_of_event = known.of_item[happened.item_rows]
    is_later = happened.times_ms >= windows.starts_ms
    now, before = (
        stretches.people(group_of_event[mask], happened.user_rows[mask], known.n) for mask in (is_later, ~is_later)
    )
    change = changes(now, before)
    rising = _first(change.is_rising, -change.low, k)
    falling = _first(change.is_falling, change.high, k)
    told = _Told(connection, windows, happened, known, group_of_event, [*rising, *falling])
    return TrendReport(
        as_of=moment(windows.as_of_ms / 1_000),
        begins_at=moment(windows.starts_ms / 1_000),
        before_at=moment(windows.before_ms / 1_000),
        days=windows.days,
        by=by,
        of=of,
        people=len(np.unique(happened.user_rows[is_later])),
        people_before=len(np.unique(happened.user_rows[~is_later])),
        steps=stretches.people_by_step(happened, np.ones(len(is_later), bool), windows),
        n_groups=known.n,
        n_tested=change.n_tested,
        n_rising=int(change.is_rising.sum()),
        n_falling=int(change.is_falling.sum()),
        confidence=CONFIDENCE,
        false_share=FALSE_SHARE,
        rising=[told.trend(group, now, before, change) for group in rising],
        falling=[told.trend(group, now, before, change) for group in falling],
    )


def _first(is_in: npt.NDArray[np.bool_], key: npt.NDArray[np.float64], k: int) -> list[int]:
    found = np.flatnonzero(is_in)
    return found[np.argsort(key[found], kind="stable")[:k]].tolist()


class _Told:
    """Puts groups into words and small charts."""

    def __init__(
        self,
        connection: Connection,
        windows: Windows,
        happened: Happened,
        known: Groups,
        group_of_event: npt.NDArray[np.int32],
        wanted: list[int],
    ) -> None:
        self._windows, self._happened, self._group_of_event = windows, happened, group_of_event
        if known.names is not None:
            self._names = {group: Named(name=known.names[group]) for group in wanted}
        else:
            self._names = named_items(connection, wanted)

    def trend(self, group: int, now: npt.NDArray[np.int64], before: npt.NDArray[np.int64], change: Change) -> Trend:
        return Trend(
            what=self._names[group],
            people=int(now[group]),
            people_before=int(before[group]),
            ratio=float(now[group] / before[group]) if before[group] else None,
            low=float(change.low[group]),
            high=float(change.high[group]),
            steps=stretches.people_by_step(self._happened, self._group_of_event == group, self._windows),
        )
