"""Pairs of texts that belong together, as the shop's behaviour shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sparse

from shelfwise.config.tune import TuneSpec
from shelfwise.datasets.interactions import Interactions
from shelfwise.datasets.searches import Answered
from shelfwise.schemas.ids import Floats, Rows

APART = 10
"""Events apart that two items of one user must be to count as never chosen together."""

NEIGHBOURHOOD = 50
"""Events before and after a history's end whose items are never its negatives."""


@dataclass(frozen=True, slots=True)
class ItemTexts:
    """What is read of the items, by row.

    Attributes:
        passages: What the encoder is asked to encode; empty for an item without text.
        titles: Short names, for the text of a history.
    """

    passages: Sequence[str]
    titles: Sequence[str]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Training pairs.

    Items with equal passages are one text, that of the first of them.

    Attributes:
        texts: Passages by item row, then the texts of histories and searches.
        n_items: How many of `texts` are passages.
        anchors: Numbers of texts; shape `(P,)`.
        positives: Item rows that were chosen after the anchor; shape `(P,)`.
        weights: How much each counts, above 0; shape `(P,)`.
        groups: Pairs that share texts have equal numbers; shape `(P,)`.
        related: Items that are right, or might be, for an anchor, itself included: never its negatives; boolean CSR,
            shape `(len(texts), n_items)`.
        n_positive: How often each item is a positive; shape `(n_items,)`.
    """

    texts: list[str]
    n_items: int
    anchors: npt.NDArray[np.int32]
    positives: Rows
    weights: Floats
    groups: npt.NDArray[np.int64]
    related: Any
    n_positive: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.anchors)

    def drawn(self, n: int, seed: int) -> Pairs:
        """At most `n` of them, the heavier the likelier, which then all count alike."""
        if len(self) <= n:
            return self
        # The n largest of u^(1/w) are a weighted sample without replacement (Efraimidis & Spirakis 2006).
        keys = np.log(np.random.default_rng(seed).random(len(self))) / self.weights
        chosen = np.sort(np.argpartition(-keys, n - 1)[:n])
        return replace(
            self,
            anchors=self.anchors[chosen],
            positives=self.positives[chosen],
            weights=np.ones(n, np.float32),
            groups=self.groups[chosen],
            n_positive=np.bincount(self.positives[chosen], minlength=self.n_items),
        )


def history_text(titles: Sequence[str]) -> str:
    """A history as a sentence; what is cut off at the encoder's limit is what is longest ago.

    Args:
        titles: Latest first.

    Examples:
        >>> history_text(["Red mug", "Teapot"])
        'Somebody who last chose Red mug, and before that Teapot'
    """
    return "Somebody who last chose " + ", and before that ".join(" ".join(title.split()) for title in titles)


def make_pairs(
    train: Interactions, texts: ItemTexts, searches: Sequence[Answered], spec: TuneSpec, n_items: int
) -> Pairs:
    """Pairs of items that follow each other, of histories with what came next, and of searches with what was chosen.

    Two items of one user at most `window` events apart make a pair that weighs one over their distance, as in the
    transitions retriever.

    Args:
        train: What may be learned from.
        texts: By item row.
        searches: Found in `train`.
        spec: Windows, shares, the seed.
        n_items: Rows of the catalogue.
    """
    first_of, readable = _first_of_equals(texts.passages)
    train = train.where(readable[train.item_rows])
    items, owners, bounds = first_of[train.item_rows], train.user_rows, train.bounds()
    earlier, later, steps = _followers(items, owners, max(spec.window, APART))
    near = steps <= spec.window
    anchors: list[Any] = [items[earlier[near]]]
    positives: list[Any] = [items[later[near]]]
    weights: list[Any] = [1.0 / steps[near]]
    groups: list[Any] = [earlier[near] // (spec.window + 1)]
    said, said_related = list(texts.passages), [_linked(items[earlier], items[later], n_items)]

    ends = _history_ends(items, owners, spec)
    named = [_latest(items, int(bounds[owners[end]]), end, spec.history) for end in ends.tolist()]
    anchors.append(np.arange(len(ends)) + len(said))
    positives.append(items[ends])
    weights.append(np.ones(len(ends)))
    groups.append(ends // (spec.window + 1))
    said.extend(history_text([texts.titles[row] for row in rows]) for rows in named)
    said_related.append(_around(items, owners, ends, bounds, n_items))

    chosen = [(one.query, int(first_of[one.item_row])) for one in searches if readable[one.item_row]]
    number = {query: place for place, query in enumerate(dict.fromkeys(query for query, _ in chosen))}
    answers = np.array([row for _, row in chosen], np.int64)
    asked = np.array([number[query] for query, _ in chosen], np.int64)
    anchors.append(asked + len(said))
    positives.append(answers)
    weights.append(np.ones(len(chosen)))
    groups.append(len(items) + asked)
    said.extend(number)
    said_related.append(_table(asked, answers, (len(number), n_items)))

    found = np.concatenate(positives).astype(np.int32)
    return Pairs(
        said,
        n_items,
        np.concatenate(anchors).astype(np.int32),
        found,
        np.concatenate(weights).astype(np.float32),
        np.concatenate(groups).astype(np.int64),
        sparse.vstack(said_related).tocsr(),
        np.bincount(found, minlength=n_items),
    ).drawn(spec.max_pairs, spec.seed)


def _first_of_equals(passages: Sequence[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    first: dict[str, int] = {}
    rows = np.array([first.setdefault(text, row) for row, text in enumerate(passages)], np.int64)
    return rows, np.array([bool(text) for text in passages], bool)


def _followers(items: Any, owners: Any, window: int) -> tuple[Any, Any, Any]:
    """Positions of the earlier and the later event of each pair of different items, and the events between them."""
    earlier, later, steps = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for step in range(1, min(window, len(items) - 1) + 1):
        at = np.flatnonzero((owners[:-step] == owners[step:]) & (items[:-step] != items[step:]))
        earlier.append(at)
        later.append(at + step)
        steps.append(np.full(len(at), step))
    return np.concatenate(earlier), np.concatenate(later), np.concatenate(steps)


def _linked(first: Any, second: Any, n_items: int) -> Any:
    everything = np.arange(n_items)
    return _table(
        np.concatenate([first, second, everything]), np.concatenate([second, first, everything]), (n_items, n_items)
    )


def _history_ends(items: Any, owners: Any, spec: TuneSpec) -> Any:
    """Positions of the drawn events that have a history of other items."""
    drawn = np.random.default_rng([spec.seed, 2]).random(len(items)) < spec.history_share
    follows = np.zeros(len(items), bool)
    follows[1:] = (owners[1:] == owners[:-1]) & (items[1:] != items[:-1])
    return np.flatnonzero(drawn & follows)


def _latest(items: Any, start: int, end: int, n: int) -> list[int]:
    """The last `n` distinct items of `[start, end)` but for the one at `end`, latest first."""
    before = dict.fromkeys(items[max(start, end - 4 * n) : end][::-1].tolist())
    before.pop(int(items[end]), None)
    return list(before)[:n]


def _around(items: Any, owners: Any, ends: Any, bounds: Any, n_items: int) -> Any:
    lines, rows = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for line, end in enumerate(ends.tolist()):
        owner = owners[end]
        start, stop = max(bounds[owner], end - NEIGHBOURHOOD), min(bounds[owner + 1], end + NEIGHBOURHOOD)
        rows.append(items[start:stop])
        lines.append(np.full(stop - start, line))
    return _table(np.concatenate(lines), np.concatenate(rows), (len(ends), n_items))


def _table(lines: Any, rows: Any, shape: tuple[int, int]) -> Any:
    return sparse.csr_matrix((np.ones(len(lines), bool), (lines, rows)), shape=shape, dtype=bool)
