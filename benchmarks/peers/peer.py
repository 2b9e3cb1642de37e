"""What every model in the comparison offers, and what several of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sparse

from peers.exam import DAY_MS, Known, Questions
from peers.spent import Spent

Scores = npt.NDArray[np.floating[Any]]
Settings = dict[str, Any]
Axes = Mapping[str, Sequence[Any]]


class Peer(ABC):
    """Scores every item for every question. Made, fitted and asked in a process of its own.

    Attributes:
        environment: Name of the requirements file of its libraries; empty: that of Shelfwise itself.
        libraries: Whose versions the row states.
        asked_with: Settings that matter only when asking: changing them needs no new fit.
        has_silence: Whether a score of 0 or -inf means that the model has nothing to say of the item; popular items
            stand there in their order, below all others.
        answers_strangers: Whether it is asked by users without a known item too; the others leave them to popularity.
        reads_texts: Whether it needs the vectors of the shop's texts.
        n_trials: The most settings it may be tried with; None: what the budget allows.
    """

    environment: ClassVar[str] = ""
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy")
    asked_with: ClassVar[frozenset[str]] = frozenset()
    has_silence: ClassVar[bool] = False
    answers_strangers: ClassVar[bool] = False
    reads_texts: ClassVar[bool] = False
    n_trials: ClassVar[int | None] = None

    def __init__(self, settings: Settings, seed: int) -> None:
        self.settings = settings
        self.seed = seed

    @classmethod
    @abstractmethod
    def axes(cls, known: Known, data: str) -> Axes:
        """What is tuned: for each setting its values, the one to start from first; the most important setting first."""

    @classmethod
    def matters(cls, name: str, settings: Settings) -> bool:
        """Whether a setting makes a difference beside the others."""
        return True

    @abstractmethod
    def fit(self, known: Known, validation: Questions | None) -> None:
        """Learn.

        Args:
            validation: To stop early by; None where all settings are final.
        """

    @abstractmethod
    def scores(self, questions: Questions) -> Scores:
        """Higher is better, -inf for what is not ranked; shape `(B, n_items)`."""

    def found(self) -> Settings:
        """Settings that fitting found by itself, to be kept when it is fitted again without validation."""
        return {}

    def encoded(self) -> Spent:
        """What encoding the shop's texts took, once for all models and seeds that read them."""
        return Spent()

    def note(self) -> str:
        """What a reader of the row must know; empty if nothing."""
        return ""


def popularity(known: Known, half_life_d: float | None) -> npt.NDArray[np.float64]:
    """Events by item, those of `half_life_d` days ago counting half; shape `(n_items,)`."""
    weights = None if half_life_d is None else freshness(known.past.times_ms, known.now_ms, half_life_d)
    return np.bincount(known.past.item_rows, weights, minlength=known.n_items).astype(np.float64)


def freshness(times_ms: npt.NDArray[Any], now_ms: Any, half_life_d: float) -> npt.NDArray[np.float64]:
    """1 for now, a half for `half_life_d` days ago."""
    return np.exp2((times_ms - now_ms) / DAY_MS / half_life_d)


def user_items(known: Known, half_life_d: float | None = None, *, counted: bool = False) -> sparse.csr_matrix:
    """What each user turned to; shape `(n_users, n_items)`.

    Args:
        half_life_d: Events so old count half; None: all count alike.
        counted: Whether an item that a user turned to again counts more, by the logarithm.
    """
    past = known.past
    weights = (
        np.ones(len(past), np.float64) if half_life_d is None else freshness(past.times_ms, known.now_ms, half_life_d)
    )
    matrix = sparse.csr_matrix((weights, (past.user_rows, past.item_rows)), shape=(known.n_users, known.n_items))
    matrix.sum_duplicates()
    if counted:
        matrix.data = np.log1p(matrix.data)
    elif half_life_d is None:
        matrix.data[:] = 1.0
    return matrix.astype(np.float32)


def histories(questions: Questions, n_items: int, decay: float = 1.0) -> sparse.csr_matrix:
    """What each question knows of its user; shape `(B, n_items)`.

    Args:
        decay: Weight of a moment relative to the next one; a moment is a distinct time, so that the lines of one
            invoice count alike. An item that comes twice counts twice.
    """
    lines = questions.lines()
    weights = np.ones(len(lines), np.float32)
    if decay < 1.0 and len(lines):
        is_new = np.ones(len(lines), bool)
        is_new[1:] = (questions.times_ms[1:] != questions.times_ms[:-1]) | (lines[1:] != lines[:-1])
        moment = np.cumsum(is_new)
        last = moment[questions.starts[lines + 1] - 1]
        weights = (decay ** (last - moment)).astype(np.float32)
    matrix = sparse.csr_matrix((weights, (lines, questions.item_rows)), shape=(len(questions), n_items))
    matrix.sum_duplicates()
    return matrix


def with_own(scores: Scores, history: sparse.csr_matrix, own: float) -> Scores:
    """Add the user's own items, `own` times the row's best score for the one that counts most."""
    if own > 0:
        history = history.tocoo()
        most = np.maximum(history.max(axis=1).toarray().ravel(), 1e-9)
        best = scores.max(axis=1)
        scores[history.row, history.col] += own * best[history.row] * history.data / most[history.row]
    return scores
