"""What all rerankers share that trade relevance for something else, from `diversity` 0 to 1."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from shelfwise.config.component import Options
from shelfwise.rerank.automatic import automatic
from shelfwise.rerank.listed import Listed
from shelfwise.rerank.relevance import relevance
from shelfwise.rerank.reranker import Reranked, Reranker, unchanged, with_the_rest
from shelfwise.schemas.ids import Floats, Rows
from shelfwise.schemas.queries import Diversity

DEFAULT = 0.3
"""What `auto` means for a user as varied as most, where nothing else is set."""


class TradingOptions(Options):
    """Options that every such reranker has."""

    diversity: Diversity = Field(
        default=DEFAULT,
        description=(
            "Where the request names none, a number from 0 (the ranker's order) to 1 (relevance does not count), or "
            "'auto': by how varied the user's own history is."
        ),
    )
    candidates: int = Field(default=100, ge=2, le=1_000, description="The ranker's best that it chooses among.")
    order: Literal["relevance", "picked"] = Field(
        default="relevance",
        description=(
            "How the chosen are shown: the most relevant first, or in the order in which they were picked, so that the "
            "first few are as varied as the whole."
        ),
    )


class Trading(Reranker):
    """Chooses `k` of the ranker's best, and shows them by relevance.

    A choice is greedy: each pick has the largest `(1 - share) * relevance + share * gain`, where relevance is that of
    `rerank.relevance`, in [0, 1], and the gain is the component's own. The share follows from the diversity asked for,
    in each component such that a half costs about as much accuracy, see `even`. What is varied about a slate is its
    set of items, so that the most relevant of them can stand first at no cost.
    """

    Config: ClassVar[type[Options]] = TradingOptions
    trades_diversity = True
    even: float = 1.0
    """Weight of the gain against relevance at a diversity of one half: set so that this costs about 3 % of NDCG@10 on
    validation questions of real shops, see docs/experiments.md. So 0.5 means the same whoever is asked."""

    def __init__(self, config: TradingOptions) -> None:
        super().__init__(config)
        self.trade = config

    @abstractmethod
    def choose(self, listed: Listed, worth: Floats, k: int, share: float) -> Rows:
        """Pick among the first candidates.

        Args:
            listed: All candidates.
            worth: Relevance of the first n of them, which are to be chosen from; shape `(n,)`, never rising.
            k: Items to pick, fewer than n.
            share: Of the gain against relevance, in (0, 1].

        Returns:
            Places, in the order of picking; shape `(k,)`, fewer where nothing is gained by more. Equal values: the
            most relevant first.
        """

    @abstractmethod
    def told(self, listed: Listed, place: int) -> str:
        """Why an item was chosen that stood too far down to be shown, as what follows "moved up from place 17:"."""

    def rerank(self, listed: Listed) -> Reranked:
        """Choose and show."""
        asked = self.trade.diversity if listed.diversity is None else listed.diversity
        n, k = min(self.trade.candidates, len(listed)), listed.k
        if isinstance(asked, str):
            usual = self.trade.diversity
            asked = automatic(DEFAULT if isinstance(usual, str) or not usual else usual, listed)
        if not asked or not 0 < k < n:
            return unchanged(listed)
        chosen = self.choose(listed, relevance(n), k, self.share(asked))
        if len(chosen) < k:
            chosen = with_the_rest(chosen, n)[:k]
        if self.trade.order == "relevance":
            chosen = np.sort(chosen)
        why = {
            place: f"moved up from place {place + 1}: {self.told(listed, place)}"
            for place in chosen.tolist()
            if place >= k
        }
        return Reranked(with_the_rest(chosen, len(listed)), why)

    def share(self, diversity: float) -> float:
        """What a diversity means to this component: 0 and 1 are themselves, one half is `even / (1 + even)`."""
        return self.even * diversity / (1 - diversity + self.even * diversity)
