"""The append-only log of events."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, bindparam, func, literal_column, or_, select

from shelfwise.schemas.candidates import History
from shelfwise.schemas.devices import DeviceCodes, device_codes
from shelfwise.schemas.events import CODE_BY_KIND, POSITIVE_KINDS, EventKind
from shelfwise.schemas.ids import Rows
from shelfwise.schemas.scenario_names import NO_SCENARIOS, ScenarioNames
from shelfwise.store import erasures
from shelfwise.store.bulk import insert_rows
from shelfwise.store.frequent_read import FrequentRead
from shelfwise.store.identities import add_missing_users
from shelfwise.store.known_events import Known, known_of
from shelfwise.store.tables import events, users

# Written out: a list that is bound is put into the statement anew by every request.
SHOWS_INTEREST = events.c.kind.in_([literal_column(str(CODE_BY_KIND[kind])) for kind in POSITIVE_KINDS])


class EventRow(NamedTuple):
    """One checked event, ready to be stored; `kind` is the code of `EventKind`."""

    event_key: bytes
    user_id: str
    item_id: str | None
    kind: int
    timestamp_ms: int
    value: float | None = None
    quantity: float | None = None
    price: float | None = None
    currency: str | None = None
    session_id: str | None = None
    scenario: str | None = None
    position: int | None = None
    slate_id: str | None = None
    query: str | None = None
    device: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Twin:
    """Where an event that came again was first stored; None for what came over the API."""

    source: int | None
    line: int | None


@dataclass(frozen=True, slots=True)
class AppendOutcome:
    """What became of a batch. The indices are those of the batch; together they are the whole batch.

    Attributes:
        stored: Indices of the events that were stored.
        twins: Index of each event that was there already, and where it stands.
        unknown_items: Indices of the events whose item is not in the catalogue.
        erased: Indices of the events of people who were erased after them.
    """

    stored: list[int]
    twins: dict[int, Twin]
    unknown_items: list[int]
    erased: list[int] = field(default_factory=list[int])


def append(connection: Connection, batch: Sequence[EventRow], source: int | None) -> AppendOutcome:
    """Store what is new, in the order given; inside a write transaction.

    An event without item (a search) is stored without one. Users are added as they appear.
    """
    known = known_of(connection, batch)
    outcome = _outcome(connection, batch, known, source)
    user_rows = add_missing_users(
        connection, users, known.user_rows, [batch[index].user_id for index in outcome.stored]
    )
    insert_rows(
        connection,
        events,
        _STORED_COLUMNS,
        [_stored_columns(batch[index], user_rows, known.item_rows, source) for index in outcome.stored],
    )
    return outcome


def outcome_of(connection: Connection, batch: Sequence[EventRow]) -> AppendOutcome:
    """What `append` would do with a batch that came over the API; stores nothing."""
    return _outcome(connection, batch, known_of(connection, batch), None)


def _outcome(connection: Connection, batch: Sequence[EventRow], known: Known, source: int | None) -> AppendOutcome:
    # Unknown items first: an event that is refused for its item is not there to be repeated, in whichever batch.
    unknown = [
        index for index, event in enumerate(batch) if event.item_id is not None and event.item_id not in known.item_rows
    ]
    erasure_by_id = erasures.latest_under(connection, known.secret, (event.user_id for event in batch))
    erased = [
        index
        for index, event in enumerate(batch)
        if event.user_id in erasure_by_id and event.timestamp_ms <= erasure_by_id[event.user_id].until_ms
    ]
    unknown = sorted(set(unknown).difference(erased))
    twins = _twins(batch, known, {*unknown, *erased}, source)
    left_out = {*twins, *unknown, *erased}
    stored = [index for index in range(len(batch)) if index not in left_out]
    return AppendOutcome(stored, twins, unknown, erased)


_STORED_COLUMNS = ("event_key", "user_row", "item_row", *EventRow._fields[3:-1], "source", "line")


def _stored_columns(
    event: EventRow, user_rows: dict[str, int], item_rows: dict[str, int], source: int | None
) -> tuple[Any, ...]:
    item_id = event.item_id
    item_row = None if item_id is None else item_rows[item_id]
    return (event.event_key, user_rows[event.user_id], item_row, *event[3:-1], source, event.line)


def _twins(batch: Sequence[EventRow], known: Known, left_out: set[int], source: int | None) -> dict[int, Twin]:
    first = {key: Twin(*origin) for key, origin in known.origins.items()}
    twins: dict[int, Twin] = {}
    for index, event in enumerate(batch):
        if index in left_out:
            continue
        if event.event_key in first:
            twins[index] = first[event.event_key]
        else:
            first[event.event_key] = Twin(source, event.line)
    return twins


_recent = FrequentRead(
    select(events.c.item_row, events.c.kind, events.c.timestamp_ms, events.c.user_row, events.c.scenario)
    .where(
        events.c.user_row == select(users.c.row).where(users.c.user_id == bindparam("user")).scalar_subquery(),
        events.c.item_row.is_not(None),
        SHOWS_INTEREST,
    )
    .order_by(events.c.timestamp_ms.desc(), events.c.seq.desc())
    .limit(bindparam("n"))
)


def recent_events(
    connection: Connection, user_id: str, n: int, scenario_names: ScenarioNames = NO_SCENARIOS
) -> History:
    """The last `n` events that show interest in an item, oldest first; empty for an unknown user.

    Args:
        scenario_names: Those of the model that reads the history; a scenario that it does not know is unknown.

    Cost:
        One read of the covering index `events_by_user`.
    """
    rows = _recent.rows(connection, user=user_id, n=n)
    if not rows:
        return History.empty()
    item_rows, kinds, times, owners, names = zip(*reversed(rows), strict=True)
    return History(
        np.array(item_rows, np.int32),
        np.array(kinds, np.int8),
        np.array(times, np.int64),
        owners[0],
        scenario_names.codes(names),
    )


@dataclass(frozen=True, slots=True)
class EventArrays:
    """All events with an item, as columns, sorted by user, then time, then arrival; shape `(E,)` each."""

    user_rows: np.ndarray[Any, np.dtype[np.int32]]
    item_rows: np.ndarray[Any, np.dtype[np.int32]]
    kinds: np.ndarray[Any, np.dtype[np.int8]]
    times_ms: np.ndarray[Any, np.dtype[np.int64]]
    values: np.ndarray[Any, np.dtype[np.float32]]
    prices: np.ndarray[Any, np.dtype[np.float32]]
    sessions: np.ndarray[Any, np.dtype[np.int64]]
    """A number per session id, -1 without one."""
    scenarios: np.ndarray[Any, np.dtype[np.int32]]
    """Places in `scenario_names`, -1 without one."""
    scenario_names: list[str]
    """The distinct scenarios in the order in which they appear; these are no model's codes."""
    slates: npt.NDArray[np.int64] | None = None
    """A number per list that the event answers, or that an impression belongs to, see `slate_number`; `NO_SLATE`
    without one. None stands for none anywhere."""
    positions: npt.NDArray[np.int32] | None = None
    """1-based place in the list that was shown, 0 without one. None stands for none anywhere."""
    devices: DeviceCodes | None = None
    """Codes of `schemas.devices`. None stands for not said anywhere."""


