"""Everything that a stage may be fitted on, as known at one moment."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shelfwise.datasets.catalogue import Catalogue
from shelfwise.datasets.interactions import Interactions
from shelfwise.schemas.ids import Floats


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Behaviour, catalogue and item vectors.

    Attributes:
        interactions: What happened before `now_ms`, and nothing else.
        catalogue: The items; text and attributes only, no counts.
        vectors: Whitened text vectors of length 1 (0 for an item without text); shape `(n_items, D)`; None where the
            shop encodes no text.
        now_ms: The moment that models are fitted for.
    """

    interactions: Interactions
    catalogue: Catalogue
    vectors: Floats | None
    now_ms: int

    def with_interactions(self, interactions: Interactions, now_ms: int | None = None) -> TrainingData:
        """The same shop at an earlier moment."""
        return replace(self, interactions=interactions, now_ms=interactions.end_ms if now_ms is None else now_ms)
