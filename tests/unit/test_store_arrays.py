"""Arrays of a version: mapped, and kept once where two files say the same."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from shelfwise.store.arrays import mapped, share_equal


def test_equal_files_become_one_and_others_stay(tmp_path: Path) -> None:
    vectors = np.arange(12, dtype=np.float32).reshape(3, 4)
    paths = [tmp_path / f"{name}.npy" for name in ("own", "same", "other", "longer")]
    for path, array in zip(paths, (vectors, vectors, vectors + 1, np.zeros((9, 4), np.float32)), strict=True):
        np.save(path, array)
    share_equal(paths[0], paths[1:])
    assert [path.stat().st_ino == paths[0].stat().st_ino for path in paths] == [True, True, False, False]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    np.testing.assert_array_equal(mapped(paths[1]), vectors)
    np.testing.assert_array_equal(mapped(paths[2]), vectors + 1)


def test_a_disk_that_cannot_link_keeps_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError("not here")

    monkeypatch.setattr(os, "link", refused)
    for name in ("own", "same"):
        np.save(tmp_path / f"{name}.npy", np.ones(3))
    share_equal(tmp_path / "own.npy", [tmp_path / "same.npy"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own.npy", "same.npy"]
    np.testing.assert_array_equal(mapped(tmp_path / "same.npy"), np.ones(3))
