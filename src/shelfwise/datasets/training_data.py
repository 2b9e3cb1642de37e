"""Everything that a stage may be fitted on, as known at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from shelfwise.datasets.catalogue import Catalogue
from shelfwise.datasets.interactions import Interactions
from shelfwise.datasets.regions import Regions
from shelfwise.datasets.shown_lists import ShownLists
from shelfwise.encode.profile_vectors import ProfileVectors
from shelfwise.schemas.ids import Floats, Rows


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Behaviour, catalogue and item vectors.

    Attributes:
        interactions: What happened before `now_ms`, and nothing else.
        catalogue: The items; text and attributes only, no counts.
        vectors: Whitened text vectors of length 1 (0 for an item without text); shape `(n_items, D)`; None where the
            shop encodes no text.
        now_ms: The moment that models are fitted for.
        pictures: Picture vectors of length 1 (0 for an item without picture); shape `(n_items, D_picture)`; None
            where the shop encodes no pictures.
        raw_vectors: The text encoder's own vectors, not whitened; shape `(n_items, D_raw)`; None unless somebody
            asks for them.
        profiles: What users say of themselves, in the space of `vectors`; None where nobody says anything, or the shop
            does not read it.
        regions: Where users are at home; None where the shop does not tell them apart.
        shown: The lists that were shown before `now_ms`; none where the shop does not log them.
    """

    interactions: Interactions
    catalogue: Catalogue
    vectors: Floats | None
    now_ms: int
    pictures: Floats | None = None
    raw_vectors: Floats | None = None
    profiles: ProfileVectors | None = None
    regions: Regions | None = None
    shown: ShownLists = field(default_factory=ShownLists.none)

    def with_interactions(self, interactions: Interactions, now_ms: int | None = None) -> TrainingData:
        """The same shop at an earlier moment."""
        now_ms = interactions.end_ms if now_ms is None else now_ms
        return replace(self, interactions=interactions, now_ms=now_ms, shown=self.shown.before(now_ms))

    def without_behaviour(self, rows: Rows) -> TrainingData:
        """The same as if nobody had touched these items."""
        is_kept = np.ones(len(self.catalogue), bool)
        is_kept[rows] = False
        return replace(self, interactions=self.interactions.where(is_kept[self.interactions.item_rows]))
