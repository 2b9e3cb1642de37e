"""Trees in two parts: the first few judge every candidate, the others only those that may come to the top."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import onnxruntime

from shelfwise.kernels import compiled
from shelfwise.rank.flat_trees import FlatTrees
from shelfwise.rank.trees import count_trees, trees_to_onnx
from shelfwise.schemas.ids import Bools, Floats

WHOLE_FILE = "trees.onnx"
PARTED_FILES = ("first-trees.onnx", "other-trees.onnx")

FIRST_SHARE = 8
"""One tree of so many judges every candidate."""

JUDGED_AT_LEAST, JUDGED_TIMES = 64, 3
"""Candidates of a request that all trees judge: so many, and so many times the places that anybody will look at."""

WORTH_PARTING = 32
"""Fewer trees are not parted: a call of the runtime costs as much as some trees."""

BATCH_LINES = 4_096
"""Candidates from which on a call is spread over all cores."""

Beside = Callable[[Floats, Floats], Floats]
"""Who has a say beside the trees: sums of all trees and features, to scores; shapes `(N,)`, `(N, F)` and `(N,)`."""


class TreeCascade:
    """Boosted trees, their scores being log-odds: as arrays for a compiled kernel, and as ONNX graphs for who has none.

    Boosting goes from coarse to fine: the first eighth of the trees knows which candidates are hopeless, and the other
    seven eighths are spent on the rest. On half of Beauty's past requests, with trees grown on the other half, the
    order's NDCG@10 fell by 0.04 % (standard error 0.10 %) at 0.4 of the cost (`docs/experiments.md`).

    Source:
        Wang, Lin & Metzler (2011), A cascade ranking model for efficient ranked retrieval; Cambazoglu et al. (2010),
        Early exit optimizations for additive machine learned ranking systems.
    """

    def __init__(self, first: bytes, others: bytes | None, flat: FlatTrees | None = None) -> None:
        """Make it of graphs; without others the first are all.

        Args:
            first: The trees that judge every candidate.
            others: The trees that judge some.
            flat: All of them; None where they are too large for the kernel, or an earlier release made them.
        """
        self._graphs = [first] if others is None else [first, others]
        self._flat = flat
        self._sessions: dict[tuple[int, int], onnxruntime.InferenceSession] = {}

    @classmethod
    def of(cls, booster: Any, n_features: int) -> Self:
        """Part a LightGBM booster."""
        n_trees: int = booster.current_iteration()
        n_first, flat = _n_first(n_trees), FlatTrees.of(booster)
        if n_first == n_trees:
            return cls(trees_to_onnx(booster, n_features), None, flat)
        return cls(
            trees_to_onnx(booster, n_features, 0, n_first),
            trees_to_onnx(booster, n_features, n_first, n_trees - n_first),
            flat,
        )

    @property
    def n_trees(self) -> int:
        """All of them. Needed for training only."""
        return sum(map(count_trees, self._graphs))

    def save(self, folder: Path) -> None:
        """Write one graph or two, which have other names: who knows of one part only must not take it for the whole."""
        if self._flat is not None:
            self._flat.save(folder)
        for name, graph in zip(PARTED_FILES if len(self._graphs) > 1 else (WHOLE_FILE,), self._graphs, strict=True):
            (folder / name).write_bytes(graph)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote, ready for the first request."""
        flat = FlatTrees.load(folder)
        if (folder / WHOLE_FILE).exists():
            found = cls((folder / WHOLE_FILE).read_bytes(), None, flat)
        else:
            first, others = ((folder / name).read_bytes() for name in PARTED_FILES)
            found = cls(first, others, flat)
        if compiled is None or found._flat is None:
            for part in range(len(found._graphs)):
                found._session(part, 1)
        return found

    def by_all(self, features: Floats) -> Floats:
        """The sum of all trees for each candidate; shapes `(N, F)` and `(N,)`."""
        scores = self._sum(0, features)
        return scores if len(self._graphs) == 1 else scores + self._sum(1, features)

    def by_request(
        self,
        features: Floats,
        n_candidates: Sequence[int],
        depths: Sequence[int | None],
        beside: Beside | None = None,
    ) -> Floats:
        """Scores that order each request's candidates.

        Args:
            features: Of the candidates of all requests below each other; shape `(N, F)`.
            n_candidates: Of each request; summing to N.
            depths: Places of each request's order that anybody will look at; None: all.
            beside: Has a say about whomever all trees judge.

        Returns:
            Shape `(N,)`: the sum of all trees for those of each request that the first trees liked best, equal ones in
            the order given; for all others what the first trees say, put below those.
        """
        ends = list(itertools.accumulate(n_candidates))
        spans = [slice(end - n, end) for end, n in zip(ends, n_candidates, strict=True)]
        if len(self._graphs) == 1:
            scores = self._sum(0, features)
            return scores if beside is None else beside(scores, features)
        if compiled is not None and self._flat is not None:
            n_first = _n_first(len(self._flat))
            found = [
                self._flat.cascade(features[span], n_first, max(_n_judged(depth, span.stop - span.start), 1))
                for span, depth in zip(spans, depths, strict=True)
            ]
            scores = found[0] if len(found) == 1 else np.concatenate([*found, np.empty(0, np.float32)])
        else:
            first = self._sum(0, features)
            scores = _with_more(first, spans, depths, lambda whole, lines: whole + self._sum(1, features[lines]))
        if beside is None:
            return scores
        # Whom all trees judged stands above whom they did not.
        return _with_more(scores, spans, depths, lambda whole, lines: beside(whole, features[lines]))

    def _sum(self, part: int, features: Floats) -> Floats:
        if compiled is not None and self._flat is not None:
            n_trees = len(self._flat)
            n_first = n_trees if len(self._graphs) == 1 else _n_first(n_trees)
            return self._flat.sums(features, 0, n_first) if part == 0 else self._flat.sums(features, n_first, n_trees)
        answer: Any = self._session(part, len(features)).run(None, {"features": features})[0]
        return answer.ravel()

    def _session(self, part: int, n_lines: int) -> onnxruntime.InferenceSession:
        """One thread for a request, which is too small to share; every core for a batch of many."""
        n_threads = 1 if n_lines < BATCH_LINES else 0
        if (part, n_threads) not in self._sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = n_threads
            self._sessions[part, n_threads] = onnxruntime.InferenceSession(
                self._graphs[part], options, providers=["CPUExecutionProvider"]
            )
        return self._sessions[part, n_threads]


