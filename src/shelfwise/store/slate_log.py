"""The slates that were answered: what stood where and with which chance, so that other policies are judged by them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import orjson
from sqlalchemy import Connection, Row, delete, func, insert, select, tuple_

from shelfwise.schemas.ids import Doubles, Rows
from shelfwise.store import erasures
from shelfwise.store.bulk import LOOKUP_CHUNK
from shelfwise.store.tables import slates


class Why(NamedTuple):
    """What was said of an item.

    Attributes:
        sources: Retrievers that named it.
        reason: In words.
        steps: What put it where it stood.
        predictions: What the ranker expected of it, by objective; empty where that was not kept.
    """

    sources: list[str]
    reason: str
    steps: list[str]
    predictions: dict[str, float] = {}  # noqa: RUF012 - never changed


@dataclass(frozen=True, slots=True)
class LoggedSlate:
    """One answer.

    Attributes:
        slate_id: Names it; events that answer it carry it.
        at_ms: When.
        user_id: Whose; None for somebody unknown.
        scenario: The place that asked.
        model_version: In service then.
        rules_version: In force then; 0 before the first.
        rows: Items in the order shown; shape `(k,)`.
        propensities: The chance of each to stand where it stood, given those above it; 1 where nothing was drawn; shape
            `(k,)`.
        best: What would have stood there, given those above it, had nothing been drawn; shape `(k,)`.
        query: The fields that were asked for, less who asked and what was searched.
        why: What was said of each item, in their order; empty where it was not kept.
    """

    slate_id: str
    at_ms: int
    user_id: str | None
    scenario: str
    model_version: str
    rules_version: int
    rows: Rows
    propensities: Doubles
    best: Rows
    query: dict[str, Any] = field(default_factory=dict[str, Any])
    why: Sequence[Why] = ()


def row_of(slate: LoggedSlate) -> dict[str, Any]:
    """An answer as the store holds it.

    Cost:
        Some 0.1 ms, most of it to pack the sentences: not to be spent while others wait for the store.
    """
    return {
        "slate_id": slate.slate_id,
        "at_ms": slate.at_ms,
        "user_id": slate.user_id,
        "scenario": slate.scenario,
        "query": orjson.dumps(slate.query).decode(),
        "model_version": slate.model_version,
        "rules_version": slate.rules_version,
        "item_rows": slate.rows.astype("<i4").tobytes(),
        "propensities": slate.propensities.astype("<f8").tobytes(),
        "best_rows": slate.best.astype("<i4").tobytes(),
        "why": _packed(slate.why),
    }


def append(connection: Connection, batch: Sequence[LoggedSlate]) -> None:
    """Store answers; inside a write transaction. Those to people who were erased since are left out."""
    append_rows(connection, [row_of(one) for one in batch])


def append_rows(connection: Connection, batch: Sequence[dict[str, Any]]) -> None:
    """`append`, of what `row_of` made."""
    erased = erasures.latest_of(connection, (one["user_id"] for one in batch if one["user_id"] is not None))
    if erased:
        batch = [one for one in batch if one["user_id"] not in erased or one["at_ms"] > erased[one["user_id"]].at_ms]
    if batch:
        connection.execute(insert(slates), batch)


def forget_before(connection: Connection, at_ms: int) -> int:
    """Delete answers that are older; inside a write transaction; how many they were."""
    return connection.execute(delete(slates).where(slates.c.at_ms < at_ms)).rowcount


def latest(connection: Connection, n: int, scenario: str | None = None) -> list[LoggedSlate]:
    """The latest `n` answers, newest first."""
    query = select(slates).order_by(slates.c.at_ms.desc(), slates.c.slate_id).limit(n)
    if scenario is not None:
        query = query.where(slates.c.scenario == scenario)
    return [_logged(row) for row in connection.execute(query)]


def of_user(connection: Connection, user_id: str) -> list[LoggedSlate]:
    """Every answer that is kept of a user's, oldest first."""
    query = select(slates).where(slates.c.user_id == user_id).order_by(slates.c.at_ms, slates.c.slate_id)
    return [_logged(row) for row in connection.execute(query)]


