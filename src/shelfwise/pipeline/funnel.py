"""The funnel: retrieve, merge, describe, rank. The same code for one request, for all users, and for training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shelfwise.encode.profile_vectors import ProfileVectors
from shelfwise.features.candidate_features import candidate_features
from shelfwise.features.item_state import ItemState
from shelfwise.features.text_vectors import TextVectors
from shelfwise.features.themes import Themes
from shelfwise.pipeline.budget import Budget
from shelfwise.pipeline.merge import NOTHING, merge
from shelfwise.pipeline.shortfalls import Shortfall, Told
from shelfwise.rank.ranker import Asked, Ranker, Scored, unpredicted
from shelfwise.retrieve.retriever import ItemTraits, Retriever
from shelfwise.schemas.candidates import Candidates, Merged, Situation
from shelfwise.schemas.ids import Bools, Floats, Rows

NOT_ASKED = Candidates.empty()


@dataclass(frozen=True, slots=True)
class Ranked:
    """Candidates in the ranker's order.

    Attributes:
        rows: Best first, equal scores in the order of rows; shape `(N,)`.
        scores: The ranker's; shape `(N,)`, never rising.
        merged: Where they came from.
        places: Each item's line in `merged`; shape `(N,)`.
        predictions: Of each item and objective, see `rank.ranker.Scored`; shape `(N, K)`.
    """

    rows: Rows
    scores: Floats
    merged: Merged
    places: Rows
    predictions: Floats

    def by(self, scores: Floats) -> Ranked:
        """The same candidates in the order of other scores, given in the present order; shape `(N,)`."""
        order = np.argsort(-scores, kind="stable")
        return Ranked(self.rows[order], scores[order], self.merged, self.places[order], self.predictions[order])


@dataclass(slots=True)
class Funnel:
    """The fitted stages.

    Attributes:
        retrievers: By the name of their table in `shop.toml`; the order is that of the ranker's features.
        ranker: Fitted on exactly those of these retrievers that are ranked.
        state: What the ranker is told of every item.
        vectors: Whitened text vectors; None without an encoder.
        has_clock: Whether the shop's timestamps are moments.
        profiles: What users said of themselves, in the space of the vectors; None where the model reads no profiles.
        pictures: Picture vectors; None where no item has one.
        behaviour: Vectors of who turned to an item, see `features.behaviour_vectors`; None in an older model.
        themes: Groups of like texts; None without an encoder.
    """

    retrievers: Mapping[str, Retriever]
    ranker: Ranker
    state: ItemState
    vectors: TextVectors | None
    has_clock: bool
    profiles: ProfileVectors | None = None
    pictures: TextVectors | None = None
    behaviour: TextVectors | None = None
    themes: Themes | None = None

    def retrieve(
        self,
        situation: Situation,
        allowed: Bools,
        names: Sequence[str] = (),
        also: Rows = NOTHING,
        budget: Budget | None = None,
    ) -> Merged:
        """Ask the named of the retrievers that the ranker is told of, or all; the columns are always those of all.

        Args:
            situation: The request.
            allowed: Whether each item may be shown; shape `(n,)`.
            names: Retrievers to ask; empty: all.
            also: Further items to be ranked, whoever names them.
            budget: Where it is spent, the retrievers after the first that named anything are not asked.
        """
        answers: dict[str, Candidates] = {}
        late: list[str] = []
        for name, retriever in self.retrievers.items():
            if not retriever.is_ranked:
                continue
            answers[name] = NOT_ASKED
            if names and name not in names:
                continue
            if budget is not None and budget.is_over and any(len(answer) for answer in answers.values()):
                late.append(name)
            else:
                answers[name] = retriever.retrieve(situation, allowed)
        if budget is not None and late:
            clause = f"the time is spent: {', '.join(late)} were not asked"
            budget.left_out.append(Told(Shortfall.LATE, clause))
        return merge(answers, also)

    def describe(self, merged: Merged, situation: Situation) -> Floats:
        """The ranker's features for merged candidates; shape `(N, F)`."""
        return candidate_features(merged, situation, self.state, self.vectors, has_clock=self.has_clock)

    def observe(self, row: int, time_ms: int, region: str | None = None) -> None:
        """Take up one event of interest in an item, as it happens; `region` is where its user is at home."""
        for retriever in self.retrievers.values():
            retriever.observe(row, time_ms, region)

    def add_item(self, row: int, *, vector: Floats | None, traits: ItemTraits, created_ms: int) -> None:
        """Take up an item that is new or changed, as it happens.

        Args:
            vector: Its whitened text vector, 0 where it has no text; shape `(D,)`; None where that did not change, or
                cannot be told: then what was known stays. So it is with the picture among the traits.
            traits: What else is known of it.
            created_ms: When it came into the catalogue.
        """
        # Who reads both is told both: where one could not be encoded now, it stays as it was.
        if vector is None and traits.picture is not None and self.vectors is not None:
            vector = self.vectors.take(np.array([row], np.int32))[0][0]
        elif traits.picture is None and vector is not None and self.pictures is not None:
            traits = replace(traits, picture=self.pictures.take(np.array([row], np.int32))[0][0])
        self.state.put(row, price=traits.price, created_ms=created_ms)
        if self.vectors is not None and vector is not None:
            self.vectors.put(row, vector)
        if self.themes is not None:
            self.themes.put(row, vector)
        if self.pictures is not None and traits.picture is not None:
            self.pictures.put(row, traits.picture)
        for retriever in self.retrievers.values():
            retriever.add_item(row, vector=vector, created_ms=created_ms, traits=traits)

    def rank(
        self,
        situation: Situation,
        allowed: Bools,
        names: Sequence[str] = (),
        also: Rows = NOTHING,
        budget: Budget | None = None,
        depth: int | None = None,
    ) -> Ranked:
        """All candidates of one request in order.

        Args:
            situation: The request.
            allowed: Whether each item may be shown; shape `(n,)`.
            names: Retrievers to ask; empty: all.
            also: Further items to be ranked, whoever names them.
            budget: Where it is spent, candidates stand in the order that the retrievers give them together.
            depth: Places of the order that anybody will look at; None: all.
        """
        merged = self.retrieve(situation, allowed, names, also, budget)
        if budget is None:
            return in_order(merged, self.ranker.score(self._asked(merged, situation, depth)))
        budget.lap("retrieve")
        if budget.is_over:
            clause = "the time is spent: the retrievers' common order stands for the ranker's"
            budget.left_out.append(Told(Shortfall.LATE, clause))
            return in_order(merged, unpredicted(fused(merged)))
        ranked = in_order(merged, self.ranker.score(self._asked(merged, situation, depth)))
        budget.lap("rank")
        return ranked

    def _asked(self, merged: Merged, situation: Situation, depth: int | None) -> Asked:
        return Asked(self.describe(merged, situation), merged.rows, situation, self.vectors, depth)

    def rank_many(
        self,
        requests: Sequence[tuple[Situation, Bools]],
        names: Sequence[str] = (),
        also: Sequence[Rows] = (),
        depth: int | None = None,
    ) -> list[Ranked]:
        """`rank` for many requests, with one call of the ranker for all of them; `also` is empty, or one of each."""
        further = also or [NOTHING] * len(requests)
        merged = [
            self.retrieve(situation, allowed, names, rows)
            for (situation, allowed), rows in zip(requests, further, strict=True)
        ]
        asked = [
            self._asked(candidates, situation, depth)
            for candidates, (situation, _) in zip(merged, requests, strict=True)
        ]
        return [
            in_order(candidates, scored)
            for candidates, scored in zip(merged, self.ranker.score_many(asked), strict=True)
        ]