READ_CHUNK = 100_000


def read_all(connection: Connection) -> EventArrays:
    """Every event with an item, in the order that training wants."""
    query = (
        select(
            events.c.user_row,
            events.c.item_row,
            events.c.kind,
            events.c.timestamp_ms,
            events.c.value,
            events.c.price,
            events.c.session_id,
            events.c.scenario,
            events.c.slate_id,
            events.c.position,
            events.c.device,
        )
        .where(events.c.item_row.is_not(None))
        .order_by(events.c.user_row, events.c.timestamp_ms, events.c.seq)
    )
    session_numbers: dict[str, int] = {}
    scenario_numbers: dict[str, int] = {}
    parts: list[tuple[np.ndarray[Any, Any], ...]] = []
    result = connection.execute(query, execution_options={"yield_per": READ_CHUNK})
    for chunk in result.partitions(READ_CHUNK):
        user_rows, item_rows, kinds, times, values, prices, sessions, scenarios, slates, places, devices = zip(
            *chunk, strict=True
        )
        parts.append(
            (
                np.array(user_rows, np.int32),
                np.array(item_rows, np.int32),
                np.array(kinds, np.int8),
                np.array(times, np.int64),
                np.array(values, np.float32),
                np.array(prices, np.float32),
                np.array(_numbers(sessions, session_numbers), np.int64),
                np.array(_numbers(scenarios, scenario_numbers), np.int32),
                _slate_numbers(slates),
                np.array([place or 0 for place in places], np.int32),
                device_codes(devices),
            )
        )
    columns: list[Any] = [
        np.concatenate([np.empty(0, dtype), *(part[place] for part in parts)], dtype=dtype)
        for place, dtype in enumerate(_DTYPES)
    ]
    slates, positions, devices = columns[8:]
    return EventArrays(
        *columns[:8], scenario_names=list(scenario_numbers), slates=slates, positions=positions, devices=devices
    )


