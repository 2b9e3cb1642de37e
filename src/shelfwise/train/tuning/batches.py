"""Pack pairs into batches in which every text is encoded once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfwise.schemas.ids import Bools, Floats, Rows
from shelfwise.train.tuning.pairs import Pairs

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """One loss.

    Attributes:
        anchors: Numbers of distinct texts that are asked with; shape `(A,)`.
        candidates: Distinct item rows that are ranked for each; shape `(C,)`.
        lines: Which anchor a pair asks with; shape `(P,)`.
        columns: Which candidate is right; shape `(P,)`.
        weights: Of the pairs; shape `(P,)`.
        blocked: Candidates that are no negatives of an anchor, the right ones among them; shape `(A, C)`.
    """

    anchors: Numbers
    candidates: Rows
    lines: Numbers
    columns: Numbers
    weights: Floats
    blocked: Bools


def packed(pairs: Pairs, n_texts: int, seed: int, epoch: int) -> list[Numbers]:
    """All pairs in batches of about `n_texts` distinct texts, groups whole and in a random order.

    Returns:
        Places in `pairs`, one array per batch. The same for the same seed and epoch, in whichever process.
    """
    if not len(pairs):
        return []
    random = np.random.default_rng([seed, 3, epoch])
    _, group = np.unique(pairs.groups, return_inverse=True)
    n_groups = int(group.max()) + 1
    texts = np.unique(
        np.concatenate([group * len(pairs.texts) + pairs.anchors, group * len(pairs.texts) + pairs.positives])
    )
    size = np.bincount(texts // len(pairs.texts), minlength=n_groups)
    order = random.permutation(n_groups)
    batch_of = np.empty(n_groups, np.int64)
    batch_of[order] = (np.cumsum(size[order]) - 1) // n_texts
    batch = batch_of[group]
    by_batch = np.argsort(batch, kind="stable")
    cuts = np.flatnonzero(np.diff(batch[by_batch])) + 1
    return np.split(by_batch, cuts)


def batch_of(pairs: Pairs, places: Numbers, hard: Rows | None, share: float, seed: int, step: int) -> Batch:
    """The batch of these pairs.

    Every item of the batch is a candidate for every anchor. A share of them bring a hard negative along, which is one
    for all.
    """
    anchors, lines = np.unique(pairs.anchors[places].astype(np.int64), return_inverse=True)
    items = np.unique(np.concatenate([anchors[anchors < pairs.n_items], pairs.positives[places]]))
    if hard is not None and share > 0:
        random = np.random.default_rng([seed, 4, step])
        bringing = items[random.random(len(items)) < share]
        brought = hard[bringing, random.integers(hard.shape[1], size=len(bringing))]
        items = np.union1d(items, brought[brought >= 0])
    return Batch(
        anchors,
        items.astype(np.int32),
        lines,
        np.searchsorted(items, pairs.positives[places]),
        pairs.weights[places],
        pairs.related[anchors][:, items].toarray(),
    )