def _n_first(n_trees: int) -> int:
    """How many of the trees judge every candidate."""
    return n_trees if n_trees < WORTH_PARTING else n_trees // FIRST_SHARE


def _with_more(
    scores: Floats,
    spans: Sequence[slice],
    depths: Sequence[int | None],
    more: Callable[[Floats, npt.NDArray[np.intp]], Floats],
) -> Floats:
    """Scores of all requests, when the best of each are judged anew, given their scores and lines."""
    best = [_judged(scores[span], depth) + span.start for span, depth in zip(spans, depths, strict=True)]
    judged = np.concatenate(best) if best else np.empty(0, np.intp)
    whole = scores.copy()
    whole[judged] = more(scores[judged], judged)
    for span, mine in zip(spans, best, strict=True):
        if span.stop - span.start > len(mine):
            rest = np.ones(span.stop - span.start, bool)
            rest[mine - span.start] = False
            _put_below(whole[span], rest, whole[mine].min())
    return whole


def _judged(first: Floats, depth: int | None) -> npt.NDArray[np.intp]:
    """Which of a request's candidates all trees look at, given what was said before; shape `(J,)`."""
    n = _n_judged(depth, len(first))
    return np.arange(len(first)) if n >= len(first) else np.argsort(-first, kind="stable")[:n]


def _n_judged(depth: int | None, n: int) -> int:
    """How many of a request's `n` candidates all trees look at, or more than there are."""
    return n if depth is None else max(JUDGED_AT_LEAST, JUDGED_TIMES * depth)


def _put_below(scores: Floats, rest: Bools, weakest: np.float32) -> None:
    """Move the rest of a request's scores, as they stand to each other, until all of them are below the weakest one."""
    highest = np.nextafter(weakest, np.float32(-np.inf))
    moved = scores[rest] + min(np.float32(0), highest - scores[rest].max())
    scores[rest] = np.minimum(moved, highest)  # rounding may lift one
