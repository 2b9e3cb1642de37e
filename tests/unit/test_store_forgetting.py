"""Vectors of profiles are overwritten where they lie: in the encoder's cache and in model versions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shelfwise.encode import profile_vectors
from shelfwise.encode.landmarks import Landmarks
from shelfwise.encode.profile import profile_hash
from shelfwise.encode.profile_vectors import ProfileVectors, profile_key
from shelfwise.store import vectors
from shelfwise.store.records import Records
from shelfwise.store.vectors import FILE_NAME, VectorCache

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
