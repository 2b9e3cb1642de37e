"""Events of a stretch of time, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, func, select

from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Rows, Times
from shelfwise.store.tables import events

CHUNK = 50_000


class Happened(NamedTuple):
    """Events with an item, in no order; shape `(E,)` each."""

    item_rows: Rows
    user_rows: Rows
    kinds: npt.NDArray[np.int8]
    times_ms: Times


def happened_between(connection: Connection, from_ms: int, to_ms: int, kinds: Sequence[EventKind]) -> Happened:
    """Events of these kinds from a moment on and before another.

    Cost:
        One read of the index `events_by_time`: about a second for a million events of that time.
    """
    query = select(events.c.item_row, events.c.user_row, events.c.kind, events.c.timestamp_ms).where(
        events.c.timestamp_ms >= from_ms,
        events.c.timestamp_ms < to_ms,
        events.c.kind.in_([CODE_BY_KIND[kind] for kind in kinds]),
        events.c.item_row.is_not(None),
    )
    parts = [np.empty((0, 4), np.int64)]
    for chunk in connection.execute(query, execution_options={"yield_per": CHUNK}).partitions(CHUNK):
        rows: Sequence[Any] = chunk
        parts.append(np.array([tuple(row) for row in rows], np.int64))
    items, users, codes, times = np.concatenate(parts).T
    return Happened(items.astype(np.int32), users.astype(np.int32), codes.astype(np.int8), times)


def first_times(connection: Connection) -> dict[int, int]:
    """When the first event of each item happened, by item row.

    Cost:
        One read of the whole index `events_by_time`.
    """
    query = (
        select(events.c.item_row, func.min(events.c.timestamp_ms))
        .where(events.c.item_row.is_not(None))
        .group_by(events.c.item_row)
    )
    return {int(row): int(first) for row, first in connection.execute(query)}


class Searched(NamedTuple):
    """One search."""

    text: str
    user_row: int


def searches_between(connection: Connection, from_ms: int, to_ms: int) -> list[Searched]:
    """Events of the kind `search` that carry a text, from a moment on and before another."""
    query = select(events.c.query, events.c.user_row).where(
        events.c.timestamp_ms >= from_ms,
        events.c.timestamp_ms < to_ms,
        events.c.kind == CODE_BY_KIND[EventKind.SEARCH],
        events.c.query.is_not(None),
    )
    return [Searched(text, int(user)) for text, user in connection.execute(query)]
