"""Co-occurrence: what the same people, or the same baskets, hold."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse
from pydantic import Field

from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.datasets.training_data import TrainingData
from shelfwise.retrieve.neighbour_lists import Matrix, NeighbourLists, heaviest
from shelfwise.retrieve.neighbour_vote import NeighbourVote, VoteOptions
from shelfwise.retrieve.packed_lists import packed
from shelfwise.retrieve.retriever import Retriever

BLOCK = 1_024


class Cooccurrence(NeighbourVote):
    """Item-to-item cosine over users or sessions (item-kNN).

    Each group is a set of items, damped by the logarithm of its size, so that a wholesaler who buys everything does
    not make everything alike.

    Source:
        Sarwar et al. (2001), Item-based collaborative filtering; Aiolli (2013) for the asymmetric cosine.
    """

    class Config(VoteOptions):
        """Options of a `[retrieve.…]` table that uses co-occurrence."""

        within: str = Field(
            default="auto",
            pattern="^(auto|user|session)$",
            description="What items share: a 'user', a 'session', or 'auto': sessions where the log names them.",
        )
        half_life_d: float = Field(
            default=180.0, gt=0, description="Days after which a group counts half; needs real timestamps."
        )
        shrinkage: float = Field(
            default=5.0,
            ge=0,
            le=1_000,
            description="Doubt about pairs seen few times; added to the denominator.",
        )
        asymmetry: float = Field(
            default=0.5, ge=0, le=1, description="0.5: cosine; towards 0: popular neighbours are damped more."
        )
        list_length: int = Field(default=200, ge=1, le=5_000, description="Longest list kept per item.")

    def __init__(self, config: Config, *, is_exact: bool = False) -> None:
        """Begin without lists.

        Args:
            config: The options.
            is_exact: Keeps all digits of the weights: for whoever is compared with.
        """
        super().__init__(config)
        self.options, self._is_exact = config, is_exact

    def fit(self, data: TrainingData, start: Retriever | None = None) -> None:
        """Multiply the group-item matrix with itself."""
        groups = self._groups(data.interactions, data.now_ms)  # (G, n)
        across = groups.T.tocsr()  # (n, G)
        mass = np.asarray(groups.multiply(groups).sum(axis=0)).ravel()
        alpha = self.options.asymmetry
        blocks = []
        for begin in range(0, groups.shape[1], BLOCK):
            shared = (across[begin : begin + BLOCK] @ groups).tocoo()
            others = shared.row + begin != shared.col
            rows, columns = shared.row[others], shared.col[others]
            scale = mass[rows + begin] ** alpha * mass[columns] ** (1 - alpha) + self.options.shrinkage
            block = sparse.csr_matrix((shared.data[others] / scale, (rows, columns)), shape=shared.shape)
            blocks.append(heaviest(block, self.options.list_length))
        lists = NeighbourLists.of(sparse.vstack(blocks).tocsr(), self.options.list_length)
        self._lists = lists if self._is_exact else packed(lists)

    def _groups(self, interactions: Interactions, now_ms: int) -> Matrix:
        by_session = self.options.within == "session" or (
            self.options.within == "auto" and bool((interactions.sessions >= 0).sum() > len(interactions) / 2)
        )
        owners = interactions.user_rows.astype(np.int64)
        if by_session:
            # An event without a session belongs to a group of its own user.
            owners = np.where(interactions.sessions >= 0, interactions.sessions + interactions.n_users, owners)
        names, group = np.unique(owners, return_inverse=True)
        pairs, first = np.unique(group * np.int64(interactions.n_items) + interactions.item_rows, return_index=True)
        rows, columns = pairs // interactions.n_items, pairs % interactions.n_items
        sizes = np.bincount(rows, minlength=len(names))
        weights = 1 / np.sqrt(np.log2(sizes[rows] + 1.0))
        if interactions.has_clock:
            weights *= np.exp2(-(now_ms - interactions.times_ms[first]) / DAY_MS / self.options.half_life_d / 2)
        return sparse.csr_matrix(
            (weights.astype(np.float32), (rows, columns)), shape=(max(len(names), 1), interactions.n_items)
        )
