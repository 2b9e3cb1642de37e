"""Data keys: how they are written, read, kept in a file and asked for."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.errors import ConfigError
from shelfwise.store.data_keys import (
    PREFIX,
    VARIABLE,
    AlteredError,
    DataKey,
    DataKeys,
    put_first,
    read_file,
    read_keys,
)
from shelfwise.store.sealed_form import as_plain, attributes_place, key_of, quarantine_place, sealed

KEY, OTHER = DataKey(b"k" * 32), DataKey(b"o" * 32)


@given(st.text(), st.text())
def test_what_is_sealed_is_opened_in_its_place_only(text: str, user_id: str) -> None:
    place = attributes_place(user_id)
    body = KEY.seal(text, place)
    assert KEY.open(body, place) == text
    assert KEY.seal(text, place) != body  # a nonce is never used again
    for wrong_key, wrong_place in ((OTHER, place), (KEY, attributes_place(user_id + "x"))):
        with pytest.raises(AlteredError):
            wrong_key.open(body, wrong_place)


def test_places_are_told_apart() -> None:
    places = {
        attributes_place("1\x1f2"),
        attributes_place("1"),
        quarantine_place("raw", 1, 2),
        quarantine_place("raw", 12, 2),
        quarantine_place("message", 1, 2),
    }
    assert len(places) == 5


def test_an_id_with_nul_is_the_one_that_postgresql_keeps() -> None:
    body = KEY.seal("x", attributes_place("a\0b"))
    assert KEY.open(body, attributes_place("a\ufffdb")) == "x"


@pytest.mark.parametrize("place", range(0, 60, 7))
def test_a_changed_letter_is_noticed(place: int) -> None:
    body = KEY.seal("some words that somebody said of himself", "p")
    changed = body[:place] + ("A" if body[place] != "A" else "B") + body[place + 1 :]
    with pytest.raises(AlteredError):
        KEY.open(changed, "p")


@pytest.mark.parametrize("body", ["", "AAAA", "no base64!", "é"])
def test_what_was_never_sealed_is_refused(body: str) -> None:
    with pytest.raises(AlteredError):
        KEY.open(body, "p")


def test_plain_texts_are_never_taken_for_sealed_ones() -> None:
    assert as_plain("a,b") == "a,b"
    assert key_of(as_plain(sealed(KEY, "x", "p"))) is None
    assert key_of(sealed(KEY, "x", "p")) == KEY.key_id


def test_a_key_is_written_and_read() -> None:
    made = DataKey.make()
    assert DataKey.read(made.written, "here") == made
    assert len(made.key_id) == 8 and made.key_id not in made.written
    assert made.written not in repr(made) and str(made.secret) not in repr(made)


@pytest.mark.parametrize(
    "written",
    ["", "swdk_", KEY.written[:-1], KEY.written + "A", KEY.written.removeprefix(PREFIX), f"{PREFIX}{'é' * 43}",
     KEY.written[:-1] + ("t" if KEY.written[-1] != "t" else "u")],
)  # fmt: skip
def test_what_is_no_key_is_refused_without_being_quoted(written: str) -> None:
    with pytest.raises(ConfigError, match="no data key") as caught:
        DataKey.read(written, "SHELFWISE_DATA_KEY")
    assert len(written) < 10 or written not in str(caught.value)


def test_the_environment_stands_above_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert DataKeys.of(None, tmp_path).first is None
    put_first(tmp_path / "keys", OTHER, "other")
    assert DataKeys.of("keys", tmp_path).ids() == [OTHER.key_id]
    monkeypatch.setenv(VARIABLE, f" {KEY.written}, {OTHER.written}\n{KEY.written}")
    assert DataKeys.of("keys", tmp_path).ids() == [KEY.key_id, OTHER.key_id]
    monkeypatch.setenv(VARIABLE, "correct-horse-battery-staple")
    with pytest.raises(ConfigError, match=VARIABLE) as caught:
        DataKeys.of("keys", tmp_path)
    assert "horse" not in str(caught.value)


def test_a_file_keeps_the_keys_that_it_had_and_is_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "keys"
    put_first(path, OTHER, "the first")
    put_first(path, KEY, "the second")
    path.write_text("# who to ask: the security team\n\n" + path.read_text())
    assert read_file(path) == [KEY, OTHER]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["keys"]
    path.write_text(f"{KEY.written}\nno key\n")
    with pytest.raises(ConfigError, match="line 2"):
        read_file(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_file(tmp_path)


def test_of_two_who_write_at_once_neither_key_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    made = [DataKey.make() for _ in range(24)]
    with ThreadPoolExecutor(8) as several:
        list(several.map(lambda key: put_first(path, key, key.key_id), made))
    assert {one.key_id for one in read_file(path)} == {one.key_id for one in made}
    assert [one.name for one in tmp_path.iterdir()] == ["keys"]


def test_what_a_link_leads_to_is_written(tmp_path: Path) -> None:
    mounted, link = tmp_path / "mounted" / "keys", tmp_path / "keys"
    put_first(mounted, OTHER, "")
    link.symlink_to(mounted)
    put_first(link, KEY, "")
    assert link.is_symlink() and read_file(mounted) == [KEY, OTHER]
    (tmp_path / "later").symlink_to(tmp_path / "not" / "yet" / "there")
    put_first(tmp_path / "later", KEY, "")
    assert read_file(tmp_path / "not" / "yet" / "there") == [KEY]


def test_a_new_key_outlives_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, done = tmp_path / "not" / "there" / "keys", list[str]()
    flush = os.fsync

    def flushed(descriptor: int) -> None:
        at = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        done.append(f"{'keys' if at.name.startswith('.keys') else at.name}{' with it' if path.exists() else ''}")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", flushed)
    put_first(path, KEY, "")
    # Folders that were made are named in those above them, the file's bytes are there before its name.
    assert done == [tmp_path.name, "not", "keys", "there with it"]


def test_a_key_that_came_into_the_file_later_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    path = tmp_path / "keys"
    put_first(path, OTHER, "")
    keys = DataKeys.of("keys", tmp_path)
    assert keys.find(OTHER.key_id) == OTHER and keys.find("00000000") is None
    put_first(path, KEY, "")
    assert keys.find(KEY.key_id) is None  # looked for a moment ago
    monkeypatch.setattr("shelfwise.store.data_keys.REREAD_AFTER_S", 0.0)
    assert keys.find(KEY.key_id) == KEY and keys.first == KEY
    path.write_text("half a lin")  # somebody is writing it with an editor
    assert keys.find("00000000") is None and keys.first == KEY


def test_a_file_that_comes_later_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("shelfwise.store.data_keys.REREAD_AFTER_S", 0.0)
    keys = DataKeys.of("keys", tmp_path)
    with pytest.raises(ConfigError, match="no file of data keys"):
        _ = keys.first
    put_first(tmp_path / "keys", KEY, "")
    assert keys.first == KEY


def test_a_key_counts_once() -> None:
    assert read_keys([KEY.written, OTHER.written, KEY.written], "here") == [KEY, OTHER]
