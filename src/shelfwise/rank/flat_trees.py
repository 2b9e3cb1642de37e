"""Boosted trees as arrays, in the form in which a kernel scores many candidates at once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from shelfwise.kernels import compiled
from shelfwise.schemas.ids import Floats, Rows

FILE = "flat-trees.npz"
MOST_LEAVES = 32
"""A candidate's leaves of one tree are the bits of one number."""

ALL = np.uint32(2**32 - 1)


@dataclass(frozen=True, slots=True)
class FlatTrees:
    """Trees of at most 32 leaves, which are numbered from left to right.

    A comparison is `feature <= threshold`; where it is false, the leaves of the node's left half are out. The first
    leaf that no node of a tree puts out is the candidate's.

    Attributes:
        thresholds: Of each node; shape `(M,)`.
        columns: The feature that each node compares; `~column` where one that is not known counts as larger than
            the threshold, else it counts as smaller; shape `(M,)`.
        kept: Bits of the leaves that are left where the comparison is false; shape `(M,)`.
        starts: Nodes of tree `t` are `[starts[t], starts[t + 1])`; shape `(T + 1,)`.
        leaves: What each leaf adds; shape `(T, 32)`.

    Source:
        Lucchese et al. (2015), QuickScorer: A Fast Algorithm to Rank Documents with Additive Ensembles of Regression
        Trees; all nodes are asked, in no order, since sixteen candidates are compared at once.
    """

    thresholds: Floats
    columns: Rows
    kept: npt.NDArray[np.uint32]
    starts: npt.NDArray[np.int64]
    leaves: Floats

    @classmethod
    def of(cls, booster: Any) -> Self | None:
        """The trees of a LightGBM booster; None where some have more leaves, or nodes of another kind.

        Their scores are the booster's raw ones: a threshold in single precision is the largest that is no larger than
        the booster's, so that single features compare alike.
        """
        trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
        flat = [_flat(tree) for tree in trees]
        starts, leaves = np.zeros(len(trees) + 1, np.int64), np.zeros((len(trees), MOST_LEAVES), np.float32)
        nodes: list[tuple[np.float32, int, np.uint32]] = []
        for number, one in enumerate(flat):
            if one is None:
                return None
            of_tree, values = one
            # Whoever is not known goes left in one part of the nodes and right in the other: fewer changes between.
            nodes += sorted(of_tree, key=lambda node: node[1] < 0)
            starts[number + 1] = len(nodes)
            leaves[number, : len(values)] = values
        return cls(
            np.array([node[0] for node in nodes], np.float32),
            np.array([node[1] for node in nodes], np.int32),
            np.array([node[2] for node in nodes], np.uint32),
            starts,
            leaves,
        )

    def __len__(self) -> int:
        return len(self.leaves)

    def sums(self, features: Floats, begin: int, end: int, lanes: int = 0) -> Floats:
        """The sum of the trees from `begin` up to `end` for each candidate; shapes `(N, F)` and `(N,)`.

        Args:
            lanes: Of the processor's registers that are used, 4, 8 or 16; 0: of the widest. Sums are the same.

        Raises:
            RuntimeError: the kernels are not compiled.
            ValueError: this processor has no registers of so many lanes.
        """
        if compiled is None:
            raise RuntimeError("the kernels are not compiled")
        return compiled.sum_of_trees(np.ascontiguousarray(features, np.float32), *self._arrays(), begin, end, lanes)

    def cascade(self, features: Floats, n_first: int, n_judged: int) -> Floats:
        """Scores of one request's candidates, of which all trees judge those that the first trees like best.

        Args:
            features: Shape `(N, F)`.
            n_first: Trees that judge every candidate.
            n_judged: Candidates that all trees judge, at least 1.

        Returns:
            Shape `(N,)`, see `TreeCascade.by_request`.

        Raises:
            RuntimeError: the kernels are not compiled.
        """
        if compiled is None:
            raise RuntimeError("the kernels are not compiled")
        return compiled.cascade(np.ascontiguousarray(features, np.float32), *self._arrays(), n_first, n_judged)

    def _arrays(self) -> tuple[Floats, Rows, npt.NDArray[np.uint32], npt.NDArray[np.int64], Floats]:
        return self.thresholds, self.columns, self.kept, self.starts, self.leaves

    def save(self, folder: Path) -> None:
        """Write one file."""
        np.savez(folder / FILE, **{one.name: getattr(self, one.name) for one in fields(self)})

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read what `save` wrote; None where an earlier release wrote none."""
        if not (folder / FILE).is_file():
            return None
        with np.load(folder / FILE) as arrays:
            return cls(*(np.ascontiguousarray(arrays[one.name]) for one in fields(cls)))


def _flat(root: dict[str, Any]) -> tuple[list[tuple[np.float32, int, np.uint32]], list[float]] | None:
    """A tree's nodes as threshold, column and leaves kept, and its leaves' values from left to right."""
    nodes: list[tuple[np.float32, int, np.uint32]] = []
    values: list[float] = []

    def walked(node: dict[str, Any]) -> bool:
        if "leaf_value" in node:
            values.append(float(node["leaf_value"]))
            return True
        # What counts as missing beside NaN would have to be told apart: LightGBM does so where asked only.
        if node["decision_type"] != "<=" or node["missing_type"] == "Zero":
            return False
        first = len(values)
        if not walked(node["left_child"]) or len(values) > MOST_LEAVES:
            return False
        of_left = np.uint32((1 << len(values)) - (1 << first))
        threshold = float(node["threshold"])
        # Where no feature of the training was missing, what is not known counts as 0.
        goes_left = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0
        column = int(node["split_feature"])
        nodes.append((_at_most(threshold), column if goes_left else ~column, ALL & ~of_left))
        return walked(node["right_child"])

    return (nodes, values) if walked(root) and len(values) <= MOST_LEAVES else None


def _at_most(threshold: float) -> np.float32:
    """The largest number of single precision that is no larger."""
    with np.errstate(over="ignore"):
        nearest = np.float32(threshold)
    return np.nextafter(nearest, np.float32(-np.inf)) if float(nearest) > threshold else nearest
