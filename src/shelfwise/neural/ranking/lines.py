"""What the ranking network learns from: candidates below each other, each with what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from shelfwise.schemas.ids import Floats, Rows

MS_PER_MINUTE = 60_000
ABSENT = -1
"""In a history's rows: there was no further event."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Candidates of many requests. N candidates, B requests, T events, K objectives.

    Attributes:
        features: What the ranker is told of each; NaN where not known; shape `(N, F)`.
        outcomes: 1 or 0, seconds, NaN where nobody knows; shape `(N, K)`.
        weights: How many candidates each stands for: those drawn for many count for all of them; shape `(N,)`.
        rows: Item of each; shape `(N,)`.
        positions: Place in the list that was shown, from 1 on; 0 where none was logged; shape `(N,)`.
        starts: Where each request's candidates start; shape `(B + 1,)`.
        contexts: What else is known of each request, see `features.context_features`; shape `(B, C)`.
        scenarios: Code of each request's scenario; shape `(B,)`.
        history_rows: Latest events of each request's user, oldest first, `ABSENT` before the first; shape `(B, T)`.
        history_kinds: Their kinds' codes; shape `(B, T)`.
        history_minutes: How long before the request; shape `(B, T)`.
        vectors: Of all items, by row; shape `(n_items, D)`; D is 0 where items have none.
        item_names: Codes of the names of all items, 0 for none; shape `(n_items, M)`; empty where none are told.
    """

    features: Floats
    outcomes: Floats
    weights: Floats
    rows: Rows
    positions: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    contexts: Floats
    scenarios: npt.NDArray[np.int64]
    history_rows: Rows
    history_kinds: npt.NDArray[np.int64]
    history_minutes: Floats
    vectors: Floats
    item_names: Rows = field(default_factory=lambda: np.empty((0, 0), np.int32))

    def __len__(self) -> int:
        return len(self.scenarios)

    def candidates_of(self, requests: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Lines of the candidates of some requests, in their order, and whose each is: a place in `requests`."""
        lengths = self.starts[requests + 1] - self.starts[requests]
        owners = np.repeat(np.arange(len(requests)), lengths)
        firsts = np.repeat(self.starts[requests] - np.cumsum(lengths) + lengths, lengths)
        return np.arange(int(lengths.sum())) + firsts, owners
