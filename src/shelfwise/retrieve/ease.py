"""EASE: a linear model that predicts each item from all others, solved in one step."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse
from pydantic import Field
from scipy import linalg

from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.datasets.training_data import TrainingData
from shelfwise.retrieve.neighbour_lists import Matrix, NeighbourLists
from shelfwise.retrieve.neighbour_vote import NeighbourVote, VoteOptions
from shelfwise.retrieve.retriever import Retriever
from shelfwise.schemas.ids import Doubles, Floats, Rows


class Ease(NeighbourVote):
    """Item-to-item weights that reconstruct users' histories, no item from itself.

    Where co-occurrence counts every pair by itself, EASE explains pairs away: an item that goes with everything says
    little about any. With `X` the user-item matrix, each row divided by the root of its length, and
    `P = (X'X + regularisation)^-1`, the weights are `-P[i, j] / P[j, j]`. Only positive weights are kept, the heaviest
    `list_length` of each item.

    The inverse is dense: it is computed for the `items_up_to` most touched items, and the others are neither looked up
    nor named.

    Cost:
        Fitting: O(n^3) time and `4 n^2` bytes for n items; 4 s and 100 MB at 5,000 on two cores.

    Source:
        Steck (2019), Embarrassingly Shallow Autoencoders for Sparse Data; rows weighted by length as in
        Steck (2019), Collaborative Filtering via High-Dimensional Regression.
    """

    class Config(VoteOptions):
        """Options of a `[retrieve.…]` table that uses EASE."""

        decay: float = Field(default=0.95, gt=0, le=1, description="Weight of a moment relative to the next one.")
        n_seeds: int = Field(
            default=300, ge=1, le=1_000, description="Latest distinct items of a user that are looked up."
        )
        regularisation: float = Field(
            default=2.0,
            gt=0,
            le=1_000,
            description="Doubt: added to the diagonal, in units of the mean item's own weight there.",
        )
        half_life_d: float = Field(
            default=36_500.0, gt=0, description="Days after which an event counts half; needs real timestamps."
        )
        items_up_to: int = Field(default=5_000, ge=10, le=50_000, description="Most touched items that take part.")
        list_length: int = Field(default=400, ge=1, le=5_000, description="Longest list kept per item.")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config

    def fit(self, data: TrainingData, start: Retriever | None = None) -> None:
        """Invert the Gram matrix of the most touched items."""
        n_items = len(data.catalogue)
        touched = np.bincount(data.interactions.item_rows, minlength=n_items)
        chosen = np.sort(np.argsort(-touched, kind="stable")[: min(self.options.items_up_to, int((touched > 0).sum()))])
        if len(chosen) < 2:
            self._lists = NeighbourLists.of(sparse.csr_matrix((n_items, n_items), dtype=np.float32), 1)
            return
        users = self._users(data.interactions, data.now_ms)[:, chosen]
        gram = np.asarray((users.T @ users).toarray(), np.float32)
        diagonal = np.einsum("ii->i", gram)
        diagonal += self.options.regularisation * float(diagonal.mean()) + 1e-6
        self._lists = _heaviest(ease_weights(gram), chosen.astype(np.int32), n_items, self.options.list_length)

    def _users(self, interactions: Interactions, now_ms: int) -> Matrix:
        weights = np.ones(len(interactions), np.float32)
        if interactions.has_clock:
            weights = np.exp2((interactions.times_ms - now_ms) / DAY_MS / self.options.half_life_d).astype(np.float32)
        users = sparse.csr_matrix(
            (weights, (interactions.user_rows, interactions.item_rows)),
            shape=(interactions.n_users, interactions.n_items),
            dtype=np.float32,
        )
        users.data = np.minimum(users.data, 1.0)  # an item had twice is had
        length = np.maximum(np.diff(users.indptr), 1)
        scaled: Matrix = sparse.diags(1 / np.sqrt(length)) @ users
        return scaled.tocsr().astype(np.float32)


def ease_weights(gram: Floats) -> Floats:
    """`B[i, j] = -P[i, j] / P[j, j]` with a zero diagonal, `P` the inverse.

    Args:
        gram: Symmetric and positive definite, regularisation included; shape `(n, n)`; overwritten.

    Returns:
        How much item `i` in a history speaks for item `j`; shape `(n, n)`.
    """
    try:
        inverse: Floats = linalg.inv(gram, overwrite_a=True, assume_a="pos")
    except linalg.LinAlgError as cause:
        raise ArithmeticError("the Gram matrix is not positive definite: raise `regularisation`") from cause
    weights = -inverse / np.diagonal(inverse)[None, :]
    np.fill_diagonal(weights, 0.0)
    return weights.astype(np.float32, copy=False)


def _heaviest(weights: Floats, chosen: Rows, n_items: int, k: int) -> NeighbourLists:
    """The `k` largest positive weights of each chosen item, as lists over the whole catalogue."""
    k = min(k, len(chosen) - 1)
    lengths: Doubles = np.zeros(n_items + 1)
    rows, kept_weights = [], []
    for place, item in enumerate(chosen.tolist()):
        of_item = weights[place]
        kept = np.argpartition(-of_item, k)[:k] if k < len(of_item) else np.arange(len(of_item))
        kept = np.sort(kept[of_item[kept] > 0])
        lengths[item + 1] = len(kept)
        rows.append(chosen[kept])
        kept_weights.append(of_item[kept])
    starts = np.cumsum(lengths).astype(np.int64)
    return NeighbourLists(starts, np.concatenate(rows).astype(np.int32), np.concatenate(kept_weights))
