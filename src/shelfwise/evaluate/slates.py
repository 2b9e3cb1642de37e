"""What slates are like that rerankers make of the same candidates: accuracy beside everything that it is traded for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shelfwise.datasets.examples import Examples
from shelfwise.metrics import (
    coverage,
    gini,
    group_entropy,
    head_share,
    intra_list_distance,
    miscalibration,
)
from shelfwise.pipeline.funnel import Funnel, allowed_for
from shelfwise.rerank.aspects import aspects_of, own_mix
from shelfwise.rerank.listed import ItemFacts, Listed
from shelfwise.rerank.reranker import Reranker
from shelfwise.schemas.ids import Bools, Doubles, Floats, Rows
from shelfwise.schemas.queries import Diversity

Make = Callable[[Listed], Rows]
"""A slate of what is listed, as places, the first to be shown first."""

BATCH = 256


@dataclass(frozen=True, slots=True)
class Question:
    """One request and its right answers.

    Attributes:
        listed: The ranker's candidates.
        is_right: Which of them are right; shape `(N,)`.
        n_right: Right answers, candidates or not.
    """

    listed: Listed
    is_right: Bools
    n_right: int


@dataclass(frozen=True, slots=True)
class Items:
    """What slates are measured by.

    Attributes:
        vectors: Texts' vectors; shape `(n, D)`; None without an encoder.
        popularity: Events of each item; shape `(n,)`.
        n_allowed: Items that may be shown.
    """

    facts: ItemFacts
    vectors: Floats | None
    popularity: Doubles
    n_allowed: int


@dataclass(frozen=True, slots=True)
class Qualities:
    """What slates are like.

    Attributes:
        ndcg: Per question; shape `(B,)`.
        distance: Mean cosine distance of the texts within a slate; NaN without vectors; shape `(B,)`.
        entropy: Of the slate's categories (themes, where the shop has none), in bits; shape `(B,)`.
        miscalibration: How far its mix of aspects is from the user's own, in nats; NaN for strangers; shape `(B,)`.
        coverage: Share of the items that may be shown which are.
        gini: Inequality of exposure, 0 to 1.
        head_share: Share of the places that go to the most popular fifth.
        lists: What was shown; shape `(B, k)`.
    """

    ndcg: Doubles
    distance: Doubles
    entropy: Doubles
    miscalibration: Doubles
    coverage: float
    gini: float
    head_share: float
    lists: Rows

    def means(self) -> dict[str, float]:
        """Plain numbers; NaN where nothing could be measured."""
        found = {name: _mean(getattr(self, name)) for name in ("ndcg", "distance", "entropy", "miscalibration")}
        return {**found, "coverage": self.coverage, "gini": self.gini, "head_share": self.head_share}


def made_by(reranker: Reranker, diversity: Diversity) -> Make:
    """A component's slates at one setting."""
    return lambda listed: reranker.rerank(replace(listed, diversity=diversity)).order[: listed.k]


def by_relevance(listed: Listed) -> Rows:
    """The ranker's own slate."""
    return np.arange(min(listed.k, len(listed)), dtype=np.int32)


def questions_of(
    funnel: Funnel,
    facts: ItemFacts,
    examples: Examples,
    allowed: Bools,
    *,
    repeats: bool,
    n_history: int,
    k: int,
    progress: Callable[[int, int], None],
) -> list[Question]:
    """Retrieve and rank once for every example; see `evaluate.measure` for the arguments."""
    found: list[Question] = []
    for start in range(0, len(examples), BATCH):
        batch = examples.entries[start : start + BATCH]
        requests = [
            (one.situation.latest(n_history), allowed_for(allowed, one.situation, repeats=repeats)) for one in batch
        ]
        for one, (situation, _), ranked in zip(batch, requests, funnel.rank_many(requests, depth=k), strict=True):
            listed = Listed(ranked.rows, ranked.scores, k, facts, situation, slate_id=str(one.user_row))
            found.append(Question(listed, np.isin(ranked.rows, one.relevant), len(one.relevant)))
        progress(len(found), len(examples))
    return found


def qualities(questions: Sequence[Question], items: Items, make: Make, k: int, *, with_mix: bool = True) -> Qualities:
    """Make every question's slate, and measure them all.

    Args:
        with_mix: Whether to hold every slate's mix against the user's own, which takes longer than making it.

    Slates are made one after the other, and each is told how often the ones before it showed its candidates.

    NDCG counts all right answers: what no retriever named is missed by every slate alike.
    """
    discounts = 1 / np.log2(np.arange(k) + 2)
    ideals = np.concatenate([[1.0], np.cumsum(discounts)])
    lists = np.full((len(questions), k), -1, np.int32)
    ndcg, off = np.zeros(len(questions)), np.full(len(questions), np.nan)
    shown = np.zeros(len(items.popularity), np.int32)
    for line, one in enumerate(questions):
        order = make(replace(one.listed, shown=shown[one.listed.rows]))[:k]
        rows = lists[line, : len(order)] = one.listed.rows[order]
        shown[rows] += 1
        if one.is_right.any():
            ndcg[line] = discounts[: len(order)][one.is_right[order]].sum() / ideals[min(one.n_right, k)]
        if with_mix:
            off[line] = _off_the_mix(one.listed, rows)
    facts, n_items = items.facts, len(items.popularity)
    kinds = facts.groups.get("category")
    if kinds is None or not len(kinds.names):
        kinds = facts.groups.get("theme")
    entropy = np.full(len(questions), np.nan)
    if kinds is not None and len(kinds.names):
        entropy = group_entropy(lists, kinds.codes[:n_items], len(kinds.names))
    distance = np.full(len(questions), np.nan)
    if items.vectors is not None:
        distance = intra_list_distance(lists, items.vectors)
    return Qualities(
        ndcg,
        distance,
        entropy,
        off,
        float(coverage(lists, n_items) * n_items / max(items.n_allowed, 1)),
        float(gini(lists, n_items)),
        head_share(lists, items.popularity),
        lists,
    )


def _off_the_mix(listed: Listed, rows: Rows) -> float:
    own = own_mix(listed.situation.history, listed.facts, "auto")
    has = np.flatnonzero(own)
    if not len(has):
        return float("nan")
    # What lies outside of the user's own mix counts by what it takes away from it.
    mix = aspects_of(rows, listed.facts, "auto").mix()
    return float(miscalibration(mix[None, has], own[None, has])[0])


def _mean(values: Doubles) -> float:
    measured = values[~np.isnan(values)]
    return float(measured.mean()) if len(measured) else float("nan")
