"""What a reranker sees: the candidates of one request in their present order, and what is known of them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from shelfwise.features.item_state import ItemState
from shelfwise.rules.plan import NO_PLAN, Plan
from shelfwise.schemas.candidates import Situation
from shelfwise.schemas.ids import Bools, Floats, Rows
from shelfwise.schemas.queries import Diversity

Codes = npt.NDArray[np.int32]

Grouping = Literal["category", "brand", "seller", "theme"]
"""What items can be told apart by: their whole category path, brand, who sells them, a group of like texts."""

VectorKind = Literal["text", "picture", "behaviour"]

UNGROUPED = -1


class Groups(Protocol):
    """Which items share a name."""

    @property
    def codes(self) -> Codes:
        """Each item's number, `UNGROUPED` for an item without a name; shape `(n,)`."""
        ...

    @property
    def names(self) -> Sequence[Hashable]:
        """The names, by number."""
        ...


class Vectors(Protocol):
    """A vector per item."""

    def take(self, rows: Rows) -> tuple[Floats, Bools]:
        """Vectors of length 1 and which of them are known; shapes `(N, D)` and `(N,)`; unknown ones are 0."""
        ...


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What is known of every item of the shop, by row; nothing is copied until it is asked for.

    Attributes:
        state: Popularity, age, price, names.
        groups: By what they group; a grouping that the shop does not know is missing.
        vectors: By what they tell of; a kind that the shop does not have is missing.
    """

    state: ItemState
    groups: Mapping[Grouping, Groups] = field(default_factory=dict)
    vectors: Mapping[VectorKind, Vectors] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listed:
    """Candidates of one request, as a reranker sees them.

    Attributes:
        rows: Distinct items in their present order; shape `(N,)`.
        scores: Relevance, never rising: the ranker's, or those of the weights that the request wants. Where an earlier
            step changed the order, its first item has the highest score, and so on: an order is all that steps hand on.
            Comparable within one request only; shape `(N,)`.
        k: Items that are shown.
        facts: Of all items; see also `codes` and `vectors`.
        situation: Who asks, when, with which history.
        scenario: The place's name.
        slate_id: Names the answer; whatever is drawn at random is drawn from it.
        user_id: None for somebody unknown.
        diversity: What the request asks for; None: nothing, the component's own setting counts.
        objectives: Names of the columns of `predictions`.
        predictions: See `rank.ranker.Scored`; shape `(N, O)`.
        rules: What the shop's rules that hold for this request do to its items.
        shown: How often each candidate was shown in a slate so far; shape `(N,)`; None where nobody counts.
        exploration: Share of the positions to try out; None: nothing is asked, the component's own setting counts.
    """

    rows: Rows
    scores: Floats
    k: int
    facts: ItemFacts
    situation: Situation
    scenario: str = ""
    slate_id: str = ""
    user_id: str | None = None
    diversity: Diversity | None = None
    objectives: tuple[str, ...] = ()
    predictions: Floats = field(default_factory=lambda: np.empty((0, 0), np.float32))
    rules: Plan = NO_PLAN
    shown: Rows | None = None
    exploration: float | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def codes(self, grouping: Grouping) -> Codes:
        """Each candidate's number in a grouping; all `UNGROUPED` where the shop does not know it; shape `(N,)`."""
        groups = self.facts.groups.get(grouping)
        return np.full(len(self.rows), UNGROUPED, np.int32) if groups is None else groups.codes[self.rows]

    def name(self, grouping: Grouping, code: int) -> str:
        """What a group is called, in words."""
        name = self.facts.groups[grouping].names[code]
        return " > ".join(map(str, name)) if isinstance(name, tuple) else str(name)

    def name_of(self, grouping: Grouping, place: int) -> str:
        """What one candidate's group is called; empty where it has none."""
        groups = self.facts.groups.get(grouping)
        code = UNGROUPED if groups is None else int(groups.codes[self.rows[place]])
        return "" if code == UNGROUPED else self.name(grouping, code)
