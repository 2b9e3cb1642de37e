"""Array types of the metrics, and how work on them is cut into blocks; shapes stand in docstrings."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
"""Real numbers of any width, as an argument."""

Float64s: TypeAlias = npt.NDArray[np.float64]
"""Real numbers as every metric returns them."""

Ints: TypeAlias = npt.NDArray[np.integer[Any]]
Bools: TypeAlias = npt.NDArray[np.bool_]

BLOCK_CELLS = 1 << 20
"""Values a temporary array may hold (8 MiB of float64), so that memory does not grow with the users."""


def row_blocks(n_rows: int, cells_per_row: int) -> Iterator[slice]:
    """Cut `n_rows` rows into slices of at most `BLOCK_CELLS` cells, or of one row where a row is larger."""
    step = max(1, BLOCK_CELLS // max(1, cells_per_row))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))
