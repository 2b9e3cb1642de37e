"""Vectors of profiles are overwritten where they lie: in the encoder's cache and in model versions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shelfwise.encode import profile_vectors
from shelfwise.encode.landmarks import Landmarks
from shelfwise.encode.passage import content_hash, passage
from shelfwise.encode.profile import profile_hash
from shelfwise.encode.profile_vectors import ProfileVectors, profile_key
from shelfwise.pipeline.earlier_caches import keep_items_only
from shelfwise.schemas.items import Item
from shelfwise.store import catalogue, vectors
from shelfwise.store.records import Records
from shelfwise.store.vectors import FILE_NAME, VectorCache
from shelfwise.train.profiles import set_profiles_apart

TEXTS = [f"likes thing {number}" for number in range(9)]


def saved(folder: Path) -> ProfileVectors:
    folder.mkdir()
    keys = np.sort(np.array([profile_key(text) for text in TEXTS], np.uint64))
    made = np.random.default_rng(0).normal(size=(len(TEXTS), 4)).astype(np.float16)
    some = np.eye(4, dtype=np.float32)
    landmarks = Landmarks.of(some, some, np.ones(4, bool))
    ProfileVectors(("about",), keys, made, np.empty(0, np.int32), landmarks).save(folder)
    return ProfileVectors.load(folder)


@pytest.mark.parametrize("gone", range(len(TEXTS)))
def test_a_version_forgets_one_text_and_keeps_the_others(tmp_path: Path, gone: int) -> None:
    opened = saved(tmp_path / "users")
    before = {text: opened.of_text(text) for text in TEXTS}
    assert profile_vectors.forget(tmp_path / "users", profile_hash(TEXTS[gone]))
    assert not profile_vectors.forget(tmp_path / "users", profile_hash(TEXTS[gone]))
    for reader in (opened, ProfileVectors.load(tmp_path / "users")):  # the first has had it mapped all the while
        for place, text in enumerate(TEXTS):
            found = reader.of_text(text)
            if place == gone:
                assert found is None
            else:
                np.testing.assert_array_equal(found, before[text])
    content = b"".join(path.read_bytes() for path in (tmp_path / "users").iterdir())
    assert profile_key(TEXTS[gone]).to_bytes(8, "little") not in content


@pytest.mark.parametrize("said", [(), (0,), (8,), (2, 3, 7), tuple(range(9))])
def test_a_version_keeps_what_is_still_said_and_nothing_else(tmp_path: Path, said: tuple[int, ...]) -> None:
    opened = saved(tmp_path / "users")
    before = [opened.of_text(text) for text in TEXTS]
    [keys] = profile_vectors.keys_of([{"about": TEXTS[place]} for place in said], [("about",)])
    assert profile_vectors.keep_only(tmp_path / "users", keys) == len(TEXTS) - len(said)
    assert profile_vectors.keep_only(tmp_path / "users", keys) == 0
    for reader in (opened, ProfileVectors.load(tmp_path / "users")):
        for place, text in enumerate(TEXTS):
            found, wanted = reader.of_text(text), before[place]
            assert (found is not None) == (place in said)
            if found is not None and wanted is not None:
                np.testing.assert_array_equal(found, wanted)
    content = b"".join(path.read_bytes() for path in (tmp_path / "users").iterdir())
    for place in set(range(len(TEXTS))).difference(said):
        assert profile_key(TEXTS[place]).to_bytes(8, "little") not in content


def test_who_says_nothing_and_what_nobody_reads_has_no_key() -> None:
    users = [{"about": "tea"}, {"about": " "}, {"email": "a@x.org"}, {"about": "tea"}]
    found = profile_vectors.keys_of(users, [("about",), (), ("email", "about")])
    assert [keys.tolist() for keys in found] == [[profile_key("tea")] * 2, [], [profile_key("tea")] * 2]


def test_a_part_of_a_cache_is_kept_and_emptied_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "LOOKUP_CHUNK", 2)  # as many may be gone as the shop has users
    records = Records.open("sqlite:///s.db", tmp_path)
    hashes = [bytes([number]) * 16 for number in range(7)]
    made = np.arange(1, 29, dtype=np.float32).reshape(7, 4)
    cache = VectorCache(records, tmp_path / "v" / "known", "known", 4)
    part = cache.part("said")
    assert not part.is_begun
    cache.append(hashes, made)
    part.append(hashes[:6], -made[:6])
    assert part.is_begun and cache.missing(hashes) == []
    with records.read() as connection:
        assert vectors.kept_in(connection, "said") == hashes[:6]
        assert vectors.kept_in(connection, "sai") == vectors.kept_in(connection, "known") == []
    assert cache.part("said").keep_only([hashes[1], b"x" * 16]) == 5
    assert part.missing(hashes) == [hashes[0], *hashes[2:]]
    np.testing.assert_array_equal(part.gather([hashes[1]]), -made[[1]])
    np.testing.assert_array_equal(cache.gather(hashes), made)
    kept = np.fromfile(tmp_path / "v" / "known" / "said" / FILE_NAME, np.float16).reshape(-1, 4)
    assert kept.any(axis=1).tolist() == [False, True, False, False, False, False]
    assert vectors.forget(records, tmp_path / "v", hashes[:5], {"known": 4, "known/said": 4}) == 6
    assert cache.missing(hashes) == hashes[:5] and part.missing(hashes) == hashes
    records.close()


def test_vectors_of_people_leave_a_cache_that_held_items_too(tmp_path: Path) -> None:
    """As an earlier release kept them: once, when the first profiles come into their own part."""
    records = Records.open("sqlite:///s.db", tmp_path)
    items = [Item(item_id=str(number), title=f"Thing {number}") for number in range(2)]
    hashes = [content_hash(passage(item)) for item in items]
    cache = VectorCache(records, tmp_path / "v" / "known", "known", 4)
    cache.append([*hashes, b"said by someone."], np.ones((3, 4), np.float32))
    set_profiles_apart(cache, items)
    assert cache.missing([*hashes, b"said by someone."]) == [b"said by someone."]
    cache.part(profile_vectors.PART).append([b"said by someone."], np.ones((1, 4), np.float32))
    set_profiles_apart(cache, items[:1])
    assert cache.missing(hashes) == []
    records.close()


def test_an_erasure_sets_every_encoders_earlier_cache_apart_once(tmp_path: Path) -> None:
    """Also of encoders that the shop does not use any more; pictures are nobody's words."""
    records = Records.open("sqlite:///s.db", tmp_path)
    items = [Item(item_id=str(number), title=f"Thing {number}") for number in range(2)]
    with records.write() as connection:
        catalogue.upsert(connection, items)
    hashes, said = [content_hash(passage(item)) for item in items], b"said by someone."
    holds = {
        "text-in-use": [*hashes, said],
        "text-of-before": [hashes[1], said],
        "text-of-long-ago": [said],
        "of-a-plugin": [hashes[0], said],
        "pictures-1": [b"of a picture...."],
        "plugin-pictures": [b"of a picture...."],
    }
    caches = {name: VectorCache(records, tmp_path / "v" / name, name, 4) for name in holds}
    for name, held in holds.items():
        caches[name].append(held, np.ones((len(held), 4), np.float32))
    dims: dict[str, int] = {"text-in-use": 4, "text-of-before": 4, "of-a-plugin": 4}
    assert keep_items_only(records, tmp_path / "v", dims) == 4
    for name, held in holds.items():
        assert caches[name].missing(held) == [one for one in held if one == said], name
        assert (tmp_path / "v" / name / FILE_NAME).is_file() == (name != "text-of-long-ago")
    kept = np.fromfile(tmp_path / "v" / "text-in-use" / FILE_NAME, np.float16).reshape(-1, 4)
    assert kept.any(axis=1).tolist() == [True, True, False]
    # Once: what an item was called until now is worth keeping, and what people say has a part of its own.
    caches["text-in-use"].append([b"a title of once."], np.ones((1, 4), np.float32))
    caches["text-in-use"].part(profile_vectors.PART).append([said], np.ones((1, 4), np.float32))
    assert keep_items_only(records, tmp_path / "v", dims) == 0
    assert caches["text-in-use"].missing([b"a title of once."]) == []
    records.close()


