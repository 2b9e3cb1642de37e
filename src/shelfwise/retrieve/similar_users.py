"""Similar users: what people with a history like this one's turned to lately."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import scipy.sparse as sparse
from pydantic import Field

from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.datasets.training_data import TrainingData
from shelfwise.retrieve.neighbour_lists import Matrix, NeighbourLists
from shelfwise.retrieve.retriever import Retriever, RetrieverOptions
from shelfwise.schemas.candidates import Candidates, Situation
from shelfwise.schemas.ids import FIRST_REAL_TIME_MS, Bools, Doubles, Floats, Rows
from shelfwise.store.arrays import mapped

HISTORIES, LATEST = "histories", "latest"
RARITY_FILE = "rarity.npy"


class SimilarUsers(Retriever):
    """Two votes: the user's items vote for the people who had them too, and those people for what they had lately.

    A history is a vector over items, `log(1 + decayed count) * rarity`; people are alike by the cosine of their
    vectors. The `n_similar` most alike vote, each with its similarity, for the items of its own last weeks. The user's
    vector is made from the request, so that an event counts at once; the stored vectors are those of the training.

    Cost:
        A request reads the lists of the user's items, at most `users_per_item` long each.

    Source:
        Hu et al. (2020), Modeling Personalized Item Frequency Information for Next-basket Recommendation (TIFU-kNN):
        we keep its neighbours and leave the user's own repeats to `again`.
    """

    class Config(RetrieverOptions):
        """Options of a `[retrieve.…]` table that uses similar users."""

        n_similar: int = Field(default=200, ge=1, le=10_000, description="Most similar users that vote.")
        half_life_d: float = Field(
            default=90.0, gt=0, description="Days after which an event counts half in telling who is alike."
        )
        latest_half_life_d: float = Field(
            default=30.0, gt=0, description="Days after which an event counts half in the votes of those who are."
        )
        n_seeds: int = Field(default=200, ge=1, le=1_000, description="Latest distinct items of a user looked up.")
        users_per_item: int = Field(
            default=1_000, ge=1, le=100_000, description="Users kept per item: those to whom it matters most."
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config
        self._histories: NeighbourLists | None = None  # item -> users, by weight in their unit vectors
        self._latest: NeighbourLists | None = None  # user -> items, by freshness
        self._rarity: Floats = np.empty(0, np.float32)

    def fit(self, data: TrainingData, start: Retriever | None = None) -> None:
        """Turn every history into a unit vector."""
        interactions = data.interactions
        counts = _counts(interactions, data.now_ms, self.options.half_life_d)  # (U, n)
        counts.data = np.log1p(counts.data)
        n_users = max(int((np.diff(counts.indptr) > 0).sum()), 1)
        carriers = np.bincount(counts.indices, minlength=counts.shape[1])
        self._rarity = np.log(n_users / (1 + carriers)).clip(min=0).astype(np.float32)
        vectors: Matrix = counts @ sparse.diags(self._rarity)
        length = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
        unit: Matrix = sparse.diags(1 / np.maximum(length, 1e-9)) @ vectors
        self._histories = NeighbourLists.of(unit.T.tocsr(), self.options.users_per_item)
        latest = _counts(interactions, data.now_ms, self.options.latest_half_life_d)
        latest.data = np.minimum(latest.data, 1.0)  # a wholesaler's hundred lines are one vote
        self._latest = NeighbourLists.of(latest, self.options.users_per_item)

    def save(self, folder: Path) -> None:
        """Write the lists in both directions."""
        for name, lists in ((HISTORIES, self._histories), (LATEST, self._latest)):
            if lists is None:
                raise RuntimeError("fit() or load() comes first")
            (folder / name).mkdir()
            lists.save(folder / name)
        np.save(folder / RARITY_FILE, self._rarity)

    def load(self, folder: Path) -> None:
        """Map the lists."""
        self._histories = NeighbourLists.load(folder / HISTORIES)
        self._latest = NeighbourLists.load(folder / LATEST)
        self._rarity = mapped(folder / RARITY_FILE)

    def retrieve(self, situation: Situation, allowed: Bools) -> Candidates:
        """Find who is alike, then what they had lately."""
        if self._latest is None:
            raise RuntimeError("fit() or load() comes first")
        alike = self.alike(situation, self.options.n_similar)
        shares = alike.scores / max(float(alike.scores.sum()), 1e-9)
        return self._latest.vote(alike.rows, shares, allowed, self.config.k)

    def alike(self, situation: Situation, n: int) -> Candidates:
        """The `n` people of the training who are most like the asking one: their rows, and how alike in (0, 1]."""
        if self._histories is None:
            raise RuntimeError("fit() or load() comes first")
        seeds, weights = self._vector(situation)
        # Nobody is told by himself what he likes.
        return self._histories.vote(seeds, weights, None, n, without=situation.history.user_row)

    def _vector(self, situation: Situation) -> tuple[Rows, Floats]:
        history = situation.history
        known = history.rows < len(self._rarity)
        rows, times_ms = history.rows[known], history.times_ms[known]
        if len(times_ms) and times_ms[-1] >= FIRST_REAL_TIME_MS:
            age_d = np.maximum(situation.now_ms - times_ms, 0) / DAY_MS
            counts: Doubles = np.exp2(-age_d / self.options.half_life_d)
        else:
            counts = np.ones(len(rows))
        if len(situation.context):
            context = situation.context[situation.context < len(self._rarity)]
            rows, counts = np.concatenate([rows, context]), np.concatenate([counts, np.ones(len(context))])
        distinct, place = np.unique(rows, return_inverse=True)
        weights = np.log1p(np.bincount(place, counts, minlength=len(distinct))) * self._rarity[distinct]
        length = max(math.sqrt(float(weights @ weights)), 1e-9)
        if len(distinct) <= self.options.n_seeds:
            return distinct.astype(np.int32, copy=False), (weights / length).astype(np.float32)
        last = np.zeros(len(distinct), np.int64)
        np.maximum.at(last, place, np.arange(len(place)))
        kept = np.sort(np.argsort(-last, kind="stable")[: self.options.n_seeds])
        return distinct[kept].astype(np.int32), (weights[kept] / length).astype(np.float32)


def forget_users(folder: Path, user_rows: Rows) -> None:
    """Take users out of what `save` wrote, where it lies: what they had, and that they had it.

    Args:
        folder: Of any saved retriever; another kind's is left as it is.
        user_rows: Whom to forget.
    """
    if (folder / HISTORIES).is_dir() and (folder / LATEST).is_dir():
        NeighbourLists.forget_in(folder / HISTORIES, named=user_rows)
        NeighbourLists.forget_in(folder / LATEST, lists=user_rows)


def _counts(interactions: Interactions, now_ms: int, half_life_d: float) -> Matrix:
    """Events per user and item, decayed by age where there is a clock; shape `(U, n)`."""
    weights = np.ones(len(interactions), np.float32)
    if interactions.has_clock:
        weights = np.exp2((interactions.times_ms - now_ms) / DAY_MS / half_life_d).astype(np.float32)
    counts = sparse.csr_matrix(
        (weights, (interactions.user_rows, interactions.item_rows)),
        shape=(interactions.n_users, interactions.n_items),
        dtype=np.float32,
    )
    counts.sum_duplicates()
    return counts
