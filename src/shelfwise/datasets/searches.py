"""Searches, and what people turned to after them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shelfwise.datasets.interactions import Interactions
from shelfwise.schemas.ids import Rows, Times

ANSWER_MS = 30 * 60 * 1_000
"""What is chosen later than this after a search is no longer its answer."""


@dataclass(frozen=True, slots=True)
class Searches:
    """Events that carry a search text, sorted by user and time; length S each.

    Attributes:
        user_rows: Who.
        item_rows: The item that the same event names; -1 for a search without one.
        times_ms: When.
        queries: What was typed.
    """

    user_rows: npt.NDArray[np.int32]
    item_rows: Rows
    times_ms: Times
    queries: list[str]

    def __len__(self) -> int:
        return len(self.queries)

    @classmethod
    def none(cls) -> Searches:
        """Those of a shop whose log holds no search texts."""
        return cls(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int64), [])


class Answered(NamedTuple):
    """A search text and an item that was chosen for it."""

    query: str
    item_row: int


def answered(searches: Searches, interactions: Interactions) -> list[Answered]:
    """The items that people chose after searching, as far as `interactions` knows of the choice.

    An event of interest that carries a text answers it. A search without item is answered by what the same user turned
    to before the next search, within half an hour where the log has a clock. Choices that were held out of
    `interactions` are not found, so that nothing of a test comes in by way of its search.
    """
    bounds = interactions.bounds()
    has_clock = interactions.has_clock
    found: list[Answered] = []
    for place, query in enumerate(searches.queries):
        user, asked_ms = int(searches.user_rows[place]), int(searches.times_ms[place])
        if user >= interactions.n_users or not query.strip():
            continue
        start, end = int(bounds[user]), int(bounds[user + 1])
        times, rows = interactions.times_ms[start:end], interactions.item_rows[start:end]
        item = int(searches.item_rows[place])
        if item >= 0:
            if bool(np.any((times == asked_ms) & (rows == item))):
                found.append(Answered(query.strip(), item))
            continue
        first = int(np.searchsorted(times, asked_ms))
        last = int(np.searchsorted(times, asked_ms + ANSWER_MS)) if has_clock else end - start
        if place + 1 < len(searches) and searches.user_rows[place + 1] == user:
            last = min(last, int(np.searchsorted(times, searches.times_ms[place + 1])))
        found.extend(Answered(query.strip(), row) for row in dict.fromkeys(rows[first:last].tolist()))
    return found
