"""Blocks of an events file become checked events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from shelfwise.config.ingest import EventsSpec
from shelfwise.ingest.blocks import Block
from shelfwise.ingest.checks import judge, quoted
from shelfwise.ingest.reasons import Reason
from shelfwise.ingest.row_reader import BlockReader
from shelfwise.schemas.events import CODE_BY_KIND, MAX_ID_CHARS, MAX_QUERY_CHARS, WITHOUT_ITEM, EventKind
from shelfwise.schemas.ids import VISITOR_PREFIX
from shelfwise.store.event_keys import event_keys
from shelfwise.store.event_log import EventRow
from shelfwise.store.sources import Refused

_CODES_WITHOUT_ITEM = [CODE_BY_KIND[kind] for kind in WITHOUT_ITEM]
_RETURN = CODE_BY_KIND[EventKind.RETURN]


class CheckedEvents(NamedTuple):
    """Events ready to be stored, each with its record's place in the block, and the records refused."""

    events: list[EventRow]
    records: list[int]
    refused: list[Refused]


def read_events(
    block: Block,
    spec: EventsSpec,
    columns: Mapping[str, str],
    formats: Sequence[str],
    *,
    kind_by_name: Mapping[str, EventKind],
    now_ms: int,
    name: str,
) -> CheckedEvents:
    """Map and check a block.

    Args:
        kind_by_name: What the preset calls an event; the spec's own names come before these.

    Raises:
        DataError: times are written in two formats.
    """
    reader = BlockReader(block, spec, columns, formats, now_ms, name)
    kind = _kinds(reader, spec, kind_by_name)
    event_id, user, session = reader.ids("event_id"), reader.ids("user_id"), reader.ids("session_id")
    item = reader.ids("item_id")
    scenario, slate, query = reader.titles("scenario"), reader.ids("slate_id"), reader.titles("query")
    device = reader.titles("device")
    reader.check(Reason.MISSING_ITEM, item.is_null() & ~kind.is_in(_CODES_WITHOUT_ITEM))
    reader.check(Reason.MISSING_USER, user.is_null() & session.is_null())
    # The prefix counts: what is stored must not be longer than an id may be.
    owner = user.fill_null(pl.Series([VISITOR_PREFIX]) + session)
    for column, what in (
        (owner, "the user's id"),
        (item, "the item's id"),
        (event_id, "the event's id"),
        (session, "the session's id"),
        (scenario, "the scenario"),
        (slate, "the slate's id"),
        (device, "the device"),
    ):
        reader.limit(column, MAX_ID_CHARS, what)
    reader.limit(query, MAX_QUERY_CHARS, "the query")
    moment = reader.moments("timestamp")
    reader.check(Reason.MISSING_TIME, moment.is_null())
    value = reader.numbers("value")
    quantity = reader.numbers("quantity")
    quantity = pl.select(pl.when(kind == _RETURN).then(quantity.abs()).otherwise(quantity)).to_series()
    reader.check(Reason.BAD_QUANTITY, quantity <= 0, lambda row: f"the quantity is {quantity[row]:g}")
    price, currency = reader.money()
    position = reader.numbers("position")
    reader.check(
        Reason.BAD_NUMBER,
        (position < 1) | (position != position.floor()) | (position > 2**31 - 1),
        lambda row: f"the position is {position[row]:g}; expected 1, 2, 3, …",
    )
    named = {
        "event_id": event_id,
        "user_id": user,
        "item_id": item,
        "session_id": session,
        "scenario": scenario,
        "slate_id": slate,
        "query": query,
        "currency": currency,
        "price": price,
        "quantity": quantity,
        "value": value,
        "position": position,
        "device": device,
    }
    for ours in ("event", "timestamp"):
        if ours in spec.require:
            named[ours] = reader.texts(ours)
    reader.require(named)
    judged = judge(block, reader.checks)
    content = [
        owner,
        item,
        kind,
        moment,
        value,
        quantity,
        price,
        currency,
        session,
        scenario,
        position.cast(pl.Int64, strict=False),
        slate,
        query,
    ]
    return _assemble(block, judged.rows, event_id, content, device, judged.refused)


def _assemble(
    block: Block,
    rows: np.ndarray[tuple[int], np.dtype[np.intp]],
    event_id: pl.Series,
    content: list[pl.Series],
    device: pl.Series,
    refused: list[Refused],
) -> CheckedEvents:
    if not len(rows):
        return CheckedEvents([], [], refused)
    lists = [column.gather(rows).to_list() for column in content]
    keys = event_keys(event_id.gather(rows).to_list(), zip(*lists, strict=True))
    devices = device.gather(rows).to_list()  # no part of the key, which is stable over releases
    records = [block.record_by_row[row] for row in rows.tolist()]
    lines = [block.lines[record] for record in records]
    events = [EventRow._make(parts) for parts in zip(keys, *lists, devices, lines, strict=True)]
    return CheckedEvents(events, records, refused)


def _kinds(reader: BlockReader, spec: EventsSpec, kind_by_name: Mapping[str, EventKind]) -> pl.Series:
    """The code of each row's event; rules first, then its name, then the default."""
    names = {kind.value: kind for kind in EventKind} | dict(kind_by_name)
    names |= {name.strip().lower(): kind for name, kind in spec.event_names.items()}
    name = reader.titles("event").str.to_lowercase()
    code_by_name = {known: CODE_BY_KIND[kind] for known, kind in names.items()}
    code = name.replace_strict(code_by_name, default=None, return_dtype=pl.Int64)
    if spec.default_event is not None:
        default = CODE_BY_KIND[spec.default_event]
        code = pl.select(pl.when(name.is_null()).then(default).otherwise(code)).to_series()
    for rule in reversed(spec.event_when):
        text = reader.foreign_texts(rule.column)
        if rule.starts_with is not None:
            holds = text.str.starts_with(rule.starts_with)
        elif rule.equals is not None:
            holds = text == rule.equals
        elif rule.below is not None:
            holds = reader.foreign_numbers(rule.column) < rule.below
        else:
            holds = reader.foreign_numbers(rule.column) > rule.above
        code = pl.select(pl.when(holds.fill_null(False)).then(CODE_BY_KIND[rule.event]).otherwise(code)).to_series()
    reader.check(
        Reason.UNKNOWN_EVENT,
        code.is_null(),
        lambda row: (
            "the row names no event, and there is no default_event"
            if name[row] is None
            else f"no event is called {quoted(name[row])}; map it in event_names"
        ),
    )
    return code
