"""Complements: what is taken with an item, of another kind."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import scipy.sparse as sparse
from pydantic import Field

from shelfwise.datasets.baskets import baskets
from shelfwise.datasets.training_data import TrainingData
from shelfwise.retrieve.affinity import Codes, category_levels, chance, group_log_lift, shrunk_log_lift
from shelfwise.retrieve.bought_together import bought_too, pairs_of
from shelfwise.retrieve.neighbour_lists import NeighbourLists
from shelfwise.retrieve.retriever import Retriever, RetrieverOptions, best
from shelfwise.schemas.candidates import Candidates, Situation
from shelfwise.schemas.ids import Bools, Doubles, Floats, Rows
from shelfwise.store.arrays import mapped

MAX_SEEDS = 100
NOTHING_BOUGHT = 0.02
"""Purchases that an item nobody bought is taken to have."""


class Complements(Retriever):
    """What lies in the same baskets beyond chance, across kinds.

    How likely item j is, `share(j) ** popularity * exp(voice * n ** -crowding * sum of log lift(i, j) over the n seeds
    i)`, is brought to a sum of 1 over all items. A lift says how much oftener two items share a basket than chance
    would have it. That of two items is shrunk to that of their categories, and theirs to that of the categories above:
    so a rare item has an answer, and one basket is no rule. With `popularity` and `voice` at 1 and `crowding` at 0 this
    is naive Bayes. To it is added, `shoppers` times, what the seeds' buyers buy at any time: the mean over the seeds of
    the share of j among their other purchases, a buyer of many things speaking softly for each.

    By default, only what a basket makes likelier than chance is named, and nothing of a kind that the basket holds: an
    item's kind is its whole category path, and an item without one is of no kind.

    Seeds are the items that the request names; without any, those of the user's latest moment. The ranker is not told
    of this retriever: it answers where a place names it.

    Cost:
        Fitting: the pairs of all baskets, and a table of all pairs of categories. A request: O(n + kinds * seeds).
    """

    class Config(RetrieverOptions):
        """Options of a `[retrieve.…]` table that uses complements."""

        k: int = Field(default=100, ge=1, le=1_000, description="Candidates proposed at most.")
        popularity: float = Field(
            default=1.0,
            ge=0,
            le=1,
            description="1: what is likeliest in the basket; towards 0: what is most particular to it.",
        )
        voice: float = Field(
            default=1.0, gt=0, le=10, description="Exponent of the basket's lift: how much it says beside popularity."
        )
        crowding: float = Field(
            default=0.0,
            ge=0,
            le=1,
            description="How much a basket's items share one voice; 0: each speaks alone, 1: their mean counts.",
        )
        doubt: float = Field(
            default=20.0,
            gt=0,
            le=100_000,
            description="Expected pairs, as many as the level above says, that every two categories start with.",
        )
        item_doubt: float = Field(
            default=2.0, gt=0, le=100_000, description="As doubt, of two items, by what is known of their categories."
        )
        shoppers: float = Field(
            default=0.0,
            ge=0,
            le=10,
            description="Weight of what the same shoppers buy at other times, beside what baskets hold; 0: none.",
        )
        chance: Literal["pairs", "purchases"] = Field(
            default="pairs",
            description=(
                "What chance goes by: the pairs that an item is in, so that to lie in large baskets makes nothing "
                "belong together; or how often it is bought, so that it does."
            ),
        )
        least_lift: float = Field(
            default=1.0,
            ge=0,
            le=100,
            description="Only what the basket makes so many times as likely is named; 1: beyond chance, 0: anything.",
        )
        same_kind: bool = Field(
            default=False, description="Whether items of a kind that the basket holds may be named too."
        )
        list_length: int = Field(default=300, ge=1, le=5_000, description="Longest list of pairs kept per item.")

    is_ranked: ClassVar[bool] = False

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config
        self._kinds: Codes = np.empty(0, np.int32)
        self._groups: Codes = np.empty(0, np.int32)
        self._log_lift: Floats = np.empty((0, 0), np.float32)
        self._log_share: Floats = np.empty(0, np.float32)
        self._beyond: NeighbourLists | None = None
        self._together: NeighbourLists | None = None
        self._bought_too: NeighbourLists | None = None

    def fit(self, data: TrainingData, start: Retriever | None = None) -> None:
        """Count the pairs of all baskets, and shrink their lifts level by level."""
        pairs = pairs_of(baskets(data.interactions))
        counts = np.bincount(data.interactions.item_rows, minlength=len(data.catalogue))
        bought = (counts + NOTHING_BOUGHT).astype(np.float64)
        mass = bought if self.options.chance == "purchases" else np.asarray(pairs.sum(axis=1), np.float64).ravel()
        levels = category_levels(data.catalogue)
        self._kinds = data.catalogue.category_codes()
        self._groups = levels[-1]
        log_lift = group_log_lift(pairs, mass, levels, self.options.doubt)
        self._log_lift = log_lift.astype(np.float32)
        self._log_share = np.log(bought / bought.sum()).astype(np.float32)
        entries = pairs.tocoo()
        prior = log_lift[self._groups[entries.row], self._groups[entries.col]]
        expected = chance(pairs, mass) * mass[entries.row] * mass[entries.col]
        beyond = shrunk_log_lift(entries.data.astype(np.float64), expected, prior, self.options.item_doubt) - prior
        self._beyond = NeighbourLists.of(
            sparse.csr_matrix((beyond.astype(np.float32), (entries.row, entries.col)), shape=pairs.shape),
            self.options.list_length,
        )
        # What really happened, apart from what shrinking infers: reasons may state only that.
        self._together = NeighbourLists.of(pairs, self.options.list_length)
        too = (
            bought_too(data.interactions) if self.options.shoppers else sparse.csr_matrix(pairs.shape, dtype=np.float32)
        )
        self._bought_too = NeighbourLists.of(too, self.options.list_length)

    @property
    def beyond(self) -> NeighbourLists:
        """Pairs that were seen, with their log lift beyond that of their categories."""
        if self._beyond is None:
            raise RuntimeError("fit() or load() comes first")
        return self._beyond

    @property
    def together(self) -> NeighbourLists:
        """Pairs that were seen, with the number of baskets that held both."""
        if self._together is None:
            raise RuntimeError("fit() or load() comes first")
        return self._together

    @property
    def bought_too(self) -> NeighbourLists:
        """What an item's buyers buy beside it, as shares; empty lists where shoppers have no weight."""
        if self._bought_too is None:
            raise RuntimeError("fit() or load() comes first")
        return self._bought_too

    @property
    def has_learned(self) -> bool:
        """Whether anybody bought two things at once."""
        return len(self.together.rows) > 0

    def save(self, folder: Path) -> None:
        """Write arrays and both lists."""
        for name in ("kinds", "groups", "log_lift", "log_share"):
            np.save(folder / f"{name}.npy", getattr(self, f"_{name}"))
        for name, lists in (("beyond", self.beyond), ("together", self.together), ("bought_too", self.bought_too)):
            (folder / name).mkdir()
            lists.save(folder / name)

    def load(self, folder: Path) -> None:
        """Map what `save` wrote."""
        for name in ("kinds", "groups", "log_lift", "log_share"):
            setattr(self, f"_{name}", mapped(folder / f"{name}.npy"))
        self._beyond = NeighbourLists.load(folder / "beyond")
        self._together = NeighbourLists.load(folder / "together")
        self._bought_too = NeighbourLists.load(folder / "bought_too")

    def retrieve(self, situation: Situation, allowed: Bools) -> Candidates:
        """The likeliest of what the seeds make likelier than chance."""
        seeds = self.seeds(situation)
        if not len(seeds) or not self.has_learned:
            return Candidates.empty()
        n = len(self._kinds)
        voices = self._voices(seeds)
        scores = self._likelihoods(seeds, voices)
        named = allowed[:n] & (voices > np.log(max(self.options.least_lift, 1e-9)))
        named[seeds] = False
        if not self.options.same_kind:
            kinds = self._kinds[seeds]
            named &= ~np.isin(self._kinds, kinds[kinds >= 0])
        rows = np.flatnonzero(named).astype(np.int32)
        found = best(rows, scores[rows], self.options.k)

        def score_of(asked: Rows) -> Floats:
            known = asked < n
            return np.where(known, scores[np.where(known, asked, 0)], np.float32(np.nan))

        return Candidates(found.rows, found.scores, score_of)

    def because(self, rows: Rows, situation: Situation) -> list[int | None]:
        """The seeds that shared most baskets with the items; None where none ever did."""
        seeds = self.seeds(situation)
        return self.together.loudest(rows, seeds, np.ones(len(seeds), np.float32))

    def seeds(self, situation: Situation) -> Rows:
        """The distinct items that are completed, as far as they were known when this was fitted."""
        rows = situation.context
        if not len(rows):
            history = situation.history
            rows = history.rows[history.times_ms == history.times_ms[-1]] if len(history) else history.rows
        rows = rows[rows < len(self._kinds)]
        return np.unique(rows).astype(np.int32)[-MAX_SEEDS:]

    def log_lifts(self, row: int, others: Rows) -> Floats:
        """How much oftener than chance an item lies in a basket with each of others, as logarithm; shape as theirs.

        Args:
            row: Known when this was fitted, as are the others.
        """
        start, end = int(self.beyond.starts[row]), int(self.beyond.starts[row + 1])
        found = np.zeros(len(self._kinds), np.float32)
        found[self.beyond.rows[start:end]] = self.beyond.weights[start:end]
        return self._log_lift[self._groups[row], self._groups[others]] + found[others]

    def _likelihoods(self, seeds: Rows, voices: Doubles) -> Floats:
        likely = self.options.popularity * self._log_share + voices
        likely = np.exp(likely - likely.max())
        likely /= likely.sum()
        if self.options.shoppers:
            weights = np.full(len(seeds), self.options.shoppers / len(seeds), np.float32)
            likely += self.bought_too.sums(seeds, weights, len(likely))
        return likely.astype(np.float32)

    def _voices(self, seeds: Rows) -> Doubles:
        of_groups = np.asarray(self._log_lift[self._groups[seeds]], np.float64).sum(axis=0)
        of_items = self.beyond.sums(seeds, np.ones(len(seeds), np.float32), len(self._kinds))
        return (of_groups[self._groups] + of_items) * (self.options.voice * len(seeds) ** -self.options.crowding)
