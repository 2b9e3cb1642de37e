"""The links of a FAISS graph, as the kernel reads them that searches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import faiss
import numpy as np
import numpy.typing as npt

from shelfwise.kernels import compiled
from shelfwise.schemas.ids import Floats, Rows


@dataclass(frozen=True, slots=True)
class GraphLinks:
    """Views of what an index holds, mapped where it is.

    Attributes:
        links: See `kernels._compiled.graph_search`, as the others.
        index: Lives as long as what is viewed.
    """

    links: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.uint64]
    levels: Rows
    entry: int
    index: Any

    @classmethod
    def of(cls, index: Any) -> Self | None:
        """The links of an `IndexHNSW`; None of one without items, or where the kernels are not compiled."""
        graph = index.hnsw
        if compiled is None or graph.entry_point < 0:
            return None
        n_levels = graph.max_level + 1
        levels = np.array([graph.cum_nb_neighbors(level) for level in range(n_levels + 1)], np.int32)
        return cls(_view(graph.neighbors).view(np.uint8), _view(graph.offsets), levels, int(graph.entry_point), index)

    def nearest(self, vectors: Any, question: Floats, effort: int, k: int) -> tuple[Rows, Floats]:
        """The `k` rows with the largest inner products, and these; shape `(k,)` or less each.

        Args:
            vectors: Of the index's items; shape `(n, D)`.
            question: Shape `(D,)`.
            effort: Nodes looked at, at least.
            k: Rows wanted.
        """
        if compiled is None:
            raise RuntimeError("the kernels are not compiled")
        return compiled.graph_search(
            self.links,
            self.offsets,
            self.levels,
            vectors,
            np.ascontiguousarray(question, np.float32),
            self.entry,
            max(effort, k),
            k,
        )


def _view(numbers: Any) -> Any:
    return faiss.rev_swig_ptr(numbers.data(), numbers.size())
