"""The kernels' types. All arrays are contiguous and of exactly these types; what is not is a TypeError.

Whatever is read from files is looked at: a row that there is not is an IndexError, never a look behind an array.
"""

import numpy as np
import numpy.typing as npt

from shelfwise.schemas.ids import Bools, Floats, Rows

class Sums:
    """What `vote` summed of every row that any list named; lives as long as somebody holds it."""

def vote(
    starts: npt.NDArray[np.int64],
    entries: npt.NDArray[np.uint32] | Rows,
    weights: Floats,
    shares: Floats | None,
    seeds: Rows,
    seed_weights: Floats,
    allowed: Bools | None,
    k: int,
    without: int,
    /,
) -> tuple[Rows, Floats, Sums]:
    """Sum lists, and name the rows with the largest sums.

    Args:
        starts: List `i` is `[starts[i], starts[i + 1])`; shape `(n + 1,)`.
        entries: Rows; or packed, see `retrieve.packed_lists`; shape `(E,)`.
        weights: Of each entry, shape `(E,)`; packed: the largest of each list, shape `(n,)`.
        shares: Packed: the share of the largest weight that each code stands for, shape `(256,)`; else None.
        seeds: Lists to sum; shape `(S,)`.
        seed_weights: Of each of these lists; shape `(S,)`.
        allowed: Whether a row may be named; None: each may.
        k: Rows named at most.
        without: A row that may not be named; below 0: none.

    Returns:
        Rows and their sums above 0, best first, equal ones in the order of rows; and all sums.

    Cost:
        O(E'), the length of the lists that are summed, and O(k log k).
    """

def scores_in(sums: Sums, rows: Rows, /) -> Floats:
    """The sums of rows, 0 of those that no list named; shape as the rows'."""

def loudest(
    starts: npt.NDArray[np.int64],
    entries: npt.NDArray[np.uint32] | Rows,
    weights: Floats,
    shares: Floats | None,
    seeds: Rows,
    seed_weights: Floats,
    rows: Rows,
    /,
) -> Rows:
    """Of each row, the seed whose weighted list names it with the largest weight above 0; -1 where none does.

    Args:
        rows: Distinct; shape `(N,)`. The others as in `vote`.

    Returns:
        Shape `(N,)`; of equal weights the earlier seed's.
    """

def sum_of_trees(
    features: Floats,
    thresholds: Floats,
    columns: Rows,
    kept: npt.NDArray[np.uint32],
    starts: npt.NDArray[np.int64],
    leaves: Floats,
    begin: int,
    end: int,
    /,
) -> Floats:
    """Sum some of the trees of `rank.flat_trees.FlatTrees`.

    Args:
        features: Shape `(N, F)`.
        begin: The first of the trees.
        end: Behind the last.

    Returns:
        Shape `(N,)`.

    Cost:
        O(N (end - begin) L) for L leaves; 160 candidates and 400 trees of 31 leaves take 0.1 ms.
    """
