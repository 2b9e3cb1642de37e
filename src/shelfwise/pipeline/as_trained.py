"""What a model version's answers looked like when it was trained: what those in service are held against.

One small file of the version. It counts over many shoppers and holds none of them apart.
"""

from __future__ import annotations

import json
import logging
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import numpy as np

from shelfwise.metrics import quantile_edges
from shelfwise.metrics.drift import chance
from shelfwise.pipeline.category_groups import CategoryGroups
from shelfwise.schemas.candidates import Situation
from shelfwise.schemas.ids import Doubles, Rows, Times

FILE = "as_trained.json"
FORMAT = 1
"""A file of another format is left unread: a model serves without it."""

N_PLACES = 10
"""Places of a slate that are looked at, from its head on."""

N_BINS = 10
LEAST_SPREAD = 0.01
"""Of lists that are not all the same; drawn one by one, items of C categories have a spread of C - 1."""

VISIT_MS = 30 * 60_000
"""Who did something within this time is still there; the usual length of a session."""

log = logging.getLogger("shelfwise.pipeline")


class Asker(StrEnum):
    """Who asks, as far as scores depend on it: a shop with more strangers than before has not drifted."""

    STRANGER = "stranger"
    VISITING = "visiting"
    """Did something a moment ago."""
    BACK = "back"
    """Comes back after a while."""

    @classmethod
    def of(cls, situation: Situation, *, has_clock: bool) -> Self:
        """Who makes a request; without a clock nobody knows how long anybody was away."""
        if not len(situation.history):
            return cls(cls.STRANGER)
        is_there = not has_clock or situation.now_ms - int(situation.history.times_ms[-1]) < VISIT_MS
        return cls(cls.VISITING if is_there else cls.BACK)


@dataclass(frozen=True, slots=True)
class Mix:
    """How what was seen was spread over some bins.

    Attributes:
        by_place: Shares at each place of a slate, rows summing to 1; shape `(P, B)`: the places of each kind of asker
            below those of another.
        spread: The index of drift that chance alone brings a single case; of n cases the nth part of it.
        chance: The index that chance may have put into these shares themselves.
    """

    by_place: Doubles
    spread: float
    chance: float

    def expected(self, filled: Sequence[int]) -> Doubles:
        """The shares of slates of which each place was filled so often, length P; shape `(B,)`.

        A shop that asks for three items sees heads of lists only, and one that is asked by mail nobody who is there:
        that is no drift.
        """
        weights = np.array(filled, np.float64)
        return weights @ self.by_place / max(weights.sum(), 1.0)

    @classmethod
    def of(
        cls,
        cases: Sequence[Sequence[int]],
        firsts: Sequence[int],
        weights: Doubles,
        *,
        n_bins: int,
        n_places: int,
        often: int,
        share: float,
    ) -> Self:
        """From lists.

        Args:
            cases: The bin of each place, from the head on; none of them empty.
            firsts: The line of `by_place` that each list's head is counted in; length R.
            weights: How much each list counts; shape `(R,)`.
            n_bins: B.
            n_places: P.
            often: Lists of each shopper; they are alike, and chance takes them together.
            share: Of those who might have been asked; who asks all of them leaves nothing to chance.
        """
        by_place = np.zeros((n_places, n_bins))
        own = np.zeros((len(cases), n_bins))
        for line, (bins, first, weight) in enumerate(zip(cases, firsts, weights.tolist(), strict=True)):
            for place, found in enumerate(bins, start=first):
                by_place[place, found] += weight
                own[line, found] += 1
        by_place /= np.maximum(by_place.sum(axis=1, keepdims=True), 1e-12)
        own /= own.sum(axis=1, keepdims=True)
        spread, off = chance(own, weights, np.array(firsts))
        return cls(by_place, spread, off * often * (1 - share))

    def as_document(self) -> dict[str, Any]:
        """As JSON."""
        return {"by_place": np.round(self.by_place, 6).tolist(), "spread": self.spread, "chance": self.chance}

    @classmethod
    def read(cls, document: Mapping[str, Any] | None) -> Self | None:
        """What `as_document` made; None of nothing."""
        if document is None:
            return None
        return cls(np.array(document["by_place"]), document["spread"], document["chance"])


@dataclass(frozen=True, slots=True)
class Asked:
    """One answer that was given.

    Attributes:
        asker: To whom.
        scores: Of its items, from the head on.
        groups: Category groups of the same.
        weight: How much it counts.
    """

    asker: Asker
    scores: Sequence[float]
    groups: Sequence[int]
    weight: float