_DTYPES = (
    np.int32,
    np.int32,
    np.int8,
    np.int64,
    np.float32,
    np.float32,
    np.int64,
    np.int32,
    np.int64,
    np.int32,
    np.int8,
)

NO_SLATE = 0
"""The number of an event that answers no list."""


def slate_number(slate_id: str) -> int:
    """A list's number: 63 bits of its id's hash, so that no table of ids is kept while a log is read."""
    return int.from_bytes(hashlib.blake2b(slate_id.encode(), digest_size=8).digest(), "big") >> 1 or 1


def _slate_numbers(ids: Sequence[str | None]) -> npt.NDArray[np.int64]:
    known: dict[str | None, int] = {one: slate_number(one) if one else NO_SLATE for one in set(ids)}
    return np.array([known[one] for one in ids], np.int64)


def _numbers(names: Sequence[str | None], number_by_name: dict[str, int]) -> list[int]:
    """A number per name, -1 without one; names that are new are added."""
    return [-1 if name is None else number_by_name.setdefault(name, len(number_by_name)) for name in names]


class QueryRow(NamedTuple):
    """An event that carries a search text; `item_row` is None for a search itself."""

    user_row: int
    item_row: int | None
    timestamp_ms: int
    query: str


def read_queries(connection: Connection) -> list[QueryRow]:
    """Every event with a search text, by user, then time, then arrival."""
    query = (
        select(events.c.user_row, events.c.item_row, events.c.timestamp_ms, events.c.query)
        .where(events.c.query.is_not(None))
        .order_by(events.c.user_row, events.c.timestamp_ms, events.c.seq)
    )
    return [QueryRow(*row) for row in connection.execute(query)]


def newest_ms(connection: Connection) -> int:
    """The time of the latest event; 0 without events."""
    return int(connection.execute(select(func.max(events.c.timestamp_ms))).scalar() or 0)


def interest_since(connection: Connection, time_ms: int) -> list[tuple[int, int, int]]:
    """User row, item row and time of every event of interest from a moment on, oldest first."""
    query = (
        select(events.c.user_row, events.c.item_row, events.c.timestamp_ms)
        .where(events.c.timestamp_ms >= time_ms, events.c.item_row.is_not(None), SHOWS_INTEREST)
        .order_by(events.c.timestamp_ms, events.c.seq)
    )
    return [(int(user), int(item), int(found_ms)) for user, item, found_ms in connection.execute(query)]


