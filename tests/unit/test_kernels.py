"""Whether there are kernels at all: who has none skips their tests, and must not do so unseen where all tests count."""

from __future__ import annotations

import os

import pytest

from shelfwise.kernels import compiled
from shelfwise.testing.databases import REQUIRED


@pytest.mark.skipif(not os.environ.get(REQUIRED), reason="without a compiler NumPy does the same")
def test_where_nothing_may_be_skipped_the_kernels_are_compiled() -> None:
    assert compiled is not None, "hatch_build.py could not compile them: see what `pip install --verbose .` says"
