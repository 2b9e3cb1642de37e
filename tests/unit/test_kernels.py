"""Whether there are kernels at all: who has none skips their tests, and must not do so unseen where all tests count."""

from __future__ import annotations

import os

import numpy as np
import pytest

from shelfwise.kernels import compiled
from shelfwise.testing.databases import REQUIRED


@pytest.mark.skipif(not os.environ.get(REQUIRED), reason="without a compiler NumPy does the same")
def test_where_nothing_may_be_skipped_the_kernels_are_compiled() -> None:
    assert compiled is not None, "hatch_build.py could not compile them: see what `pip install --verbose .` says"


@pytest.mark.skipif(compiled is None, reason="the kernels are not compiled")
def test_picks_by_mix_look_at_what_they_are_given() -> None:
    assert compiled is not None
    worth, own = np.ones(3, np.float32), np.array([0.5, 0.0, 0.5], np.float32)
    codes, shares = np.array([[0], [1], [9]], np.int32), np.array([[1.0], [1.0], [0.0]], np.float32)
    assert compiled.calibrated(worth, codes, shares, own, 0.5, 0.01, 3).tolist() == [0, 1, 2]  # no share: not looked at
    with pytest.raises(IndexError, match="aspect that there is not"):
        compiled.calibrated(worth, codes, np.ones((3, 1), np.float32), own, 0.5, 0.01, 3)
    for wrong in (
        (worth[:2], codes, shares, own, 0.5, 0.01, 1),
        (worth, codes, np.ones((3, 2), np.float32), own, 0.5, 0.01, 1),
        (worth, codes, shares, own, 0.5, 0.01, 4),
        (worth, codes, shares, own, 0.5, 0.01, -1),
    ):
        with pytest.raises(ValueError, match="shapes disagree|fewer items"):
            compiled.calibrated(*wrong)
    with pytest.raises(TypeError):
        compiled.calibrated(worth, codes.astype(np.int64), shares, own, 0.5, 0.01, 1)  # type: ignore[arg-type]
    assert compiled.calibrated(worth[:0], codes[:0], shares[:0], own, 0.5, 0.01, 0).tolist() == []
