"""An index on disk is made once, serves every process, follows changes in each, and is never in the way."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.schemas.items import Item
from shelfwise.search import catalogue_index, index_folder
from shelfwise.search.catalogue_index import CatalogueIndex
from shelfwise.search.full_text import FullText
from shelfwise.search.index_folder import FOLDER
from shelfwise.store import catalogue
from shelfwise.store.records import Records

N = 40


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Records]:
    monkeypatch.setattr(catalogue_index, "ON_DISK_FROM", N)
    monkeypatch.setattr(catalogue_index, "CHANGED_AT_LEAST", 5)
    monkeypatch.setattr(catalogue_index, "CHUNK", 7)
    monkeypatch.setattr(index_folder, "LOOK_AGAIN_S", 0.01)
    (tmp_path / "memory").mkdir()
    monkeypatch.setattr(index_folder, "MEMORY", tmp_path / "memory")
    opened = Records.open("sqlite:///s.db", tmp_path)
    put(opened, *(f"lamp{number}" for number in range(N)))
    yield opened
    opened.close()


def put(records: Records, *titles: str, **item: str) -> None:
    with records.write() as connection:
        catalogue.upsert(connection, [Item(item_id=item.get("item_id", title), title=title) for title in titles])


def opened(records: Records, *, is_closing: bool = False) -> FullText:
    found = CatalogueIndex(records, (), lambda: is_closing).opened()
    assert found is not None
    return found


def finds(index: FullText, *titles: str) -> list[bool]:
    everything = np.ones(10 * N, bool)
    return [bool(len(index.find(title, everything, 5).rows)) for title in titles]


def names_of(index: FullText, row: int) -> list[bool]:
    """Whether an item is found by its first name, and by the one that it has later; one slip finds others too."""
    everything = np.ones(10 * N, bool)
    return [row in index.find(text, everything, 10 * N).rows for text in (f"lamp{row}", "mug")]


def folders(records: Records, start: str) -> list[Path]:
    return sorted((records.folder / FOLDER).glob(f"{start}*"))


def owns(records: Records) -> list[Path]:
    """The folders of processes, those that are gone included."""
    return [*folders(records, index_folder.OWN), *sorted(index_folder.MEMORY.glob(f"{index_folder.OWN}*"))]


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many items are put into an index from here on."""
    n_added: list[int] = []
    add = FullText.add

    def counting(self: FullText, entries: Any) -> None:
        entries = list(entries)
        n_added.append(len(entries))
        add(self, entries)

    monkeypatch.setattr(FullText, "add", counting)
    return n_added


