"""Erasing people of a small store: whose erasure is finished by whom, and who may be erased again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shelfwise.config.shop import ShopConfig
from shelfwise.errors import UnknownError
from shelfwise.pipeline.erasure import Erased, Eraser
from shelfwise.schemas.items import Item
from shelfwise.store import catalogue, event_log, unfinished_erasures
from shelfwise.store.event_log import EventRow
from shelfwise.store.records import Records

NOW_MS = 1_700_000_000_000


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records.open("sqlite:///shop.db", tmp_path)
    with opened.write() as connection:
        catalogue.upsert(connection, [Item(item_id="mug", title="Mug")])
        people = ("ann", "bob")
        event_log.append(
            connection,
            [EventRow(f"{place:016d}".encode(), user, "mug", 1, NOW_MS) for place, user in enumerate(people)],
            None,
        )
    yield opened
    opened.close()


@pytest.fixture
def eraser(records: Records, tmp_path: Path) -> Eraser:
    return Eraser(records, ShopConfig(version=1), tmp_path)


def erased(records: Records, eraser: Eraser, user: str, *, again: bool = True) -> Erased:
    with records.write() as connection:
        return eraser.erase_rows(connection, user, "somebody", [], again=again)


def unfinished(records: Records) -> set[str]:
    with records.read() as connection:
        return {one.receipt for one in unfinished_erasures.read_all(connection)}


def test_who_does_not_rebuild_the_store_finishes_nobody_elses_erasure(records: Records, eraser: Eraser) -> None:
    interrupted = erased(records, eraser, "ann")
    own = erased(records, eraser, "bob")
    receipt = eraser.clean_up(own, up_to_bytes=0)
    assert not receipt.rebuilt
    assert unfinished(records) == {interrupted.erasure.receipt}
    assert eraser.finish() == 1
    assert unfinished(records) == set()


def test_a_rebuilt_store_is_rebuilt_for_all(records: Records, eraser: Eraser) -> None:
    erased(records, eraser, "ann")
    assert eraser.clean_up(erased(records, eraser, "bob")).rebuilt
    assert unfinished(records) == set()


def test_of_whom_there_is_nothing_any_more_is_erased_again_only_where_that_is_wanted(
    records: Records, eraser: Eraser
) -> None:
    first = erased(records, eraser, "ann", again=False)
    with pytest.raises(UnknownError):
        erased(records, eraser, "ann", again=False)
    assert erased(records, eraser, "ann").erasure.receipt != first.erasure.receipt
