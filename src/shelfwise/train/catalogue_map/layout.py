"""Positions in two dimensions, by UMAP."""

from __future__ import annotations

import importlib
import re
import warnings
from typing import Any

import numpy as np

from shelfwise.errors import MissingExtraError
from shelfwise.pipeline.fitted import Progress
from shelfwise.schemas.ids import Bools, Doubles, Floats
from shelfwise.train.catalogue_map.neighbours import Neighbours

SEED = 0
MIN_DISTANCE = 0.1
BULK_SHARE, BULK = 0.93, 0.86
"""So much of the catalogue, the innermost, takes the circle of this radius; the islands around it share the rest."""

SCALE = 65_536
"""Positions are rounded to one part in so many: finer than a pixel at any zoom, and half as long once packed."""

BEGINNING: dict[str, Any] = {"init": "spectral"}
GOING_ON: dict[str, Any] = {"n_epochs": 100, "learning_rate": 0.5}
"""From an earlier map fewer and smaller steps lead to the new one; longer ways would only stir up what stayed."""


def layout(vectors: Floats, near: Neighbours, progress: Progress, before: Floats | None = None) -> Floats:
    """Place items so that neighbours lie together; the same input gives the same map.

    Args:
        vectors: Of length 1; shape `(n, D)`.
        near: Their neighbours.
        progress: Told of passes done.
        before: Where they lay on an earlier map, NaN for those that were not on it: the new map begins there, and is
            turned so that what stayed lies where it lay; shape `(n, 2)`. None begins anew.

    Returns:
        Within [-1, 1]; shape `(n, 2)`.

    Raises:
        MissingExtraError: umap-learn is not installed.

    Cost:
        Some 12 s for up to 5,000 items, most of it compiling; 95 s for 100,000, on one core.

    Source:
        McInnes, Healy & Melville (2018), UMAP. Neighbours come from FAISS instead of NN-descent.
    """
    progress("preparing the layout", None, None)
    try:
        umap: Any = importlib.import_module("umap")
    except ImportError as cause:
        raise MissingExtraError(
            "umap-learn is not installed", where="train.map", hint="pip install 'shelfwise[train]'"
        ) from cause
    model = umap.UMAP(
        n_neighbors=near.places.shape[1],
        min_dist=MIN_DISTANCE,
        metric="cosine",
        precomputed_knn=(near.places.astype(np.int64), near.distances),
        **(BEGINNING if before is None else {**GOING_ON, "init": _start(before, near)}),
        random_state=SEED,
        n_jobs=1,  # with a seed it takes one core, and says so if asked for more
        tqdm_kwds={"disable": False, "file": _Passes(progress), "bar_format": "{n_fmt}/{total_fmt}\n"},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it cannot place new points by such neighbours; nobody asks it to
        found = np.asarray(model.fit_transform(vectors), np.float64)
    return _rounded(_framed(found) if before is None else _laid_upon(found, before))


def _start(before: Floats, near: Neighbours) -> Floats:
    """The earlier positions, and for a new item the middle of its neighbours', or of the map."""
    placed = ~np.isnan(before[:, 0])
    start = np.where(placed[:, None], before, 0).astype(np.float32)
    for place in np.flatnonzero(~placed):
        around = near.places[place][placed[near.places[place]]]
        if len(around):
            start[place] = before[around].mean(axis=0)
    return start * 10.0  # the extent that UMAP gives its own beginnings


def _laid_upon(found: Doubles, before: Floats) -> Doubles:
    """Turn, mirror, scale and shift a map so that what it shares with an earlier one lies as near to there as can be.

    Source:
        Schönemann & Carroll (1970), Fitting One Matrix to Another under Choice of a Central Dilation and a Rigid
        Motion.
    """
    shared: Bools = ~np.isnan(before[:, 0])
    middle, theirs_middle = found[shared].mean(axis=0), before[shared].mean(axis=0)
    ours, theirs = found[shared] - middle, before[shared] - theirs_middle
    left, strengths, right = np.linalg.svd(ours.T @ theirs)
    scale = strengths.sum() / max(float((ours**2).sum()), 1e-12)
    laid = (found - middle) @ (left @ right) * scale + theirs_middle
    return laid / max(float(np.abs(laid).max()), 1.0)  # what outgrew the frame makes everything smaller


def _framed(found: Doubles) -> Doubles:
    """Fill the frame with the bulk of the catalogue.

    A few islands that UMAP puts far out would make everything else a spot: what lies beyond the circle of the nearest
    93 % is drawn in to the ring between `BULK` and 1, the farther the more, in the direction where it lies.
    """
    middle = np.median(found, axis=0)
    away = found - middle
    far = np.linalg.norm(away, axis=1)
    far = far / max(float(np.quantile(far, BULK_SHARE)), 1e-9)
    kept = np.where(far <= 1, BULK * far, BULK + (1 - BULK) * (1 - np.exp(1 - np.maximum(far, 1))))
    return away / np.maximum(np.linalg.norm(away, axis=1), 1e-9)[:, None] * kept[:, None]


def _rounded(positions: Doubles) -> Floats:
    return (np.round(positions * SCALE) / SCALE).clip(-1, 1).astype(np.float32)


class _Passes:
    """Reads UMAP's progress bar, which is all that it tells of its passes."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def write(self, text: str) -> None:
        for done, total in re.findall(r"(\d+)/(\d+)", text):
            self._progress("placing items", int(done), int(total))

    def flush(self) -> None:
        pass
