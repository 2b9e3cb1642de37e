"""What a place answers where it is no plain list: sets of items, and brands with their items."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from shelfwise.pipeline.brands import brand_shares
from shelfwise.pipeline.funnel import Ranked, taken
from shelfwise.pipeline.places import Place
from shelfwise.pipeline.reasons import brand_reason
from shelfwise.pipeline.shortfalls import Shortfall, Told
from shelfwise.retrieve.complements import Complements
from shelfwise.schemas.candidates import Candidates, Situation
from shelfwise.schemas.queries import BrandEntry, Bundle, SlateItem

ITEMS_OF_BRAND = 3
"""Items that are shown of each brand, where brands are the answer."""

WordRanked = Callable[[Ranked, Situation, int], list[SlateItem]]
"""Turns so many of what the ranker ordered into items with reasons."""

WordPlain = Callable[[Candidates, str, int, Situation], list[SlateItem]]
"""The same of one retriever's candidates; the text is its name."""


def bundle_entries(place: Place, k: int, worded: WordPlain) -> list[Bundle]:
    """The place's sets, each item with how it goes with the context.

    Raises:
        QueryError: the place can make none.
    """
    made = place.bundles(k)
    if not made:
        return []
    name = next(name for name in place.spec.complements if isinstance(place.funnel.retrievers[name], Complements))
    entries: list[Bundle] = []
    for position, one in enumerate(made, start=1):
        scores = (1 / np.arange(1, len(one.rows) + 1)).astype(np.float32)
        items = worded(Candidates(np.array(one.rows, np.int32), scores), name, len(one.rows), place.context_alone)
        entries.append(Bundle(position=position, score=one.score, items=items))
    return entries


def brand_entries(place: Place, k: int, worded: WordRanked) -> list[BrandEntry]:
    """At most `k` brands by their share of the user's own order; empty where none of its items has a brand."""
    ranked = place.funnel.rank(place.situation, place.allowed, place.spec.retrieve)
    brands = place.catalogue.brands
    shares = brand_shares(brands.codes[ranked.rows])
    if 0 < len(shares) < k:
        clause = f"the user's candidates are of {len(shares)} brands, fewer than {k}"
        place.degraded.append(Told(Shortfall.FEW_CANDIDATES, clause))
    entries: list[BrandEntry] = []
    for position, one in enumerate(shares[:k], start=1):
        items = worded(taken(ranked, one.places[:ITEMS_OF_BRAND]), place.situation, ITEMS_OF_BRAND)
        entries.append(
            BrandEntry(
                brand=str(brands.names[one.number]),
                position=position,
                score=one.share,
                reason=brand_reason(place.situation, brands.codes == one.number, items[0]),
                items=items,
            )
        )
    return entries
