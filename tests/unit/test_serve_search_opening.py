"""The index of search is made again where it failed, and what changes meanwhile is in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.errors import ServiceError
from shelfwise.schemas.items import Item
from shelfwise.search.full_text import FullText
from shelfwise.serve import search_opening
from shelfwise.serve.search_opening import SearchOpening
from shelfwise.store import catalogue
from shelfwise.store.records import Records


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Records]:
    monkeypatch.setattr(search_opening, "AGAIN_S", 0.01)
    opened = Records.open("sqlite:///s.db", tmp_path)
    put(opened, "lamp")
    yield opened
    opened.close()


def put(records: Records, title: str) -> catalogue.StoredItem:
    with records.write() as connection:
        catalogue.upsert(connection, [Item(item_id=title, title=title)])
        found = catalogue.get(connection, title)
    assert found is not None
    return found


def found(opening: SearchOpening, *titles: str) -> list[bool]:
    index = opening.index()
    return [bool(len(index.find(title, np.ones(100, bool), 5).rows)) for title in titles]


async def ready(opening: SearchOpening) -> None:
    for _ in range(500):
        try:
            opening.index()
        except ServiceError:
            await asyncio.sleep(0.01)
        if not opening._is_making:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it was never made")


def test_a_store_that_cannot_be_read_is_read_again(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [ServiceError("the store is away"), RuntimeError("no memory")]
    from_row = catalogue.from_row

    def restless(connection: Any, row: int) -> Any:
        if failures:
            raise failures.pop()
        return from_row(connection, row)

    monkeypatch.setattr(catalogue, "from_row", restless)

    async def run() -> None:
        opening = SearchOpening(records)
        opening.start()
        with pytest.raises(ServiceError, match="is being indexed"):
            opening.index()
        await ready(opening)
        assert found(opening, "lamp", "mug") == [True, False]
        await opening.close()

    asyncio.run(run())
    assert not failures


def test_an_index_that_takes_up_no_change_is_made_anew(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        opening = SearchOpening(records)
        opening.start()
        await ready(opening)
        broken = opening.index()

        def refused(*_: Any) -> None:
            raise OSError("the index is damaged")

        monkeypatch.setattr(broken, "put", refused)
        opening.note(put(records, "mug"))
        await opening.settle()
        assert found(opening, "lamp", "mug") == [True, False]  # as it was, and no error
        opening.note(put(records, "kite"))
        await opening.settle()
        await ready(opening)
        assert opening.index() is not broken
        assert found(opening, "lamp", "mug", "kite") == [True, True, True]
        await opening.close()

    asyncio.run(run())


def test_what_changes_while_it_is_made_anew_is_in_it(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        opening = SearchOpening(records)
        opening.start()
        await ready(opening)
        commit = FullText.commit

        def slow(self: FullText) -> None:
            # The store is read: what is stored now is known from being noted alone.
            loop.call_soon_threadsafe(opening.note, put(records, "mug"))
            asyncio.run_coroutine_threadsafe(opening.settle(), loop).result()
            commit(self)

        loop = asyncio.get_running_loop()
        monkeypatch.setattr(FullText, "commit", slow)
        opening.start()
        opening.start()  # once is enough
        await ready(opening)
        assert found(opening, "lamp", "mug") == [True, True]
        await opening.close()

    asyncio.run(run())
