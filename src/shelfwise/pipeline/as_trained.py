"""What a model version's answers looked like when it was trained: what those in service are held against.

One small file of the version. It counts over many shoppers and holds none of them apart.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from shelfwise.metrics import quantile_edges
from shelfwise.metrics.drift import chance
from shelfwise.schemas.ids import Doubles, Rows, Times

FILE = "as_trained.json"

N_PLACES = 10
"""Places of a slate that are looked at, from its head on."""

N_BINS = 10
MAX_CATEGORIES = 30
"""Categories by name; what is of none of these is `other`."""

LEAST_SPREAD = 0.01
"""Of lists that are not all the same; drawn one by one, items of C categories have a spread of C - 1."""

OTHER, NONE = "other", "none"


@dataclass(frozen=True, slots=True)
class CategoryGroups:
    """Categories, few enough to be counted each: paths as far down as `MAX_CATEGORIES` names allow.

    Attributes:
        names: Beginnings of paths, as `Shoes > Boots`, those most turned to first. Behind them come what has another
            category, and what has none.
        depth: Parts of a path that count.
    """

    names: tuple[str, ...]
    depth: int

    @classmethod
    def of(cls, n_by_path: Mapping[tuple[str, ...], float]) -> Self:
        """Those of a catalogue.

        Args:
            n_by_path: Every path of a category, and how often people turned to it.
        """
        depth = 1
        while depth < max(map(len, n_by_path), default=0):
            if len({path[: depth + 1] for path in n_by_path}) > MAX_CATEGORIES:
                break
            depth += 1
        n_by_name: dict[str, float] = {}
        for path, n in n_by_path.items():
            name = _name(path[:depth])
            n_by_name[name] = n_by_name.get(name, 0.0) + n
        names = sorted(n_by_name, key=lambda name: (-n_by_name[name], name))
        return cls(tuple(names[:MAX_CATEGORIES]), depth)

    @property
    def labels(self) -> tuple[str, ...]:
        """What each group is called; length C."""
        return (*self.names, OTHER, NONE)

    @property
    def tell_apart(self) -> bool:
        """Whether there are two at least."""
        return len(self.names) > 1

    def group(self, path: Sequence[str]) -> int:
        """The group of an item with this path; empty: without a category."""
        if not path:
            return len(self.names) + 1
        name = _name(path[: self.depth])
        return self.names.index(name) if name in self.names else len(self.names)


@dataclass(frozen=True, slots=True)
class Mix:
    """How what was seen was spread over some bins.

    Attributes:
        by_place: Shares at each place of a slate, rows summing to 1; shape `(P, B)`.
        spread: The index of drift that chance alone brings a single case; of n cases the nth part of it.
        chance: The index that chance may have put into these shares themselves.
    """

    by_place: Doubles
    spread: float
    chance: float

    def expected(self, filled: Sequence[int]) -> Doubles:
        """The shares of slates of which each place was filled so often; shape `(B,)`.

        A shop that asks for three items sees heads of lists only: that is no drift.
        """
        weights = np.array(filled[: len(self.by_place)], np.float64)
        return weights @ self.by_place[: len(weights)] / max(weights.sum(), 1.0)

    @classmethod
    def of(cls, cases: Sequence[Sequence[int]], weights: Doubles, n_bins: int, n_places: int, share: float) -> Self:
        """From lists.

        Args:
            cases: The bin of each place, from the head on; none of them empty.
            weights: How much each list counts; shape `(R,)`.
            n_bins: B.
            n_places: P.
            share: Of those who might have been asked; who asks all of them leaves nothing to chance.
        """
        by_place = np.zeros((n_places, n_bins))
        own = np.zeros((len(cases), n_bins))
        for line, (bins, weight) in enumerate(zip(cases, weights.tolist(), strict=True)):
            for place, found in enumerate(bins[:n_places]):
                by_place[place, found] += weight
                own[line, found] += 1
        by_place /= by_place.sum(axis=1, keepdims=True)
        own /= own.sum(axis=1, keepdims=True)
        spread, off = chance(own, weights)
        return cls(by_place, spread, off * (1 - share))

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
class PlaceAsTrained:
    """The answers of one place of the shop.

    Attributes:
        n_places: Places from the head on that most slates filled.
        edges: Ends between the bins of scores.
        scores: None where retrievers order, whose scores are no measure, or where all are the same.
        categories: None in a shop that does not tell categories apart, and where everybody is shown the same, as what
            is trending: one list has no distribution.
    """

    n_places: int
    edges: tuple[float, ...]
    scores: Mix | None
    categories: Mix | None

    @classmethod
    def of(
        cls,
        scores: Sequence[Sequence[float]] | None,
        groups: Sequence[Sequence[int]],
        weights: Doubles,
        *,
        n_groups: int,
        share: float,
    ) -> Self | None:
        """From the answers that were given.

        Args:
            scores: Of each answer's items, from its head on; None where they are no measure.
            groups: Category groups of the same; empty answers are left out.
            weights: How much each answer counts; shape `(R,)`.
            n_groups: C; 0 where categories are not told apart.
            share: Of the shoppers who might have been asked.

        Returns:
            None where nothing was answered.
        """
        filled = [place for place, found in enumerate(groups) if found]
        if not filled:
            return None
        weights = weights[filled]
        groups = [groups[place] for place in filled]
        lengths = sorted(map(len, groups))
        n_places = min(N_PLACES, lengths[len(lengths) // 2])
        edges, mix = (), None
        if scores is not None:
            scores = [scores[place][:n_places] for place in filled]
            edges = tuple(quantile_edges(np.concatenate(scores), N_BINS).tolist())
        if scores is not None and edges:
            binned = [[bisect_left(edges, one) for one in found] for found in scores]
            mix = Mix.of(binned, weights, len(edges) + 1, n_places, share)
        kinds = Mix.of([one[:n_places] for one in groups], weights, n_groups, n_places, share) if n_groups else None
        if kinds is not None and kinds.spread < LEAST_SPREAD:
            kinds = None
        return cls(n_places, edges, mix, kinds)


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
        """Write the file into a version's folder."""
        document = {
            "categories": {"names": self.categories.names, "depth": self.categories.depth},
            "scenarios": {
                name: {
                    "n_places": one.n_places,
                    "edges": one.edges,
                    "scores": None if one.scores is None else one.scores.as_document(),
                    "categories": None if one.categories is None else one.categories.as_document(),
                }
                for name, one in self.places.items()
            },
            "wanted": None if self.wanted is None else self.wanted.as_document(),
        }
        (folder / FILE).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Of a version's folder; None where an older release trained it, or it learned from no events."""
        if not (folder / FILE).is_file():
            return None
        document = json.loads((folder / FILE).read_text(encoding="utf-8"))
        groups = document["categories"]
        return cls(
            CategoryGroups(tuple(groups["names"]), groups["depth"]),
            {
                name: PlaceAsTrained(
                    one["n_places"], tuple(one["edges"]), Mix.read(one["scores"]), Mix.read(one["categories"])
                )
                for name, one in document["scenarios"].items()
            },
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


def _name(path: Iterable[str]) -> str:
    return " > ".join(path)
