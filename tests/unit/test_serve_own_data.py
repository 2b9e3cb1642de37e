"""What is told to a visitor is read, and no more."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event

from shelfwise.schemas.items import Item
from shelfwise.serve import own_data
from shelfwise.store import catalogue, event_log, personal
from shelfwise.store.records import Records
from shelfwise.testing.stores.contract import an_event


def test_only_the_events_that_are_shown_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_data, "MAX_EVENTS", 3)
    records = Records.open("sqlite:///s.db", tmp_path)
    with records.write() as connection:
        catalogue.upsert(connection, [Item(item_id=f"i{n}") for n in range(5)])
        mine = [an_event(f"e{n}", "me", item=f"i{n % 5}", at=n // 2) for n in range(12)]
        event_log.append(connection, [*mine, an_event("e", "other", at=99)], None)
    asked: list[tuple[str, object]] = []
    event.listen(records.engine, "before_cursor_execute", lambda _c, _k, sql, values, *_: asked.append((sql, values)))
    found = own_data.own_data(records, None, "me", [], datetime.now(UTC))
    assert (found.n_events, found.n_slates, len(found.events)) == (12, 0, 3)
    with records.read() as connection:
        assert found.events == personal.events_of(connection, "me")[::-1][:3]
        steps = [
            str(step)
            for sql, values in list(asked)
            if "events" in sql and "LIMIT" in sql
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all()  # pyright: ignore[reportArgumentType]
        ]
        assert steps and not any("ORDER BY" in step or "SCAN" in step for step in steps), steps
    records.close()
