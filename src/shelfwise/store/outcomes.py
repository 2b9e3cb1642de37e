"""What came of answers: the events that name the answer's `slate_id`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from shelfwise.schemas.events import CODE_BY_KIND, KIND_BY_CODE, EventKind
from shelfwise.store.tables import events

CHUNK = 500
"""Answers in one query."""


class Outcome(NamedTuple):
    """One event that answers a slate; impressions say that it was seen and are none."""

    slate_id: str
    item_row: int
    kind: EventKind


def of_slates(connection: Connection, slate_ids: Sequence[str], item_row: int | None = None) -> list[Outcome]:
    """What people did with what these answers showed.

    Args:
        slate_ids: The answers.
        item_row: Only with this item; None: with any.

    Cost:
        One look at the index of attributed events for each answer.
    """
    found: list[Outcome] = []
    for start in range(0, len(slate_ids), CHUNK):
        query = select(events.c.slate_id, events.c.item_row, events.c.kind).where(
            events.c.slate_id.in_(slate_ids[start : start + CHUNK]),
            events.c.item_row.is_not(None),
            events.c.kind != CODE_BY_KIND[EventKind.IMPRESSION],
        )
        if item_row is not None:
            query = query.where(events.c.item_row == item_row)
        found.extend(
            Outcome(slate_id, int(row), KIND_BY_CODE[kind]) for slate_id, row, kind in connection.execute(query)
        )
    return found
