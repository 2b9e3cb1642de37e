"""EASE: a linear autoencoder in closed form."""

from __future__ import annotations

import numpy as np
from scipy.linalg import get_lapack_funcs

from peers.exam import Known, Questions
from peers.peer import Axes, Peer, Scores, histories, user_items, with_own

SMALL = 8_000
"""Up to so many items the matrix is inverted in 64 bits."""

BLOCK = 512


class Ease(Peer):
    """`B = I - P / diag(P)` with `P = (X'X + ridge I)^-1`; scores are the weighted history times `B`.

    Source:
        Steck (2019), Embarrassingly Shallow Autoencoders for Sparse Data. Ours: later moments of a history count more.
    """

    asked_with = frozenset({"decay", "own"})

    @classmethod
    def axes(cls, known: Known, data: str) -> Axes:
        axes: dict[str, tuple[float | None, ...]] = {
            "ridge": (300.0, 100.0, 1_000.0),
            "decay": (0.85, 0.95, 1.0) if known.repeats else (0.7, 0.85, 0.5, 1.0),
            "own": (1.0, 3.0, 0.3) if known.repeats else (0.0,),
        }
        if known.has_clock:
            axes["half_life_d"] = (None, 90.0, 30.0)
        return axes

    def fit(self, known: Known, validation: Questions | None) -> None:
        x = user_items(known, self.settings.get("half_life_d"))
        gram = (x.T @ x).toarray().astype(np.float64 if known.n_items <= SMALL else np.float32)
        gram[np.diag_indices(len(gram))] += self.settings["ridge"]
        factor, invert = get_lapack_funcs(("potrf", "potri"), (gram,))
        # The matrix is symmetric, so its transpose is itself in the order that LAPACK works in, without a copy.
        lower, failed = factor(gram.T, lower=1, overwrite_a=1, clean=1)
        if failed:
            raise ArithmeticError(f"the Gram matrix has no Cholesky factor: LAPACK says {failed}")
        inverse, failed = invert(lower, lower=1, overwrite_c=1)
        if failed:
            raise ArithmeticError(f"the Gram matrix has no inverse: LAPACK says {failed}")
        for start in range(0, len(inverse), BLOCK):  # only the lower half was computed: mirror it
            lower = np.tril(inverse[start:, start : start + BLOCK])
            upper = lower.T.copy()
            upper[:, : len(upper)] += np.tril(lower[: len(upper)], -1)
            inverse[start : start + BLOCK, start:] = upper
        diagonal = np.diag(inverse).copy()
        inverse /= -diagonal
        inverse[np.diag_indices(len(inverse))] = 0.0
        # In rows: a sparse matrix times one in columns would copy it for every batch of questions.
        self._weights = np.ascontiguousarray(inverse, np.float32)

    def scores(self, questions: Questions) -> Scores:
        history = histories(questions, len(self._weights), self.settings["decay"])
        return with_own(np.asarray(history @ self._weights), history, self.settings["own"])
