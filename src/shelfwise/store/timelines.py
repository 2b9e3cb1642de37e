"""What one person did, page by page, the latest first."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, tuple_

from shelfwise.schemas.events import CODE_BY_KIND, KIND_BY_CODE, EventKind
from shelfwise.store.tables import events, items

COUNTED = 20_000
"""Latest events of one person that are told apart by kind."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One event, with what its item is called now.

    Attributes:
        seq: The store's number.
    """

    seq: int
    timestamp_ms: int
    kind: EventKind
    item_id: str | None
    title: str | None
    value: float | None
    quantity: float | None
    price: float | None
    currency: str | None
    scenario: str | None
    position: int | None
    slate_id: str | None
    query: str | None
    device: str | None


def page(
    connection: Connection,
    user_row: int,
    n: int,
    before: tuple[int, int] | None = None,
    *,
    impressions: bool = True,
) -> list[Moment]:
    """The `n` events of a person before a moment, the latest first.

    Args:
        impressions: Whether what was merely shown is told too.
        before: Time and number of the last event of the page before; None: from the latest on.

    Cost:
        `n` entries of the index by user, and their rows.
    """
    query = (
        select(
            events.c.seq,
            events.c.timestamp_ms,
            events.c.kind,
            items.c.item_id,
            items.c.title,
            events.c.value,
            events.c.quantity,
            events.c.price,
            events.c.currency,
            events.c.scenario,
            events.c.position,
            events.c.slate_id,
            events.c.query,
            events.c.device,
        )
        .outerjoin(items, items.c.row == events.c.item_row)
        .where(events.c.user_row == user_row)
        .order_by(events.c.timestamp_ms.desc(), events.c.seq.desc())
        .limit(n)
    )
    if not impressions:
        query = query.where(events.c.kind != CODE_BY_KIND[EventKind.IMPRESSION])
    if before is not None:
        query = query.where(tuple_(events.c.timestamp_ms, events.c.seq) < tuple_(*before))
    return [
        Moment(int(seq), int(timestamp_ms), KIND_BY_CODE[kind], *told)
        for seq, timestamp_ms, kind, *told in connection.execute(query)
    ]


def counts_by_kind(connection: Connection, user_row: int) -> dict[EventKind, int]:
    """How many of a person's latest `COUNTED` events are of each kind, the most frequent first."""
    latest = (
        select(events.c.kind)
        .where(events.c.user_row == user_row)
        .order_by(events.c.timestamp_ms.desc(), events.c.seq.desc())
        .limit(COUNTED)
        .subquery()
    )
    query = select(latest.c.kind, func.count()).group_by(latest.c.kind)
    found = {KIND_BY_CODE[kind]: int(n) for kind, n in connection.execute(query)}
    return dict(sorted(found.items(), key=lambda entry: -entry[1]))
