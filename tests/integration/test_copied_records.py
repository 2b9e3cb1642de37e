"""A shop that moves from one database to the other and back keeps every row, number and answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.errors import StateError
from shelfwise.schemas.items import Item
from shelfwise.store import catalogue, copies, event_log, people, rule_versions, slate_log, sources
from shelfwise.store.records import Records
from shelfwise.store.tables import metadata
from shelfwise.store.vectors import VectorCache
from shelfwise.testing.databases import of_postgresql, of_sqlite
from shelfwise.testing.stores.contract import an_event
from shelfwise.testing.stores.rules_and_slates import a_slate

Database = Callable[[], AbstractContextManager[str]]

pytestmark = pytest.mark.online


def fill(records: Records, folder: Path) -> None:
    with records.write() as connection:
        catalogue.upsert(connection, [Item(item_id=f"i{n}", available=n != 2, price=n / 3) for n in range(5)])
        catalogue.delete(connection, "i3")
        people.upsert(connection, [("ü", {"a": "b"})])
        event_log.append(connection, [an_event(f"e{n}", f"u{n % 3}", f"i{n % 5}", at=n) for n in range(25)], None)
        source = sources.find_or_start(connection, "f", "events", "a.csv", 5).source
        sources.refuse(connection, source, [sources.Refused(1, "bad_time", "no time", "x\ty")])
        rule_versions.put(connection, {"rules": {}}, author="Ann")
        slate_log.append(connection, [a_slate("a", 1), a_slate("b", 99)])
    VectorCache(records, folder / "vectors", "encoder", 2).append([b"%16d" % 1], np.ones((1, 2), np.float32))


def contents(records: Records) -> dict[str, list[tuple[Any, ...]]]:
    with records.read() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
            for table in metadata.sorted_tables
        }


@pytest.mark.parametrize(("first", "second"), [(of_sqlite, of_postgresql), (of_postgresql, of_sqlite)])
def test_everything_is_copied_and_numbers_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: Database, second: Database
) -> None:
    monkeypatch.setattr(copies, "CHUNK", 7)
    with first() as first_url, second() as second_url:
        source, target = Records.open(first_url, tmp_path / "a"), Records.open(second_url, tmp_path / "b")
        fill(source, tmp_path)
        copied = copies.copy_records(source, target)
        assert (copied["events"], copied["items"], copied["slates"], copied["vectors"]) == (25, 5, 2, 1)
        assert contents(target) == contents(source)
        for records in (source, target):
            with records.write() as connection:
                assert event_log.append(connection, [an_event("later", "new", "i0", at=99)], None).stored == [0]
                assert catalogue.upsert(connection, [Item(item_id="new")]).rows == [5]
        assert contents(target) == contents(source)
        with pytest.raises(StateError, match="holds something"):
            copies.copy_records(source, target)
        source.close()
        target.close()
