"""What came into the catalogue lately, and how it does beside the others that did."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import numpy as np
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from shelfwise.insight import windows as stretches
from shelfwise.insight.names import Named, named_items
from shelfwise.insight.period import moment
from shelfwise.insight.windows import DAY_MS, Interest, Windows
from shelfwise.schemas.events import EventKind
from shelfwise.store import event_windows, item_columns


class Arrival(BaseModel):
    """An item that is new."""

    what: Named
    arrived_at: datetime
    arrived_by: Literal["created_at", "first_event"] = Field(
        description="Whether the shop said so, or the first event of somebody with the item does."
    )
    people: int = Field(description="Different people who turned to it since.")
    buyers: int = Field(description="Different people who bought it since.")
    people_a_week: float = Field(description="Since it arrived; its first week counts as a whole one.")
    by_median: float | None = Field(description="That by the median of all arrivals; null where the median is 0.")
    steps: list[int] = Field(description="Different people by step, since the beginning of the stretch.")


class ArrivalReport(BaseModel):
    """Items that arrived in the days before a moment; those that most people turn to first."""

    as_of: datetime
    begins_at: datetime
    days: int
    n_arrivals: int
    n_unnoticed: int = Field(description="Arrivals that nobody turned to.")
    median_people_a_week: float | None
    arrivals: list[Arrival]


def arrival_report(connection: Connection, windows: Windows, k: int) -> ArrivalReport:
    """What arrived in the later stretch: by `created_at`, or where the shop does not tell it by the first event.

    An item that the shop says is older than the stretch is no arrival, whenever it is seen first.

    Args:
        connection: Any.
        windows: Which days; the earlier stretch is not looked at.
        k: Arrivals at most.

    Cost:
        A second for a million events in the stretch; where not all items have `created_at`, for a million of all.
    """
    arrived_ms, is_told = _arrivals(connection, windows)
    happened = event_windows.happened_between(
        connection, windows.starts_ms, windows.as_of_ms, stretches.KINDS[Interest.ANY]
    )
    n = item_columns.n_rows(connection)
    is_purchase = stretches.only(happened, EventKind.PURCHASE)
    people = stretches.people(happened.item_rows, happened.user_rows, n)
    buyers = stretches.people(happened.item_rows[is_purchase], happened.user_rows[is_purchase], n)
    rows = np.array(sorted(arrived_ms), np.int64)
    weeks = np.array([max(1.0, (windows.as_of_ms - arrived_ms[row]) / (7 * DAY_MS)) for row in rows.tolist()])
    pace = people[rows] / weeks if len(rows) else np.zeros(0)
    median = float(np.median(pace)) if len(rows) else None
    first = np.argsort(-pace, kind="stable")[:k]
    names = named_items(connection, rows[first].tolist())
    arrivals = [
        Arrival(
            what=names[row],
            arrived_at=moment(arrived_ms[row] / 1_000),
            arrived_by="created_at" if row in is_told else "first_event",
            people=int(people[row]),
            buyers=int(buyers[row]),
            people_a_week=float(pace[place]),
            by_median=float(pace[place] / median) if median else None,
            steps=stretches.people_by_step(happened, happened.item_rows == row, windows)[windows.n_steps :],
        )
        for place, row in zip(first.tolist(), rows[first].tolist(), strict=True)
    ]
    return ArrivalReport(
        as_of=moment(windows.as_of_ms / 1_000),
        begins_at=moment(windows.starts_ms / 1_000),
        days=windows.days,
        n_arrivals=len(rows),
        n_unnoticed=int((people[rows] == 0).sum()),
        median_people_a_week=median,
        arrivals=arrivals,
    )


def _arrivals(connection: Connection, windows: Windows) -> tuple[dict[int, int], set[int]]:
    """When each item arrived that did within the stretch, by row; and those of which the shop itself tells."""
    made_by_row = item_columns.created_ms(connection)
    told = {row: made for row, made in made_by_row.items() if made is not None}
    arrived = {row: made for row, made in told.items() if windows.starts_ms <= made < windows.as_of_ms}
    if len(told) < len(made_by_row):
        for row, first_ms in event_windows.first_times(connection).items():
            if row in made_by_row and row not in told and windows.starts_ms <= first_ms < windows.as_of_ms:
                arrived[row] = first_ms
    return arrived, told.keys() & arrived.keys()
