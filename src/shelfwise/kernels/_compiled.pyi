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
    lanes: int,
    /,
) -> Floats:
    """Sum some of the trees of `rank.flat_trees.FlatTrees`.

    Args:
        features: Shape `(N, F)`.
        begin: The first of the trees.
        end: Behind the last.
        lanes: Of the registers that are used, 4, 8 or 16; 0 for the widest that there are.

    Returns:
        Shape `(N,)`; the same for all lanes.

    Raises:
        ValueError: this processor has no registers of so many lanes, or the trees are damaged.

    Cost:
        O(N (end - begin) L) for L leaves; 160 candidates and 400 trees of 31 leaves take 0.1 ms.
    """

def cascade(
    features: Floats,
    thresholds: Floats,
    columns: Rows,
    kept: npt.NDArray[np.uint32],
    starts: npt.NDArray[np.int64],
    leaves: Floats,
    n_first: int,
    n_judged: int,
    /,
) -> Floats:
    """Score one request's candidates as `rank.tree_cascade` says.

    Args:
        features: Shape `(N, F)`.
        n_first: Trees that judge every candidate.
        n_judged: Candidates, at least 1, that all trees judge: those that the first trees like best.

    Returns:
        Shape `(N,)`; of those that not all trees judged what the first say, put below the others.
    """

def products(vectors: npt.NDArray[np.float16] | Floats, rows: Rows, questions: Floats, /) -> Floats:
    """Inner products of items' vectors with questions.

    Args:
        vectors: Shape `(n, D)`.
        rows: Shape `(N,)`; those that have no vector are told 0.
        questions: Shape `(Q, D)`.

    Returns:
        Shape `(N, Q)`.
    """

def merge(answers: tuple[npt.NDArray[Any], ...], also: Rows, /) -> tuple[Rows, Floats, Rows]:
    """The union of retrievers' answers.

    Args:
        answers: Rows and scores of each of at most 64 retrievers in turn.
        also: Further rows.

    Returns:
        Distinct rows, ascending, shape `(N,)`; scores, NaN where a retriever did not name the row; and ranks from 1,
        0 where it did not; shape `(N, R)` each.
    """

def fill_scores(scores: Floats, ranks: Rows, column: int, told: Floats, /) -> None:
    """Put a retriever's scores where it did not name the row; shapes `(N, R)`, `(N, R)` and `(N,)`."""

def graph_search(
    links: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.uint64],
    levels: Rows,
    vectors: npt.NDArray[np.float16] | Floats,
    question: Floats,
    entry: int,
    effort: int,
    k: int,
    /,
) -> tuple[Rows, Floats]:
    """The vectors with the largest inner products that an HNSW graph leads to.

    Args:
        links: Neighbours of all nodes on all levels, the bytes of numbers of 32 bits, wherever they lie; below
            0 there are no more; shape `(4 E,)`.
        offsets: Links of node `i` are `[offsets[i], offsets[i + 1])`; shape `(n + 1,)`.
        levels: Those of level `l` begin `levels[l]` behind the node's first; shape `(L + 1,)`.
        vectors: Shape `(n, D)`.
        question: Shape `(D,)`.
        entry: The node that the search begins at, on the highest level.
        effort: Nodes that are kept and looked at on the lowest level.
        k: Rows wanted.

    Returns:
        Rows and inner products, the largest first; shape `(min(k, effort, n reached),)` each.
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

def calibrated(
    worth: Floats, codes: Rows, shares: Floats, own: Floats, share: float, smoothing: float, k: int, /
) -> Rows:
    """Greedy picks of `(1 - share) * sum(worth) - share * KL(own || smoothed mix of those picked)`.

    Args:
        worth: Relevance of each item; shape `(N,)`.
        codes: Its aspects; shape `(N, M)`.
        shares: Its share of each of them, 0 in places to spare, whose code is not looked at; shape `(N, M)`.
        own: The user's own share of each aspect; shape `(A,)`.
        share: Of the divergence against relevance, in [0, 1].
        smoothing: Share of the own mix in the slate's, in (0, 1).
        k: Items to pick, N at most.

    Returns:
        Places in the order of picking, of equal ones the first; shape `(k,)`.

    Cost:
        O(A + k N M).
    """