def test_it_is_made_once_and_files_are_shared(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    n_added = counted(monkeypatch)
    one, other = opened(records), opened(records)
    assert sum(n_added) == N
    (base,), made = folders(records, "base-"), owns(records)
    segments = [path.name for path in base.glob("*.term")]
    assert segments and len(made) == 2
    for own in made:
        assert all((own / name).samefile(base / name) for name in segments)
    assert finds(one, "lamp3", "mug") == finds(other, "lamp3", "mug") == [True, False]
    one.close()
    assert len(owns(records)) == 1
    assert finds(one, "lamp3") == finds(other, "lamp3") == [True]  # what is open goes on
    other.close()


def test_each_follows_changes_without_the_other(records: Records) -> None:
    one, other = opened(records), opened(records)
    put(records, "mug", item_id="lamp3")
    with records.write() as connection:
        catalogue.delete(connection, "lamp4")
    with records.read() as connection:
        changed = catalogue.get_many(connection, ["lamp3", "lamp4"])
    one.put(changed)
    assert names_of(one, 3) == [False, True] and names_of(one, 4) == [False, False]
    assert names_of(other, 3) == [True, False] and names_of(other, 4) == [True, False]
    later = opened(records)  # who comes later begins with the base, and looks what changed since
    assert names_of(later, 3) == [False, True] and names_of(later, 4) == [False, False]
    assert names_of(later, 5) == [True, False]
    assert len(folders(records, "base-")) == 1
    for index in (one, other, later):
        index.close()


def test_scores_are_those_of_an_index_in_memory(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(records).close()
    put(records, "mug of a lamp", item_id="lamp3")
    from_disk = opened(records)
    monkeypatch.setattr(catalogue_index, "ON_DISK_FROM", 10 * N)
    in_memory = opened(records)
    everything = np.ones(N, bool)
    ours, theirs = (index.find("lamp", everything, N) for index in (from_disk, in_memory))
    assert dict(zip(ours.rows.tolist(), ours.scores.tolist(), strict=True)) == pytest.approx(
        dict(zip(theirs.rows.tolist(), theirs.scores.tolist(), strict=True)), rel=0.02
    )
    from_disk.close()


def test_after_many_changes_it_is_made_anew(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(records).close()
    (before,) = folders(records, "base-")
    put(records, *(f"mug{number}" for number in range(6)))
    n_added = counted(monkeypatch)
    index = opened(records)
    assert sum(n_added) == N + 6 and folders(records, "base-") != [before]
    assert finds(index, "mug5", "lamp3") == [True, True]
    index.close()


def test_what_is_left_behind_is_cleared_away(records: Records) -> None:
    opened(records).close()
    folder = records.folder / FOLDER
    alive = opened(records)
    (path,) = owns(records)
    left = [path.with_name(path.name[:-4] + "dead"), folder / ".unfinished-base-x", folder / "base-otherform-1"]
    for one in left:
        one.mkdir()
        (one / "file").touch()
    another = opened(records)
    assert path in owns(records) and len(owns(records)) == 2
    assert not any(one.exists() for one in left) and len(folders(records, "base-")) == 1
    alive.close()
    another.close()


def test_another_store_and_other_attributes_have_their_own(records: Records, tmp_path: Path) -> None:
    opened(records).close()
    (before,) = folders(records, "base-")
    again = CatalogueIndex(records, ["colour"], lambda: False).opened()
    assert again is not None and before not in folders(records, "base-")
    again.close()
    opened(records).close()
    (before,) = folders(records, "base-")
    records.close()
    (tmp_path / "s.db").unlink()
    other = Records.open("sqlite:///s.db", tmp_path)
    put(other, *(f"mug{number}" for number in range(N)))
    index = opened(other)
    assert finds(index, "lamp3", "mug3") == [False, True] and folders(other, "base-") != [before]
    index.close()
    other.close()


@pytest.mark.parametrize("left", [b"\0", b"", None])
@pytest.mark.parametrize("broken", ["meta.json", "*.term", "*.pos", index_folder.NUMBERS_FILE, index_folder.SIZES_FILE])
def test_a_damaged_one_is_of_no_use_and_goes(records: Records, broken: str, left: bytes | None) -> None:
    opened(records).close()
    (base,) = folders(records, "base-")
    (path,) = base.glob(broken)
    if left is None:
        path.unlink()
    else:
        path.write_bytes(left)
    for _ in range(2):  # at first maybe from memory
        index = opened(records)
        assert finds(index, "lamp3") == [True]
        index.close()
    (again,) = folders(records, "base-")
    assert again != base


def test_a_store_that_was_put_back_has_its_index_made_anew(records: Records) -> None:
    """It gives the same numbers again, to other changes."""
    opened(records).close()  # by which the store has a name of its own
    shutil.rmtree(records.folder / FOLDER)
    database, kept = records.folder / "s.db", records.folder / "kept.db"
    with sqlite3.connect(database) as source, sqlite3.connect(kept) as copy:
        source.backup(copy)
    put(records, "monday", item_id="lamp3")
    opened(records).close()
    with sqlite3.connect(kept) as source, sqlite3.connect(database) as copy:
        source.backup(copy)
    opened(records).close()
    put(records, "tuesday", item_id="lamp3")
    index = opened(records)
    assert finds(index, "monday", "tuesday") == [False, True]
    index.close()


def test_what_others_put_into_the_memory_holds_up_nobody(records: Records) -> None:
    """Neither a pipe in a lock's place, nor a link to somewhere else."""
    first = opened(records)
    (own,) = owns(records)
    for name, make in (("pipe", os.mkfifo), ("link", lambda path: path.symlink_to(records.folder / "elsewhere"))):
        folder = own.with_name(f"{own.name[:-4]}{name}")
        folder.mkdir()
        make(folder / index_folder.LOCK)
    own.with_name(f"{own.name[:-4]}file").write_text("")
    somebody_elses = own.with_name(f"{own.name[:-4]}else")
    somebody_elses.mkdir()
    if os.getuid() == 0:  # nobody else may give a folder away
        os.chown(somebody_elses, 12_345, -1)
    second = opened(records)
    assert finds(second, "lamp3") == [True]
    assert somebody_elses.exists() or os.getuid() != 0
    assert not (records.folder / "elsewhere").exists()
    first.close()
    second.close()


def test_a_base_stays_as_long_as_somebody_uses_it(records: Records) -> None:
    first = opened(records)
    (before,) = folders(records, "base-")
    put(records, *(f"mug{number}" for number in range(6)))
    second = opened(records)
    assert len(folders(records, "base-")) == 2
    put(records, "kite", item_id="lamp3")
    with records.read() as connection:
        first.put(catalogue.get_many(connection, ["lamp3"]))
    assert finds(first, "kite") == [True] and finds(second, "mug5", "lamp9") == [True, True]
    first.close()
    third = opened(records)
    assert before not in folders(records, "base-") and finds(third, "kite", "mug5") == [True, True]
    second.close()
    third.close()


@pytest.mark.parametrize("in_memory", [True, False])
def test_without_room_in_memory_the_disk_holds_what_changes(
    records: Records, in_memory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_folder, "ROOM_BYTES", 0 if in_memory else 2**62)
    index = opened(records)
    assert bool(list(index_folder.MEMORY.iterdir())) is in_memory
    assert finds(index, "lamp3") == [True]
    index.close()
    assert not owns(records)


@pytest.mark.parametrize("at", ["symlink_to", "mkdir"])
def test_a_disk_that_takes_nothing_is_done_without(
    records: Records, at: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, at, full)
    index = opened(records)
    assert finds(index, "lamp3") == [True] and "in memory" in caplog.text
    index.close()


def test_others_wait_for_the_first_and_closing_ends_the_wait(records: Records) -> None:
    found: list[FullText] = []
    threads = [threading.Thread(target=lambda: found.append(opened(records))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 4 and len(folders(records, "base-")) == 1
    for index in found:
        assert finds(index, "lamp3") == [True]
        index.close()
    (base,) = folders(records, "base-")
    for path in base.iterdir():
        path.unlink()
    base.rmdir()
    assert CatalogueIndex(records, (), lambda: True).opened() is None
    assert not folders(records, "base-") and not folders(records, ".unfinished")
