"""What servers counted of themselves, by minute and by hour: sums over all processes, and of nobody in particular."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from shelfwise.store.bulk import is_postgresql
from shelfwise.store.tables import traffic

MINUTE_S, HOUR_S = 60, 3_600

KEPT_S = {MINUTE_S: 3 * 86_400, HOUR_S: 400 * 86_400}
"""How long counts are kept: those of minutes for three days, those of hours for a year and a month."""

NO_BUCKET = -1
"""Of what is counted without being timed."""


class Measure(StrEnum):
    """What is counted. Labels come from closed lists: never an id, a text or an address."""

    REQUEST = "request"
    """By method and route, timed."""
    STATUS = "status"
    """Requests by class of status."""
    ANSWER = "answer"
    """Slates by scenario, timed."""
    DEGRADED = "degraded"
    """Slates that could not be made as configured, by scenario."""
    SHORTFALL = "shortfall"
    """The same by what was short."""
    EVENT = "event"
    """Events that came over the API and were stored, by kind."""
    REFUSED_EVENT = "refused_event"
    """Events that were refused."""
    ITEM = "item"
    """Items that came over the API, by what became of them."""


class Counted(NamedTuple):
    """What is counted together.

    Attributes:
        measure: What.
        label: Of whom.
        bucket: How long it took, as the place in a list of upper ends that the caller knows; `NO_BUCKET` where it is
            not timed.
    """

    measure: Measure
    label: str
    bucket: int = NO_BUCKET


class Sum(NamedTuple):
    """How often something happened within `step_s` seconds from `at_s` on."""

    at_s: int
    measure: Measure
    label: str
    bucket: int
    n: int


def add(connection: Connection, at_s: int, counts: Mapping[Counted, int]) -> None:
    """Add to the minute, and to the hour, in which `at_s` lies; inside a write transaction.

    Args:
        connection: A write transaction's.
        at_s: Seconds since 1970-01-01 UTC.
        counts: What happened how often since it was last told.
    """
    rows = [
        {"step_s": step_s, "at_s": at_s // step_s * step_s, **counted._asdict(), "n": n}
        for step_s in KEPT_S
        for counted, n in counts.items()
        if n
    ]
    add_rows(connection, rows)


def add_rows(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Add to the table's rows; inside a write transaction."""
    if not rows:
        return
    statement = postgresql.insert(traffic) if is_postgresql(connection) else sqlite.insert(traffic)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(traffic.primary_key), set_={"n": traffic.c.n + statement.excluded.n}
        ),
        list(rows),
    )


def read(connection: Connection, from_s: int, to_s: int, step_s: int) -> list[Sum]:
    """What was counted in a stretch of time, in its steps, earliest first; steps without anything are left out.

    Args:
        connection: Any.
        from_s: Its beginning, seconds since 1970-01-01 UTC, and that of its first step.
        to_s: Its end; what began by then is no part of it.
        step_s: Seconds of a step: a multiple of a minute that divides an hour, or a multiple of an hour.
    """
    stored_s = HOUR_S if step_s % HOUR_S == 0 else MINUTE_S
    at_s = traffic.c.at_s - (traffic.c.at_s - from_s) % step_s
    query = (
        select(at_s.label("step"), traffic.c.measure, traffic.c.label, traffic.c.bucket, func.sum(traffic.c.n))
        .where(traffic.c.step_s == stored_s, traffic.c.at_s >= from_s, traffic.c.at_s < to_s)
        .group_by("step", traffic.c.measure, traffic.c.label, traffic.c.bucket)
        .order_by("step", traffic.c.measure, traffic.c.label, traffic.c.bucket)
    )
    return [
        Sum(int(step), Measure(measure), label, bucket, int(n))
        for step, measure, label, bucket, n in connection.execute(query)
    ]


def newest_s(connection: Connection, measure: Measure, labels: Iterable[str]) -> int | None:
    """The beginning of the latest minute, or hour where that is longer ago, in which one of these was counted."""
    query = select(func.max(traffic.c.at_s)).where(
        traffic.c.measure == measure.value, traffic.c.label.in_(list(labels))
    )
    found = [connection.execute(query.where(traffic.c.step_s == step_s)).scalar() for step_s in KEPT_S]
    return max((int(one) for one in found if one is not None), default=None)


def oldest_s(connection: Connection) -> int | None:
    """The beginning of the first hour that is kept; None before anything was counted."""
    found = connection.execute(select(func.min(traffic.c.at_s)).where(traffic.c.step_s == HOUR_S)).scalar()
    return None if found is None else int(found)


def forget_old(connection: Connection, now_s: int) -> int:
    """Delete what was kept long enough; inside a write transaction; how many rows they were."""
    too_old = or_(*(and_(traffic.c.step_s == step_s, traffic.c.at_s < now_s - kept) for step_s, kept in KEPT_S.items()))
    return connection.execute(delete(traffic).where(too_old)).rowcount