def interest_unseen(connection: Connection, seq: int, time_ms: int | None = None) -> list[tuple[int, int, int]]:
    """User row, item row and time of every event of interest that was stored after a look at the log, oldest first.

    Args:
        seq: Of the latest event that was there.
        time_ms: The moment after the latest that was there. What is younger came afterwards, though it may carry a
            number that an erasure set free, as SQLite gives again. None: no number was set free since.

    Cost:
        One look at each event that came; at every event there is where `time_ms` is given.
    """
    came_later = events.c.seq > seq
    if time_ms is not None:
        came_later = or_(came_later, events.c.timestamp_ms >= time_ms)
    query = (
        select(events.c.user_row, events.c.item_row, events.c.timestamp_ms)
        .where(came_later, events.c.item_row.is_not(None), SHOWS_INTEREST)
        .order_by(events.c.timestamp_ms, events.c.seq)
    )
    return [(int(user), int(item), int(found_ms)) for user, item, found_ms in connection.execute(query)]


def interest_counts(connection: Connection, after: int, last: int) -> Rows:
    """Events of interest by item, of those stored after one and up to another; shape `(highest row + 1,)`.

    Cost:
        1.5 s for a million events.
    """
    query = (
        select(events.c.item_row, func.count())
        .where(events.c.seq > after, events.c.seq <= last)
        .where(events.c.item_row.is_not(None), SHOWS_INTEREST)
        .group_by(events.c.item_row)
    )
    found = [(int(row), int(n)) for row, n in connection.execute(query)]
    counts = np.zeros(max((row for row, _ in found), default=-1) + 1, np.int32)
    for row, n in found:
        counts[row] = n
    return counts


class Interest(NamedTuple):
    """One event that shows interest in an item."""

    seq: int
    user_id: str
    item_row: int
    timestamp_ms: int


_interest_after = FrequentRead(
    select(events.c.seq, users.c.user_id, events.c.item_row, events.c.timestamp_ms)
    .join(users, events.c.user_row == users.c.row)
    .where(events.c.seq > bindparam("seq"), events.c.item_row.is_not(None), SHOWS_INTEREST)
    .order_by(events.c.seq)
    .limit(bindparam("n"))
)


def interest_after(connection: Connection, seq: int, limit: int) -> list[Interest]:
    """Events of interest that were stored after the one of this number, in the order of storing; at most `limit`."""
    return [Interest(*row) for row in _interest_after.rows(connection, seq=seq, n=limit)]


def latest_users(connection: Connection, n: int) -> list[str]:
    """The `n` users whose latest event of interest is the youngest, youngest first."""
    latest = func.max(events.c.timestamp_ms)
    query = (
        select(users.c.user_id)
        .join(events, events.c.user_row == users.c.row)
        .where(events.c.item_row.is_not(None), SHOWS_INTEREST)
        .group_by(users.c.row, users.c.user_id)
        .order_by(latest.desc(), users.c.row)
        .limit(n)
    )
    return list(connection.execute(query).scalars())


def count(connection: Connection) -> int:
    """Events stored."""
    return int(connection.execute(select(func.count()).select_from(events)).scalar_one())


def shown_since(connection: Connection, user_id: str, scenario: str, since_ms: int) -> list[int]:
    """Rows of the items of a user's impressions in a place of the shop, from a moment on."""
    query = select(events.c.item_row).where(
        events.c.user_row == select(users.c.row).where(users.c.user_id == user_id).scalar_subquery(),
        *_impressions(scenario, since_ms),
    )
    return [int(row) for row in connection.execute(query).scalars()]


def shown_to_each_since(connection: Connection, scenario: str, since_ms: int) -> dict[str, list[int]]:
    """As `shown_since`, for every user who had any: for batches."""
    query = select(users.c.user_id, events.c.item_row).where(
        events.c.user_row == users.c.row, *_impressions(scenario, since_ms)
    )
    shown: dict[str, list[int]] = {}
    for user_id, row in connection.execute(query):
        shown.setdefault(user_id, []).append(int(row))
    return shown


def _impressions(scenario: str, since_ms: int) -> tuple[Any, ...]:
    return (
        events.c.kind == CODE_BY_KIND[EventKind.IMPRESSION],
        events.c.scenario == scenario,
        events.c.timestamp_ms >= since_ms,
        events.c.item_row.is_not(None),
    )
