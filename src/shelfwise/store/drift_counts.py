"""What slates in service were like, by half hours: sums over all processes, of nobody in particular.

They lie in the table of `traffic`, in steps that nothing else has: some fifty rows for each place of the shop and each
half hour in which it answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select

from shelfwise.store.tables import traffic
from shelfwise.store.traffic import add_rows

STEP_S = 1_800
WINDOW_S = 86_400
"""What is told as being now: a day, so that nights and days are in it."""

KEPT_S = 2 * WINDOW_S


class Counting(StrEnum):
    """What is counted, in buckets."""

    PLACE = "drift_place"
    """Slates that filled a place, those of each kind of asker by themselves."""
    SCORE = "drift_score"
    """Items by the bin of their score."""
    CATEGORY = "drift_category"
    """Items shown by the group of their category."""
    WANTED = "drift_wanted"
    """Events by the group of their item's category."""


class Cell(NamedTuple):
    """One number.

    Attributes:
        counting: What.
        version: Of the model whose bins these are.
        scenario: The place of the shop; empty for events.
        bucket: Which bin.
    """

    counting: Counting
    version: str
    scenario: str
    bucket: int


def add(connection: Connection, at_s: int, counts: Mapping[Cell, int]) -> None:
    """Add to the half hour in which `at_s` lies; inside a write transaction.

    Args:
        connection: A write transaction's.
        at_s: Seconds since 1970-01-01 UTC.
        counts: What happened how often since it was last told.
    """
    add_rows(
        connection,
        [
            {
                "step_s": STEP_S,
                "at_s": at_s // STEP_S * STEP_S,
                "measure": cell.counting.value,
                "label": _label(cell.version, cell.scenario),
                "bucket": cell.bucket,
                "n": n,
            }
            for cell, n in counts.items()
            if n
        ],
    )


def read(connection: Connection, version: str, scenarios: Iterable[str], now_s: int) -> dict[Cell, int]:
    """What was counted of a version in the half hours that began within the last day.

    Args:
        connection: Any.
        version: Of the model.
        scenarios: Whose.
        now_s: Seconds since 1970-01-01 UTC.
    """
    by_label = {_label(version, scenario): scenario for scenario in ("", *scenarios)}
    query = (
        select(traffic.c.measure, traffic.c.label, traffic.c.bucket, func.sum(traffic.c.n))
        .where(
            traffic.c.step_s == STEP_S,
            traffic.c.at_s > now_s - WINDOW_S,
            traffic.c.at_s <= now_s,
            traffic.c.measure.in_([one.value for one in Counting]),
            traffic.c.label.in_(list(by_label)),
        )
        .group_by(traffic.c.measure, traffic.c.label, traffic.c.bucket)
    )
    return {
        Cell(Counting(measure), version, by_label[label], bucket): int(n)
        for measure, label, bucket, n in connection.execute(query)
    }


def forget_old(connection: Connection, now_s: int) -> int:
    """Delete what was kept long enough; inside a write transaction; how many rows they were."""
    is_old = (traffic.c.step_s == STEP_S) & (traffic.c.at_s < now_s - KEPT_S)
    return connection.execute(delete(traffic).where(is_old)).rowcount


def _label(version: str, scenario: str) -> str:
    return f"{version}/{scenario}"