def test_the_cache_forgets_and_goes_on(tmp_path: Path) -> None:
    records = Records.open("sqlite:///s.db", tmp_path)
    hashes = [bytes([number]) * 16 for number in range(5)]
    made = np.arange(1, 21, dtype=np.float32).reshape(5, 4)
    known, unknown = (VectorCache(records, tmp_path / "v" / name, name, 4) for name in ("known", "unknown"))
    for cache in (known, unknown):
        cache.append(hashes, made)
    assert vectors.forget(records, tmp_path / "v", [hashes[1], hashes[4], b"x" * 16], {"known": 4}) == 4
    assert known.missing(hashes) == [hashes[1], hashes[4]]
    np.testing.assert_array_equal(known.gather([hashes[0], hashes[2], hashes[3]]), made[[0, 2, 3]])
    content = (tmp_path / "v" / "known" / FILE_NAME).read_bytes()
    assert made[1].astype(np.float16).tobytes() not in content and made[4].astype(np.float16).tobytes() not in content
    # Nobody knows how long the other one's vectors are: all of it is made anew.
    assert not (tmp_path / "v" / "unknown" / FILE_NAME).exists()
    assert unknown.missing(hashes) == hashes
    for cache in (known, unknown):
        cache.append(hashes, made)
        np.testing.assert_array_equal(cache.gather(hashes), made)
    records.close()