@dataclass(frozen=True, slots=True)
class PlaceAsTrained:
    """The answers of one place of the shop.

    Attributes:
        is_about_items: Whether it was asked about an item, as a product's page does: requests of the other kind are
            not comparable.
        askers: Kinds of askers; each has `n_places` lines of the mixes.
        n_places: Places from the head on that most slates filled.
        edges: Ends between the bins of scores.
        scores: None where retrievers order, whose scores are no measure, or where all are the same.
        categories: None in a shop that does not tell categories apart, and where everybody is shown the same, as what
            is trending: one list has no distribution.
    """

    is_about_items: bool
    askers: tuple[Asker, ...]
    n_places: int
    edges: tuple[float, ...]
    scores: Mix | None
    categories: Mix | None

    @property
    def n_lines(self) -> int:
        """Lines of the mixes."""
        return len(self.askers) * self.n_places

    def first_line(self, asker: Asker) -> int | None:
        """The line of the first place of slates for such an asker; None where none was asked about."""
        return self.askers.index(asker) * self.n_places if asker in self.askers else None

    @classmethod
    def of(
        cls, answers: Sequence[Asked], *, is_about_items: bool, has_scores: bool, n_groups: int, share: float
    ) -> Self | None:
        """From the answers that were given.

        Args:
            answers: Those that are empty are left out.
            is_about_items: Whether the requests named an item.
            has_scores: Whether scores are a measure.
            n_groups: C; 0 where categories are not told apart.
            share: Of the shoppers who might have been asked.

        Returns:
            None where nothing was answered.
        """
        answers = [one for one in answers if one.scores]
        if not answers:
            return None
        lengths = sorted(len(one.scores) for one in answers)
        n_places = min(N_PLACES, lengths[len(lengths) // 2])
        there = {one.asker for one in answers if len(one.scores) >= n_places}
        askers = tuple(one for one in Asker if one in there)
        answers = [one for one in answers if one.asker in there]
        firsts = [askers.index(one.asker) * n_places for one in answers]
        weights = np.array([one.weight for one in answers], np.float64)

        def mix(cases: Sequence[Sequence[int]], n_bins: int) -> Mix:
            return Mix.of(
                [one[:n_places] for one in cases],
                firsts,
                weights,
                n_bins=n_bins,
                n_places=len(askers) * n_places,
                often=len(askers),
                share=share,
            )

        edges: tuple[float, ...] = ()
        scores = categories = None
        if has_scores:
            edges = tuple(quantile_edges(np.concatenate([one.scores[:n_places] for one in answers]), N_BINS).tolist())
        if edges:
            scores = mix([[bisect_left(edges, score) for score in one.scores] for one in answers], len(edges) + 1)
        if n_groups:
            categories = mix([one.groups for one in answers], n_groups)
        if categories is not None and categories.spread < LEAST_SPREAD:
            categories = None
        return cls(is_about_items, askers, n_places, edges, scores, categories)

    def as_document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "is_about_items": self.is_about_items,
            "askers": self.askers,
            "n_places": self.n_places,
            "edges": self.edges,
            "scores": None if self.scores is None else self.scores.as_document(),
            "categories": None if self.categories is None else self.categories.as_document(),
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """What `as_document` made."""
        return cls(
            document["is_about_items"],
            tuple(Asker(one) for one in document["askers"]),
            document["n_places"],
            tuple(document["edges"]),
            Mix.read(document["scores"]),
            Mix.read(document["categories"]),
        )


@dataclass(frozen=True, slots=True)
class AsTrained:
    """What a version's answers looked like, and what people turned to.

    Attributes:
        categories: How they are grouped.
        places: By scenario; those that answer with items.
        wanted: Categories of what people turned to in the last weeks of the log, one case for each event; None in a
            shop that does not tell categories apart.
    """

    categories: CategoryGroups
    places: Mapping[str, PlaceAsTrained]
    wanted: Mix | None

    def save(self, folder: Path) -> None:
        """Write the file into a version's folder: wholly, or not at all."""
        document = {
            "format": FORMAT,
            "categories": {"names": self.categories.names, "depth": self.categories.depth},
            "scenarios": {name: one.as_document() for name, one in self.places.items()},
            "wanted": None if self.wanted is None else self.wanted.as_document(),
        }
        unfinished = folder / f"{FILE}.unfinished"
        try:
            unfinished.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
            unfinished.replace(folder / FILE)
        finally:
            unfinished.unlink(missing_ok=True)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Of a version's folder; None where another release trained it, or it learned from no events.

        What cannot be read is told in the log, and is as if it were not there: a version serves without it.
        """
        path = folder / FILE
        if not path.is_file():
            return None
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            return cls._read(document) if document["format"] == FORMAT else None
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            log.warning("%s cannot be read, no drift is stated: train again (%s)", path, type(error).__name__)
            return None

    @classmethod
    def _read(cls, document: Mapping[str, Any]) -> Self:
        groups = document["categories"]
        return cls(
            CategoryGroups(tuple(groups["names"]), groups["depth"]),
            {name: PlaceAsTrained.read(one) for name, one in document["scenarios"].items()},
            Mix.read(document["wanted"]),
        )


def wanted_mix(groups: Rows, visits: Times, n_groups: int) -> Mix:
    """What people turned to, every event counting once.

    Args:
        groups: Category group of each event; shape `(E,)`, not empty.
        visits: A number for each visit, whose events go together; shape `(E,)`.
        n_groups: C.
    """
    _, visit, n_events = np.unique(visits, return_inverse=True, return_counts=True)
    own = np.zeros((len(n_events), n_groups))
    np.add.at(own, (visit, groups), 1.0)
    weights = n_events.astype(np.float64)
    _, off = chance(own / weights[:, None], weights)
    # Events of a visit lie together in service too: what visits of this length leave to chance, told for one event.
    return Mix((own.sum(axis=0) / own.sum())[None, :], off * float(weights.sum()), off)
