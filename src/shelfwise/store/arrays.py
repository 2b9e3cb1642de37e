"""Arrays of a model version, mapped into memory and shared by all processes that read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def mapped(path: Path) -> Any:
    """An array of a `.npy` file, read only, paged in as it is used.

    A plain view: slicing `numpy.memmap` itself costs five times as much, and requests slice a lot.
    """
    return np.load(path, mmap_mode="r").view(np.ndarray)
