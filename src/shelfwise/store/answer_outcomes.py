"""What came of answers that are kept: events that name them, whoever stored these and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Rows
from shelfwise.store.tables import events, slates

LOOK_AT = 100_000
"""Answers of a stretch of time that are looked at, the latest of them."""


class Outcome(NamedTuple):
    """Answers of one scenario and one step of time.

    Attributes:
        at_s: When the step begins.
        scenario: The place that asked.
        n: Answers, or those to which something came.
    """

    at_s: int
    scenario: str
    n: int


def answers(connection: Connection, from_s: int, to_s: int, step_s: int) -> list[Outcome]:
    """How many answers are looked at."""
    latest = _latest(from_s, to_s, step_s).subquery()
    query = select(latest.c.step, latest.c.scenario, func.count()).group_by(latest.c.step, latest.c.scenario)
    return [Outcome(int(at_s), scenario, int(n)) for at_s, scenario, n in connection.execute(query)]


def answered_with(
    connection: Connection, from_s: int, to_s: int, step_s: int, kinds: Mapping[str, Sequence[EventKind]]
) -> dict[str, list[Outcome]]:
    """How many of these answers are named by an event of some kinds, each answer once.

    Args:
        connection: Any.
        from_s: Beginning, seconds since 1970-01-01 UTC, and that of the first step.
        to_s: End.
        step_s: Seconds of a step.
        kinds: Which kinds, by what they are called together; no kind stands in two.

    Cost:
        One look at the index `events_by_slate` for each answer looked at.
    """
    latest = _latest(from_s, to_s, step_s).subquery()
    name_by_code = {CODE_BY_KIND[kind]: name for name, together in kinds.items() for kind in together}
    name = case(name_by_code, value=events.c.kind).label("name")
    query = (
        select(latest.c.step, latest.c.scenario, name, func.count(latest.c.slate_id.distinct()))
        .join(events, events.c.slate_id == latest.c.slate_id)
        .where(events.c.slate_id.is_not(None), events.c.kind.in_(list(name_by_code)))
        .group_by(latest.c.step, latest.c.scenario, name)
    )
    found: dict[str, list[Outcome]] = {one: [] for one in kinds}
    for at_s, scenario, one, n in connection.execute(query):
        found[one].append(Outcome(int(at_s), scenario, int(n)))
    return found


def shown_rows(connection: Connection, from_s: int, to_s: int) -> Rows:
    """The distinct items in these answers, ascending."""
    query = select(slates.c.item_rows).where(*_within(from_s, to_s)).order_by(slates.c.at_ms.desc()).limit(LOOK_AT)
    distinct = np.empty(0, np.int32)
    for part in _joined(connection.execute(query).scalars().partitions(10_000)):
        distinct = np.union1d(distinct, part).astype(np.int32)
    return distinct


def _joined(parts: Iterator[Sequence[bytes]]) -> Iterator[Rows]:
    return (np.frombuffer(b"".join(part), "<i4") for part in parts)


def _latest(from_s: int, to_s: int, step_s: int) -> Select[Any, Any, Any]:
    at_s = slates.c.at_ms // 1_000
    step = at_s - (at_s - from_s) % step_s
    return (
        select(slates.c.slate_id, slates.c.scenario, step.label("step"))
        .where(*_within(from_s, to_s))
        .order_by(slates.c.at_ms.desc())
        .limit(LOOK_AT)
    )


def _within(from_s: int, to_s: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return slates.c.at_ms >= from_s * 1_000, slates.c.at_ms < to_s * 1_000
