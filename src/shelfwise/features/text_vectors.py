"""Whitened text vectors by row: those of the model version, memory-mapped, and those that came while serving."""

from __future__ import annotations

from typing import Any

import numpy as np

from shelfwise.kernels import compiled
from shelfwise.schemas.ids import Bools, Floats, Rows

HALF_FROM = 20_000
"""Items from which vectors are kept in half precision: half the memory, and answers differ by nothing that counts."""


def as_kept(vectors: Floats) -> Any:
    """Vectors as a model version keeps them; shape `(n, D)`, float16 where they are many, else float32."""
    return vectors.astype(np.float16) if len(vectors) > HALF_FROM else vectors.astype(np.float32, copy=False)


def is_plain(vectors: Any) -> bool:
    """Whether kernels can read vectors where they lie."""
    return vectors.dtype in (np.float16, np.float32) and bool(vectors.flags.c_contiguous and vectors.flags.aligned)


class TextVectors:
    """A table of vectors that can be looked up by row and added to.

    Args:
        base: Of the model version, in half or single precision; shape `(n, dim)`. What is looked up is single.
    """

    def __init__(self, base: Floats) -> None:
        self.base = base
        self._is_plain = is_plain(base)
        self._fresh: dict[int, Floats] = {}

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.base.shape[1])

    def put(self, row: int, vector: Floats) -> None:
        """Add a vector, or replace that of a row; 0 takes it away; shape `(dim,)`."""
        self._fresh[row] = vector

    def take(self, rows: Rows) -> tuple[Floats, Bools]:
        """Vectors of rows, and which of them are known; shapes `(N, dim)` and `(N,)`; unknown ones are 0."""
        known = rows < len(self.base)
        vectors = self.base[np.where(known, rows, 0)].astype(np.float32, copy=False)
        if not known.all():
            vectors[~known] = 0
        if self._fresh:
            for place, row in enumerate(rows.tolist()):
                fresh = self._fresh.get(row)
                if fresh is not None:
                    vectors[place], known[place] = fresh, True
        return vectors, known

    def products(self, rows: Rows, questions: Floats) -> tuple[Floats, Bools]:
        """Inner products of rows' vectors with questions, and which rows have a vector.

        Args:
            rows: Shape `(N,)`.
            questions: Shape `(Q, dim)`.

        Returns:
            Shapes `(N, Q)` and `(N,)`; 0 for a row without a vector.
        """
        if compiled is None or not self._is_plain:
            vectors, known = self.take(rows)
            return vectors @ questions.T, known
        known = rows < len(self.base)
        found = compiled.products(self.base, rows, np.ascontiguousarray(questions, np.float32))
        if self._fresh:
            for place, row in enumerate(rows.tolist()):
                fresh = self._fresh.get(row)
                if fresh is not None:
                    found[place], known[place] = questions @ fresh, True
        return found, known