def page_of_user(
    connection: Connection, user_id: str, n: int, before: tuple[int, str] | None = None
) -> list[LoggedSlate]:
    """The `n` answers to a user before a moment, the latest first.

    Args:
        before: Time and id of the last answer of the page before; None: from the latest on.
    """
    query = (
        select(slates)
        .where(slates.c.user_id == user_id)
        .order_by(slates.c.at_ms.desc(), slates.c.slate_id.desc())
        .limit(n)
    )
    if before is not None:
        query = query.where(tuple_(slates.c.at_ms, slates.c.slate_id) < tuple_(*before))
    return [_logged(row) for row in connection.execute(query)]


class Showing(NamedTuple):
    """That an answer showed an item.

    Attributes:
        position: 1-based.
        predictions: What the ranker expected of it then; empty where that was not kept.
    """

    slate_id: str
    at_ms: int
    scenario: str
    position: int
    predictions: dict[str, float]


def showings(connection: Connection, row: int, n_slates: int, limit: int) -> list[Showing]:
    """Where an item stood in the latest answers, the latest first.

    Args:
        row: The item.
        n_slates: Answers that are looked through.
        limit: Showings at most.

    Cost:
        Some microseconds for each answer looked through, and a tenth of a millisecond for each that shows the item.
    """
    wanted = int(row).to_bytes(4, "little")
    query = (
        select(slates.c.slate_id, slates.c.item_rows)
        .order_by(slates.c.at_ms.desc(), slates.c.slate_id.desc())
        .limit(n_slates)
    )
    named: list[str] = []
    for slate_id, rows in connection.execute(query):
        # The bytes may also meet across two numbers: `_standing` looks properly.
        if wanted in rows and _standing(rows, row):
            named.append(slate_id)
            if len(named) == limit:
                break
    found: list[Showing] = []
    for start in range(0, len(named), LOOKUP_CHUNK):
        chunk = named[start : start + LOOKUP_CHUNK]
        columns = (slates.c.slate_id, slates.c.at_ms, slates.c.scenario, slates.c.item_rows, slates.c.why)
        for slate_id, at_ms, scenario, rows, why in connection.execute(
            select(*columns).where(slates.c.slate_id.in_(chunk))
        ):
            position, said = _standing(rows, row), _unpacked(why)
            predictions = said[position - 1].predictions if position <= len(said) else {}
            found.append(Showing(slate_id, int(at_ms), scenario, position, predictions))
    return sorted(found, key=lambda one: (-one.at_ms, one.slate_id))


def _standing(item_rows: bytes, row: int) -> int:
    """The 1-based position of an item in a packed slate; 0 where it is not there."""
    places = np.flatnonzero(np.frombuffer(item_rows, "<i4") == row)
    return int(places[0]) + 1 if len(places) else 0


def get(connection: Connection, slate_id: str) -> LoggedSlate | None:
    """One answer; None where it is not kept, or no more."""
    row = connection.execute(select(slates).where(slates.c.slate_id == slate_id)).first()
    return None if row is None else _logged(row)


def count(connection: Connection) -> int:
    """Answers that are kept."""
    return int(connection.execute(select(func.count()).select_from(slates)).scalar_one())


def _logged(row: Row[Any]) -> LoggedSlate:
    return LoggedSlate(
        row.slate_id,
        row.at_ms,
        row.user_id,
        row.scenario,
        row.model_version,
        row.rules_version,
        np.frombuffer(row.item_rows, "<i4").astype(np.int32),
        np.frombuffer(row.propensities, "<f8"),
        np.frombuffer(row.best_rows, "<i4").astype(np.int32),
        json.loads(row.query),
        _unpacked(row.why),
    )


def _packed(why: Sequence[Why]) -> bytes | None:
    # The sentences of a slate are much alike: some 300 bytes for twenty items.
    return zlib.compress(orjson.dumps([tuple(one) for one in why]), 1) if why else None


def _unpacked(packed: bytes | None) -> list[Why]:
    return [] if packed is None else [Why(*one) for one in json.loads(zlib.decompress(packed))]


def shown_counts(connection: Connection, n: int) -> Rows:
    """How often each item stands in the latest `n` answers; shape `(highest row + 1,)`."""
    query = select(slates.c.item_rows).order_by(slates.c.at_ms.desc()).limit(n)
    parts = [np.frombuffer(found, "<i4") for found in connection.execute(query).scalars()]
    if not parts:
        return np.zeros(0, np.int32)
    return np.bincount(np.concatenate(parts)).astype(np.int32)
