"""Erasing people of a small store: whose erasure is finished by whom, and who may be erased again."""

from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection

from shelfwise.config.shop import ShopConfig
from shelfwise.encode.landmarks import Landmarks
from shelfwise.encode.profile import profile, profile_hash, speaking_attributes
from shelfwise.encode.profile_vectors import PART, ProfileVectors, profile_key
from shelfwise.encode.whitening import Whitening
from shelfwise.errors import UnknownError
from shelfwise.pipeline import forgetting
from shelfwise.pipeline.erasure import Erased, Eraser
from shelfwise.pipeline.model import PROFILES
from shelfwise.schemas.items import Item
from shelfwise.store import catalogue, event_log, people, unfinished_erasures
from shelfwise.store.event_log import EventRow
from shelfwise.store.records import Records
from shelfwise.store.vectors import VectorCache
from shelfwise.store.versions import Version

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
    [receipt] = eraser.clean_up([own], up_to_bytes=0)
    assert not receipt.rebuilt
    assert unfinished(records) == {interrupted.erasure.receipt}
    assert eraser.finish() == 1
    assert unfinished(records) == set()


def test_a_rebuilt_store_is_rebuilt_for_all(records: Records, eraser: Eraser) -> None:
    erased(records, eraser, "ann")
    assert all(one.rebuilt for one in eraser.clean_up([erased(records, eraser, "bob")]))
    assert unfinished(records) == set()


def test_of_whom_there_is_nothing_any_more_is_erased_again_only_where_that_is_wanted(
    records: Records, eraser: Eraser
) -> None:
    first = erased(records, eraser, "ann", again=False)
    with pytest.raises(UnknownError):
        erased(records, eraser, "ann", again=False)
    assert erased(records, eraser, "ann").erasure.receipt != first.erasure.receipt


def test_browsers_that_are_erased_leave_interrupted_accounts_to_whoever_reads_all_users(
    records: Records, eraser: Eraser
) -> None:
    interrupted = erased(records, eraser, "ann")
    with records.write() as connection:
        row = EventRow(b"of a browser....", "visitor:x", "mug", 1, NOW_MS)
        event_log.append(connection, [row], None)
    assert eraser.clean_up([erased(records, eraser, "visitor:x")])[0].rebuilt
    assert unfinished(records) == {interrupted.erasure.receipt}


def told(n: int) -> dict[str, str]:
    """Some say nothing, some the same as others."""
    return {} if n % 5 == 0 else {"about": f"likes thing {n % 7} (a@x.org)", "tier": "gold" if n % 2 else "red."}


def test_what_nobody_says_is_found_with_few_users_in_memory(
    records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the cache, and in versions that read other attributes; held against the plain definition."""
    said = [told(n) for n in range(50)]
    with records.write() as connection:
        people.upsert(connection, [(f"user-{n}", attributes) for n, attributes in enumerate(said)])
    ways = [("about",), ("tier", "about")]
    texts = sorted({profile(one, way) for one in said for way in ways} - {""})
    gone = ["likes what nobody likes", "tier: silver"]
    versions = [Version(str(n), tmp_path / str(n), {"encoder": "words"}, is_current=False) for n in range(2)]
    for version, way in zip(versions, ways, strict=True):
        for part in (PROFILES, "encoder"):
            (version.folder / part).mkdir(parents=True)
        Whitening(np.zeros(2, np.float32), np.eye(2, dtype=np.float32)).save(version.folder / "encoder")
        keys = np.sort(np.array([profile_key(text) for text in [*texts, *gone]], np.uint64))
        some = np.eye(2, dtype=np.float32)
        vectors = np.ones((len(keys), 2), np.float16)
        landmarks = Landmarks.of(some, some, np.ones(2, bool))
        ProfileVectors(way, keys, vectors, np.empty(0, np.int32), landmarks).save(version.folder / PROFILES)
    cache = VectorCache(records, tmp_path / "vectors" / "words", "words", 2).part(PART)
    cache.append([profile_hash(text) for text in [*texts, *gone]], np.ones((len(texts) + 2, 2), np.float32))
    looks = list[int]()
    look = people.read_attributes_after

    def counted(connection: Connection, row: int, n: int, without: Container[str]) -> dict[int, dict[str, str]]:
        found = look(connection, row, n, without)
        looks.append(len(found))
        return found

    def at_once(_: Connection) -> dict[int, dict[str, str]]:
        raise AssertionError("all users are held in memory")

    monkeypatch.setattr(people, "read_attributes_after", counted)
    monkeypatch.setattr(people, "read_attributes", at_once)
    monkeypatch.setattr(forgetting, "READ_AT_ONCE", 8)
    n_vectors = forgetting.forget_unsaid(records, tmp_path / "vectors", versions, ["about"])
    assert max(looks) == 8 and sum(looks) == 2 * 40
    for version, way in zip(versions, ways, strict=True):
        kept = ProfileVectors.load(version.folder / PROFILES)
        of_way = {profile(one, way) for one in said}
        assert [text for text in texts if kept.of_text(text) is not None] == [text for text in texts if text in of_way]
        n_vectors -= len(texts) + len(gone) - len(of_way - {""})
    with_all = {profile(one, way) for one in said for way in (*ways, speaking_attributes(said))}
    assert cache.missing([profile_hash(text) for text in [*texts, *gone]]) == [
        profile_hash(text) for text in [*texts, *gone] if text not in with_all
    ]
    assert n_vectors == len([text for text in [*texts, *gone] if text not in with_all])
