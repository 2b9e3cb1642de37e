"""The kernels' types. All arrays are contiguous and of exactly these types; what is not is a TypeError.

Whatever is read from files is looked at: a row that there is not is an IndexError, never a look behind an array.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from shelfwise.schemas.ids import Bools, Floats, Rows, Times

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
) -> tuple[Rows, Floats, Rows, Floats] | None:
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
        Rows and their sums above 0, best first, equal ones in the order of rows; and every row that any list names,
        with its sum. None where these may be more than four millions.

    Cost:
        The length of the lists that are summed, and O(k log k); 4 bytes an item for the whole process.
    """

def scores_in(named: Rows, sums: Floats, rows: Rows, /) -> Floats:
    """The sums of rows, 0 of those that no list names; shape as the rows'.

    Args:
        named: Distinct, as `vote` tells them; shape `(D,)`.
        sums: Of these; shape `(D,)`.
        rows: Asked about; shape `(N,)`.
    """

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

def describe(
    rows: Rows,
    scores: Floats,
    ranks: Rows,
    log_prices: Floats | None,
    state: tuple[npt.NDArray[Any], ...],
    history_rows: Rows,
    history_times: Times,
    seeds: Rows,
    weights: Floats,
    now_ms: int,
    has_clock: bool,
    n_columns: int,
    /,
) -> Floats:
    """What the ranker is told of each candidate but for what texts tell, which is left as not known.

    Args:
        rows: The candidates; shape `(N,)`.
        scores: Of each retriever; shape `(N, R)`.
        ranks: In each retriever's list, from 1, 0 where it named it not; shape `(N, R)`.
        log_prices: At which the candidates were shown; shape `(N,)`; None: those of the catalogue.
        state: `ItemState.arrays`.
        history_rows: Items of the history, oldest first; shape `(T,)`.
        history_times: When, never falling; shape `(T,)`.
        seeds: Latest distinct items, at most 16; shape `(S,)`.
        weights: Of these; shape `(S,)`.
        now_ms: The moment of the request.
        has_clock: Whether times are moments.
        n_columns: `3 R + len(OWN)`.

    Returns:
        Shape `(N, n_columns)`, as `features.candidate_features` names the columns.
    """
