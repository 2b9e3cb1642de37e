"""Trees in two parts: the first few judge every candidate, the others only those that may come to the top."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
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
NEWEST_FILE = "newest-trees.onnx"

FIRST, OTHERS, NEWEST = range(3)
"""Parts: the first trees, or all where they are few; the others of the same training; those of what came since."""

FIRST_SHARE = 8
"""One tree of so many judges every candidate."""

JUDGED_AT_LEAST, JUDGED_TIMES = 64, 3
"""Candidates of a request that all trees judge: so many, and so many times the places that anybody will look at."""

WORTH_PARTING = 32
"""Fewer trees are not parted: a call of the runtime costs as much as some trees."""

BATCH_LINES = 4_096
"""Candidates from which on a call is spread over all cores."""


class TreeCascade:
    """Boosted trees, their scores being log-odds: as arrays for a compiled kernel, and as ONNX graphs for who has none.

    Boosting goes from coarse to fine: the first eighth of the trees knows which candidates are hopeless, and the other
    seven eighths are spent on the rest. On half of Beauty's past requests, with trees grown on the other half, the
    order's NDCG@10 fell by 0.04 % (standard error 0.10 %) at 0.4 of the cost (`docs/experiments.md`).

    Source:
        Wang, Lin & Metzler (2011), A cascade ranking model for efficient ranked retrieval; Cambazoglu et al. (2010),
        Early exit optimizations for additive machine learned ranking systems.
    """

    def __init__(self, first: bytes, others: bytes | None, newest: bytes | None, flat: FlatTrees | None) -> None:
        """Make it of graphs; without others the first are all.

        Args:
            first: The trees that judge every candidate.
            others: The trees that judge some.
            newest: Those of the last going on, if any, which judge the same.
            flat: All of them; None where they are too large for the kernel, or an earlier release made them.
        """
        self._graphs = {
            part: graph for part, graph in ((FIRST, first), (OTHERS, others), (NEWEST, newest)) if graph is not None
        }
        self._flat = flat
        self._sessions: dict[tuple[int, int], onnxruntime.InferenceSession] = {}

    @classmethod
    def of(cls, booster: Any, n_features: int) -> Self:
        """Part a LightGBM booster."""
        n_trees: int = booster.current_iteration()
        n_first, flat = _n_first(n_trees), FlatTrees.of(booster)
        if n_first == n_trees:
            return cls(trees_to_onnx(booster, n_features), None, None, flat)
        return cls(
            trees_to_onnx(booster, n_features, 0, n_first),
            trees_to_onnx(booster, n_features, n_first, n_trees - n_first),
            None,
            flat,
        )

    def with_newest(self, booster: Any, n_features: int) -> Self:
        """The same with trees of a newer moment beside, whose log-odds are added; earlier ones of that kind go."""
        flat = None if self._flat is None else self._flat.with_newest(booster)
        return type(self)(self._graphs[FIRST], self._graphs.get(OTHERS), trees_to_onnx(booster, n_features), flat)

    @property
    def n_trees(self) -> int:
        """Trees, those of a newer moment not counted. Needed for training only."""
        return sum(count_trees(graph) for part, graph in self._graphs.items() if part != NEWEST)

    def save(self, folder: Path) -> None:
        """Write a file for each part; the first has another name where it is the whole, so that nobody mistakes it."""
        if self._flat is not None:
            self._flat.save(folder)
        first_file, others_file = PARTED_FILES
        names = {FIRST: first_file if OTHERS in self._graphs else WHOLE_FILE, OTHERS: others_file, NEWEST: NEWEST_FILE}
        for part, graph in self._graphs.items():
            (folder / names[part]).write_bytes(graph)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote, ready for the first request."""
        flat = FlatTrees.load(folder)
        newest = (folder / NEWEST_FILE).read_bytes() if (folder / NEWEST_FILE).exists() else None
        if (folder / WHOLE_FILE).exists():
            found = cls((folder / WHOLE_FILE).read_bytes(), None, newest, flat)
        else:
            first, others = ((folder / name).read_bytes() for name in PARTED_FILES)
            found = cls(first, others, newest, flat)
        if compiled is None or found._flat is None:
            for part in found._graphs:
                found._session(part, 1)
        return found

    def by_all(self, features: Floats) -> Floats:
        """The sum of all trees for each candidate; shapes `(N, F)` and `(N,)`."""
        scores = self._sum(FIRST, features)
        for part in self._beside_first:
            scores = scores + self._sum(part, features)
        return scores

    def by_request(self, features: Floats, n_candidates: Sequence[int], depths: Sequence[int | None]) -> Floats:
        """Scores that order each request's candidates.

        Args:
            features: Of the candidates of all requests below each other; shape `(N, F)`.
            n_candidates: Of each request; summing to N.
            depths: Places of each request's order that anybody will look at; None: all.

        Returns:
            Shape `(N,)`: the sum of all trees for those of each request that the first trees liked best, equal ones in
            the order given; for all others what the first trees say, put below those.
        """
        if OTHERS not in self._graphs:
            return self.by_all(features)
        ends = list(itertools.accumulate(n_candidates))
        spans = [slice(end - n, end) for end, n in zip(ends, n_candidates, strict=True)]
        if compiled is not None and self._flat is not None:
            n_first = _n_first(self._flat.n_kept)
            found = [
                self._flat.cascade(features[span], n_first, max(_n_judged(depth, span.stop - span.start), 1))
                for span, depth in zip(spans, depths, strict=True)
            ]
            return found[0] if len(found) == 1 else np.concatenate([*found, np.empty(0, np.float32)])
        scores = self._sum(FIRST, features)
        lines = [_judged(scores[span], depth) + span.start for span, depth in zip(spans, depths, strict=True)]
        judged = np.concatenate(lines) if lines else np.empty(0, np.intp)
        whole = scores.copy()
        for part in self._beside_first:
            whole[judged] += self._sum(part, features[judged])
        for span, mine in zip(spans, lines, strict=True):
            if span.stop - span.start > len(mine):
                rest = np.ones(span.stop - span.start, bool)
                rest[mine - span.start] = False
                _put_below(whole[span], rest, whole[mine].min())
        return whole

    @property
    def _beside_first(self) -> list[int]:
        return [part for part in self._graphs if part != FIRST]

    def _sum(self, part: int, features: Floats) -> Floats:
        if compiled is not None and self._flat is not None:
            n_kept = self._flat.n_kept
            begins = {FIRST: 0, OTHERS: _n_first(n_kept), NEWEST: n_kept, NEWEST + 1: len(self._flat)}
            return self._flat.sums(features, begins[part], begins[part + 1])
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


def _judged(first: Floats, depth: int | None) -> npt.NDArray[np.intp]:
    """Which of a request's candidates all trees look at, given what the first trees say; shape `(J,)`."""
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
