"""Many users asked, group after group: what their slates are like, how sure that is, and what a setting may cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import isotonic_regression

from shelfwise.evaluate.slates import Items, Make, Qualities, Question, by_relevance, qualities
from shelfwise.metrics import coverage, intra_list_distance
from shelfwise.schemas.ids import Bools, Doubles, Floats
from slates.measured import K

N_GROUP = 5_000
"""Users, about, whose slates are made one after the other: how much of a catalogue is covered depends on how many are
shown something, and what was shown seldom on how much was shown."""

AFFORDABLE = 0.03
"""Of NDCG: what may be given up."""

SURE = 1.645
"""Errors that a setting's cost may lie above what was measured: one-sided, 95 %."""

STEPS = tuple(round(step / 10, 1) for step in range(1, 11))
N_LEFT_OUT = 20
"""Parts of the users that are left out in turn."""

PER_USER = ("ndcg", "distance", "distance_raw", "miscalibration")


@dataclass(frozen=True)
class Made:
    """Slates of all groups.

    Attributes:
        parts: What those of each group are like.
        raw: The encoder's own vectors; shape `(n, D)`.
    """

    parts: Sequence[Qualities]
    raw: Floats

    def each(self, name: str) -> Doubles:
        """One of `PER_USER`, of every user; NaN where it cannot be told; shape `(B,)`."""
        return self.distance_raw if name == "distance_raw" else np.concatenate([getattr(p, name) for p in self.parts])

    @cached_property
    def distance_raw(self) -> Doubles:
        """As `Qualities.distance`, by the encoder's own vectors; shape `(B,)`."""
        return np.concatenate([intra_list_distance(one.lists, self.raw) for one in self.parts])

    def means(self) -> dict[str, float]:
        """Plain numbers; what concerns a whole group is the groups' mean."""
        found = [one.means() for one in self.parts]
        of_groups = {name: float(np.mean([one[name] for one in found])) for name in ("coverage", "gini", "head_share")}
        of_users = {name: self._mean(name) for name in (*PER_USER, "entropy")}
        return of_users | of_groups

    def _mean(self, name: str) -> float:
        values = self.each(name)
        known = values[~np.isnan(values)]
        return float(known.mean()) if len(known) else float("nan")


@dataclass(frozen=True, slots=True)
class Asker:
    """Questions with the ranker's own slates."""

    groups: Sequence[Sequence[Question]]
    items: Items
    raw: Floats
    plain: Made

    @classmethod
    def of(cls, questions: Sequence[Question], items: Items, raw: Floats) -> Asker:
        """Make the ranker's own slates of groups that are drawn across all questions."""
        n_groups = max(1, round(len(questions) / N_GROUP))
        groups = [questions[group::n_groups] for group in range(n_groups)]
        return cls(groups, items, raw, Made([qualities(group, items, by_relevance, K) for group in groups], raw))

    @property
    def questions(self) -> Sequence[Question]:
        """Those of all groups."""
        return [one for group in self.groups for one in group]

    @property
    def n_questions(self) -> int:
        """All groups together."""
        return sum(map(len, self.groups))

    def made(self, make: Make, *, with_mix: bool = True) -> Made:
        """Make and measure; what was shown is counted anew in every group."""
        return Made([qualities(group, self.items, make, K, with_mix=with_mix) for group in self.groups], self.raw)

    def relative(self, found: Made) -> dict[str, float]:
        """Means relative to the ranker's own: 0 is no change."""
        own = self.plain.means()
        return {name: value / own[name] - 1 for name, value in found.means().items()}

    def loss(self, found: Made) -> tuple[float, float]:
        """Of NDCG, relative to the ranker's own, and the error of that."""
        own, theirs = self.plain.each("ndcg"), found.each("ndcg")
        mean = max(float(own.mean()), 1e-12)
        loss = 1 - float(theirs.mean()) / mean
        # The error of a ratio of means: of what a user gives up beyond his part in it.
        beyond = own - theirs - loss * own
        return loss, float(beyond.std()) / mean / float(np.sqrt(max(len(own), 1)))

    def coverage_interval(self, found: Made) -> tuple[float, float]:
        """Bounds of the relative gain by leaving out one part of every group's users after the other.

        Drawn with repeats, lists would repeat and cover less than those of as many users do.

        Source:
            Tukey (1958), Bias and Confidence in Not Quite Large Samples: the jackknife.
        """
        n_items, random = len(self.items.popularity), np.random.default_rng(0)
        parts = [random.permutation(len(one.lists)) % N_LEFT_OUT for one in found.parts]

        def covered(made: Made, kept: Sequence[Bools]) -> float:
            pairs = zip(made.parts, kept, strict=True)
            return float(np.mean([coverage(one.lists[users], n_items) for one, users in pairs]))

        def gain(left_out: int) -> float:
            kept = [part != left_out for part in parts]
            return covered(found, kept) / covered(self.plain, kept) - 1

        without = np.array([gain(left_out) for left_out in range(N_LEFT_OUT)])
        error = float(np.sqrt((N_LEFT_OUT - 1) * without.var()))
        middle = gain(-1)
        return middle - 1.96 * error, middle + 1.96 * error


def affordable(asker: Asker, maker: Callable[[float], Make], n_unseen: int) -> float:
    """The most diversity of which it is sure enough that it costs other users no more than `AFFORDABLE`.

    Costs are measured at every tenth and made monotone by isotonic regression, so that one lucky or unlucky tenth does
    not decide. Counted is their bound for another sample of `n_unseen` users; between two tenths it is straight.
    """
    wider = SURE * float(np.sqrt(1 + asker.n_questions / n_unseen))
    measured = [(0.0, 0.0)]
    for step in STEPS:
        measured.append(asker.loss(asker.made(maker(step), with_mix=False)))
        if min(cost + wider * error for cost, error in measured[-2:]) > AFFORDABLE:
            break  # two tenths beyond tell enough of where the bound is crossed
    costs, errors = np.array(measured).T
    bound = np.maximum.accumulate(np.maximum(isotonic_regression(costs).x, 0.0) + wider * errors)
    return float(np.interp(AFFORDABLE, bound + 1e-9 * np.arange(len(bound)), (0.0, *STEPS)[: len(bound)]))
