"""Purchases and impressions in some places of the shop, read on from where one stopped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.store.tables import events

KINDS = (CODE_BY_KIND[EventKind.PURCHASE], CODE_BY_KIND[EventKind.IMPRESSION])


class ScenarioEvent(NamedTuple):
    """One event; `seq` counts up in the order in which events were stored."""

    seq: int
    user_row: int
    item_row: int
    kind: int
    timestamp_ms: int
    price: float | None
    quantity: float | None


def scenario_events_after(connection: Connection, scenarios: Sequence[str], seq: int) -> list[ScenarioEvent]:
    """What was stored after an event, in the order in which it was.

    Cost:
        One look at every event after `seq`.
    """
    query = (
        select(
            events.c.seq,
            events.c.user_row,
            events.c.item_row,
            events.c.kind,
            events.c.timestamp_ms,
            events.c.price,
            events.c.quantity,
        )
        .where(
            events.c.seq > seq,
            events.c.scenario.in_(scenarios),
            events.c.kind.in_(KINDS),
            events.c.item_row.is_not(None),
        )
        .order_by(events.c.seq)
    )
    return [ScenarioEvent(*row) for row in connection.execute(query)]


def newest_seq(connection: Connection) -> int:
    """That of the event stored last; 0 without events."""
    return int(connection.execute(select(events.c.seq).order_by(events.c.seq.desc()).limit(1)).scalar() or 0)
