"""Events of a block stored, and what the store refused of them."""

from __future__ import annotations

from sqlalchemy import Connection

from shelfwise.ingest.blocks import Block
from shelfwise.ingest.event_rows import CheckedEvents
from shelfwise.ingest.reasons import Reason
from shelfwise.store import event_log
from shelfwise.store.identities import find_rows
from shelfwise.store.sources import Refused
from shelfwise.store.tables import items


def append_events(
    connection: Connection, block: Block, checked: CheckedEvents, source: int
) -> tuple[int, list[Refused]]:
    """Store the events of a block; the count of records stored, and further refusals."""
    append = _append_exploded if block.is_exploded else _append
    return append(connection, block, checked, source)


def _append(connection: Connection, block: Block, checked: CheckedEvents, source: int) -> tuple[int, list[Refused]]:
    """Store the events of a block whose records are one event each; the count stored, and further refusals."""
    outcome = event_log.append(connection, checked.events, source)
    refused = [_unknown(block, checked, index) for index in outcome.unknown_items]
    refused.extend(
        block.refuse(checked.records[index], Reason.DUPLICATE, _repeated(twin.line))
        for index, twin in outcome.twins.items()
        if twin.source == source
    )
    return len(outcome.stored), refused


def _append_exploded(
    connection: Connection, block: Block, checked: CheckedEvents, source: int
) -> tuple[int, list[Refused]]:
    """Store the events of a block whose records can be several: all of a record's events or none.

    A record is stored where any of its events is new, a duplicate where an earlier line has them all.
    """
    known = find_rows(
        connection,
        items,
        items.c.item_id,
        (event.item_id for event in checked.events if event.item_id is not None),
    )
    unknown: dict[int, int] = {}
    for index, event in enumerate(checked.events):
        if event.item_id is not None and event.item_id not in known:
            unknown.setdefault(checked.records[index], index)
    kept = [index for index, record in enumerate(checked.records) if record not in unknown]
    outcome = event_log.append(connection, [checked.events[index] for index in kept], source)
    new = {checked.records[kept[index]] for index in outcome.stored}
    refused = [_unknown(block, checked, index) for index in unknown.values()]
    first_twins: dict[int, int | None] = {}
    elsewhere: set[int] = set()
    for index, twin in outcome.twins.items():
        record = checked.records[kept[index]]
        if twin.source != source:
            elsewhere.add(record)
        first_twins.setdefault(record, twin.line)
    refused.extend(
        block.refuse(record, Reason.DUPLICATE, _repeated(line))
        for record, line in first_twins.items()
        if record not in new and record not in elsewhere
    )
    return len(new), refused


def _unknown(block: Block, checked: CheckedEvents, index: int) -> Refused:
    return block.refuse(
        checked.records[index],
        Reason.UNKNOWN_ITEM,
        f"the item {checked.events[index].item_id!r} is not in the catalogue",
    )


def _repeated(line: int | None) -> str:
    return f"the same event stands on line {line}"
