"""Draw the map of a model version and keep it beside the version."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import numpy as np

from shelfwise.errors import StateError
from shelfwise.pipeline.fitted import Progress
from shelfwise.schemas.ids import Floats
from shelfwise.store.maps import Maps, StoredMap
from shelfwise.store.versions import Version
from shelfwise.train.catalogue_map.item_space import item_space
from shelfwise.train.catalogue_map.layout import SEED, layout
from shelfwise.train.catalogue_map.neighbours import neighbours

N_NEIGHBOURS = 15
LEAST_ITEMS = 20
"""With fewer there is nothing to lay out."""

SHARED = 0.5
"""So much of the catalogue an earlier map must have placed for a new one to begin from it."""


def draw(version: Version, maps: Maps, progress: Progress) -> StoredMap:
    """Place every item of which a version knows anything.

    The map begins where the last one of another version left off, where that placed half of the items: so the same
    things stay in the same corner from one training to the next. Rows of items are permanent.

    Raises:
        StateError: the version knows too few items by text, picture or behaviour.
        MissingExtraError: umap-learn is not installed.
    """
    started = time.perf_counter()
    vectors = item_space(version.folder)
    rows = np.flatnonzero(vectors.any(axis=1))
    if len(rows) < LEAST_ITEMS:
        raise StateError(
            f"model version {version.name} knows {len(rows)} items by text, picture or behaviour",
            expected=f"{LEAST_ITEMS} or more",
            hint="a map of so few says nothing",
            code="too_few_for_a_map",
        )
    known = np.ascontiguousarray(vectors[rows])
    before = maps.latest(but=version.name)
    earlier = None if before is None else _at(before.positions, rows)
    if earlier is not None and np.isnan(earlier[:, 0]).mean() > 1 - SHARED:
        earlier = None
    near = neighbours(known, min(N_NEIGHBOURS, len(rows)), progress)
    positions = np.full((len(vectors), 2), np.nan, np.float32)
    positions[rows] = layout(known, near, progress, earlier)
    about = {
        "version": version.name,
        "drawn_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "n_items": len(vectors),
        "n_placed": len(rows),
        "method": "UMAP",
        "n_neighbours": near.places.shape[1],
        "seed": SEED,
        "begins_from": before.version if before is not None and earlier is not None else None,
        "seconds": round(time.perf_counter() - started, 1),
    }
    maps.put(version.name, positions, about)
    drawn = maps.get(version.name)
    assert drawn is not None
    return drawn


def _at(positions: Floats, rows: np.ndarray) -> Floats:
    """Earlier positions of rows, NaN for rows that came later; shape `(N, 2)`."""
    found = np.full((len(rows), 2), np.nan, np.float32)
    there = rows < len(positions)
    found[there] = positions[rows[there]]
    return found