def fused(merged: Merged) -> Floats:
    """What the retrievers say together, without a ranker; shape `(N,)`.

    Source:
        Cormack, Clarke & Büttcher (2009), Reciprocal Rank Fusion.
    """
    return np.where(merged.ranks > 0, 1 / (60 + merged.ranks), 0).sum(axis=1).astype(np.float32)


def in_order(merged: Merged, scored: Scored) -> Ranked:
    """Sort candidates by score; equal scores in the order of rows."""
    places = np.argsort(-scored.scores, kind="stable").astype(np.int32)
    return Ranked(merged.rows[places], scored.scores[places], merged, places, scored.predictions[places])


def with_items(ranked: Ranked, rows: Rows) -> Ranked:
    """Candidates with further items behind them, which nobody named and of which nothing is predicted.

    Args:
        ranked: As retrievers ordered them.
        rows: Items; those that are there already are left out.
    """
    new = rows[~np.isin(rows, ranked.rows)]
    if not len(new):
        return ranked
    merged, n = ranked.merged, len(new)
    unknown = np.full((n, len(merged.sources)), np.nan, np.float32)
    return Ranked(
        np.concatenate([ranked.rows, new]),
        np.concatenate([ranked.scores, np.full(n, ranked.scores.min(initial=0.0), np.float32)]),
        Merged(
            np.concatenate([merged.rows, new]),
            np.concatenate([merged.scores, unknown]),
            np.concatenate([merged.ranks, np.zeros_like(unknown, np.int32)]),
            merged.sources,
        ),
        np.concatenate([ranked.places, np.arange(len(merged), len(merged) + n, dtype=np.int32)]),
        np.concatenate([ranked.predictions, np.full((n, ranked.predictions.shape[1]), np.nan, np.float32)]),
    )


def taken(ranked: Ranked, places: Sequence[int]) -> Ranked:
    """Some of the candidates, in the order given."""
    chosen = np.array(places, np.intp)
    return Ranked(
        ranked.rows[chosen], ranked.scores[chosen], ranked.merged, ranked.places[chosen], ranked.predictions[chosen]
    )


def allowed_for(allowed: Bools, situation: Situation, *, repeats: bool, exclude: Rows | None = None) -> Bools:
    """Who may be shown to this user: what the shop allows, less context, exclusions and (maybe) what was had.

    Args:
        allowed: What the shop allows; shape `(n,)`; not changed.
        situation: The request; its context items are never answered.
        repeats: Whether items that the user had may be shown again.
        exclude: Further rows to leave out.
    """
    own = allowed.copy()
    own[situation.context] = False
    if not repeats:
        own[situation.had] = False
    if exclude is not None:
        own[exclude] = False
    return own
