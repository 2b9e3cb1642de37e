"""Arrays of a model version, mapped into memory and shared by all processes that read them."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np


def mapped(path: Path) -> Any:
    """An array of a `.npy` file, read only, paged in as it is used.

    A plain view: slicing `numpy.memmap` itself costs five times as much, and requests slice a lot.
    """
    return np.load(path, mmap_mode="r").view(np.ndarray)


def share_equal(path: Path, others: Iterable[Path]) -> None:
    """Let files that say the same as this one be this one: on disk, and in the memory of who maps them.

    Args:
        path: That nobody will write into any more.
        others: On the same disk; where that cannot link files they stay as they are.
    """
    size = path.stat().st_size
    for other in others:
        if other.stat().st_size != size or other.samefile(path) or not filecmp.cmp(path, other, shallow=False):
            continue
        link = other.with_suffix(".link")
        with suppress(OSError):
            os.link(path, link)
            link.replace(other)
