"""What every reranker offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from shelfwise.config.component import Options
from shelfwise.rerank.listed import Listed
from shelfwise.schemas.ids import Doubles, Rows


@dataclass(frozen=True, slots=True)
class Reranked:
    """A reranker's answer.

    Attributes:
        order: Places in the list that it was given, the first to be shown first, none twice; shape `(M,)`, M at most
            N. Beyond the `k` items that are shown all others follow, for the steps that come after; a place that is
            left out is never shown.
        why: By place in the given list, one sentence on an item that stands where it stands because of this step;
            items that merely made room are not named.
        held: By 0-based position of the slate, the place of an item that stays there whatever later steps do; `order`
            has it there too. Later steps are asked about the others.
        propensities: The chance with which each item of `order` came to its position, where it was drawn; shape
            `(M,)`; None where nothing was drawn.
        best: By position, the place of the item that would stand there, given those above it, had nothing been drawn;
            of as many positions as were looked at; None where nothing was drawn.
    """

    order: Rows
    why: Mapping[int, str] = field(default_factory=dict)
    held: Mapping[int, int] = field(default_factory=dict)
    propensities: Doubles | None = None
    best: Rows | None = None


class Reranker(ABC):
    """Makes a slate of what the ranker ordered.

    Life: `__init__(config)` is cheap; then `rerank` may be called from several threads. Nothing is learned: what a
    reranker knows of items it is told with every request.
    """

    Config: ClassVar[type[Options]] = Options
    trades_diversity: ClassVar[bool] = False
    """Whether it reads `Listed.diversity`."""

    draws: ClassVar[bool] = False
    """Whether it draws at random: then no step may follow that moves what it drew."""

    def __init__(self, config: Options) -> None:
        self.config = config
        self.reads_shown = self.draws
        """Whether `Listed.shown` has to be counted for it."""

    @abstractmethod
    def rerank(self, listed: Listed) -> Reranked:
        """Choose and order.

        Equal values keep the order in which the items came. Whoever has nothing to do gives `unchanged(listed)`.
        """


def unchanged(listed: Listed) -> Reranked:
    """The order as it came."""
    return Reranked(np.arange(len(listed), dtype=np.int32))


def with_the_rest(chosen: Rows, n: int) -> Rows:
    """The chosen of `n` places, then all others in their order; shape `(n,)`."""
    is_left = np.ones(n, bool)
    is_left[chosen] = False
    return np.concatenate([chosen, np.flatnonzero(is_left)]).astype(np.int32)
