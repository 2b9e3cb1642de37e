"""Window: at most so many items of a brand, category or seller in any so many places in a row."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from shelfwise.config.component import Options
from shelfwise.rerank.listed import UNGROUPED, Grouping, Listed
from shelfwise.rerank.reranker import Reranked, Reranker, with_the_rest


class Window(Reranker):
    """Keeps items of one group apart.

    From the first position on, the best item is taken whose group has room: fewer than `at_most` of the `window - 1`
    positions before it. Where no item has room, the best one is taken all the same: a shorter slate would help nobody.
    Items without a group are free.

    Cost:
        O(k N) at worst, O(k) where nothing has to move.
    """

    class Config(Options):
        """Options of a `[rerank.…]` table with `use = "window"`."""

        by: Grouping = Field(default="brand", description="What is kept apart: items of one brand, category, seller.")
        at_most: int = Field(default=2, ge=1, le=500, description="Items of one group in any window.")
        window: int = Field(default=5, ge=2, le=500, description="Positions in a row that are looked at.")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config

    def rerank(self, listed: Listed) -> Reranked:
        """Take the best that fits, position by position."""
        options, n = self.options, len(listed)
        codes = listed.codes(options.by).tolist()
        chosen: list[int] = []
        why: dict[int, str] = {}
        waiting: list[int] = []  # passed over, best first
        following = iter(range(n))
        recent: dict[int, int] = {}
        while len(chosen) < min(listed.k, n):
            if len(chosen) >= options.window:
                gone = codes[chosen[-options.window]]
                recent[gone] -= 1
            free = next((one for one in waiting if recent.get(codes[one], 0) < options.at_most), None)
            passed_over = -1 if not waiting else codes[waiting[0]]
            if free is not None:
                waiting.remove(free)
            else:
                for one in following:
                    if codes[one] == UNGROUPED or recent.get(codes[one], 0) < options.at_most:
                        free = one
                        break
                    waiting.append(one)
                if free is None:  # nobody fits: the best of those who wait
                    free = waiting.pop(0)
                elif waiting:
                    passed_over = codes[waiting[0]]
                    why[free] = (
                        f"moved up: at most {options.at_most} items of the {options.by} "
                        f"{listed.name(options.by, passed_over)} in any {options.window}"
                    )
            chosen.append(free)
            recent[codes[free]] = recent.get(codes[free], 0) + 1
        return Reranked(with_the_rest(np.array(chosen, np.int32), n), why)
