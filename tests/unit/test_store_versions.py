"""Model versions appear whole or not at all, and going back takes the way that was come."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from shelfwise.errors import StateError, UnknownError
from shelfwise.store import versions as version_store
from shelfwise.store.versions import CURRENT, LOG, MANIFEST, Versions


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Versions:
    """Names are counted up, since several are published within a second."""
    names = iter(range(100))
    monkeypatch.setattr(version_store.secrets, "token_hex", lambda _: f"{next(names):04d}")
    return Versions(tmp_path / "models")


def publish(versions: Versions, content: str = "x", **manifest: Any) -> str:
    with versions.publish(manifest) as folder:
        (folder / "rank").mkdir()
        (folder / "rank" / "model.txt").write_text(content)
    return str(manifest["version"]) if "version" in manifest else versions.current().name


def test_a_version_is_in_service_as_soon_as_it_is_published(versions: Versions) -> None:
    name = publish(versions, "first", n_items=3)
    current = versions.current()
    assert (current.name, current.is_current) == (name, True)
    assert current.manifest == {"n_items": 3, "version": name}
    assert (current.folder / "rank" / "model.txt").read_text() == "first"
    assert [version.name for version in versions.list()] == [name]


def test_what_interrupts_publishing_leaves_nothing(versions: Versions) -> None:
    name = publish(versions, "first")
    before = sorted(path.name for path in versions.folder.iterdir())
    log = (versions.folder / LOG).read_text()

    def broken(failure: BaseException) -> None:
        with versions.publish({}) as folder:
            (folder / "half.npy").write_bytes(b"\0" * 10)
            raise failure

    for failure in (RuntimeError("bad data"), KeyboardInterrupt()):
        with pytest.raises(type(failure)):
            broken(failure)
        assert versions.current().name == name
        assert sorted(path.name for path in versions.folder.iterdir()) == before
    assert (versions.folder / LOG).read_text() == log


def test_a_manifest_that_cannot_be_written_publishes_nothing(versions: Versions) -> None:
    with pytest.raises(TypeError), versions.publish({"not json": object()}):
        pass
    assert versions.list() == []
    with pytest.raises(StateError, match="no model yet"):
        versions.current()


def test_a_version_that_is_being_written_is_not_listed(versions: Versions) -> None:
    first = publish(versions)
    with versions.publish({}) as folder:
        (folder / MANIFEST).write_text("{}")
        assert [version.name for version in versions.list()] == [first]
        assert versions.current().name == first
    assert len(versions.list()) == 2


def test_only_abandoned_scratch_folders_are_swept(versions: Versions) -> None:
    publish(versions)
    old, young = (versions.folder / f".unfinished-{name}" for name in ("old", "young"))
    for path in (old, young):
        path.mkdir()
    two_days_ago = time.time() - 2 * 86_400
    os.utime(old, (two_days_ago, two_days_ago))
    publish(versions)
    assert young.is_dir()
    assert not old.exists()


def test_no_version_yet_says_train(versions: Versions) -> None:
    with pytest.raises(StateError, match=r"(?s)no model yet.*shelfwise train") as caught:
        versions.current()
    assert caught.value.code == "no_model"
    assert versions.list() == []


def test_roll_back_goes_back_step_by_step(versions: Versions) -> None:
    first, second, third = (publish(versions, str(n)) for n in range(3))
    assert versions.roll_back().name == second
    assert versions.roll_back().name == first
    assert versions.current().name == first
    with pytest.raises(StateError, match="no earlier version"):
        versions.roll_back()
    assert versions.current().name == first
    assert [version.name for version in versions.list()] == [first, second, third]


def test_promote_then_roll_back_returns_to_where_it_was(versions: Versions) -> None:
    first, second, third = (publish(versions, str(n)) for n in range(3))
    assert versions.promote(first).is_current
    assert versions.roll_back().name == third
    assert versions.roll_back().name == second


def test_after_a_roll_back_a_new_version_goes_back_to_that(versions: Versions) -> None:
    first, _second = publish(versions), publish(versions)
    versions.roll_back()
    third = publish(versions)
    assert versions.current().name == third
    assert versions.roll_back().name == first


def test_roll_back_passes_over_a_version_that_was_deleted(versions: Versions) -> None:
    first, second, _third = (publish(versions, str(n)) for n in range(3))
    for path in sorted((versions.folder / second).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (versions.folder / second).rmdir()
    assert versions.roll_back().name == first


def test_promoting_the_current_version_does_not_lose_the_way_back(versions: Versions) -> None:
    first, second = publish(versions), publish(versions)
    versions.promote(second)
    assert versions.roll_back().name == first


def test_an_unknown_version_names_the_near_one(versions: Versions) -> None:
    name = publish(versions)
    with pytest.raises(UnknownError, match=rf"(?s)no model version '{name}9'; known: {name}.*did you mean '{name}'"):
        versions.promote(f"{name}9")
    with pytest.raises(UnknownError, match="no model version"):
        versions.get("..")
    assert versions.current().name == name


def test_current_points_at_a_whole_version_at_every_moment(versions: Versions) -> None:
    publish(versions, "0")
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                current = versions.current()
                assert (current.folder / "rank" / "model.txt").is_file()
                assert current.manifest["version"] == current.name
            except BaseException as failure:
                failures.append(failure)

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(1, 15):
        publish(versions, str(n))
    done.set()
    reader.join()
    assert failures == []


def test_every_change_is_logged(versions: Versions) -> None:
    first, second = publish(versions), publish(versions)
    versions.roll_back()
    versions.promote(second)
    entries = [json.loads(line) for line in (versions.folder / LOG).read_text().splitlines()]
    assert [(entry["action"], entry["version"]) for entry in entries] == [
        ("publish", first),
        ("publish", second),
        ("roll-back", first),
        ("promote", second),
    ]
    assert (versions.folder / CURRENT).read_text() == second
