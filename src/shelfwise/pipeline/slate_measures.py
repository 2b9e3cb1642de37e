"""What a slate of some candidates is expected to bring, how much of their order it keeps, how varied it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from shelfwise.metrics import intra_list_distance
from shelfwise.pipeline.balance import Values
from shelfwise.pipeline.funnel import Funnel, Ranked
from shelfwise.rerank.listed import ItemFacts
from shelfwise.rerank.relevance import relevance
from shelfwise.schemas.ids import Floats, Rows


@dataclass(frozen=True, slots=True)
class SlateMeasures:
    """Measures of slates that are chosen from the same candidates.

    Attributes:
        values: What each candidate is expected to bring, in their order; no names where nothing is predicted.
    """

    values: Values
    _place_by_row: dict[int, int]
    _relevance: Floats
    _facts: ItemFacts

    @classmethod
    def of(cls, ranked: Ranked, funnel: Funnel, facts: ItemFacts) -> Self:
        """From candidates in the order that counts as the most relevant."""
        n_objectives = ranked.predictions.shape[1]
        prices = np.exp(funnel.state.log_price[ranked.rows])
        values = Values.of(funnel.ranker.objectives[:n_objectives], ranked.predictions, prices)
        places = {int(row): place for place, row in enumerate(ranked.rows.tolist())}
        return cls(values, places, relevance(len(ranked.rows)), facts)

    def expected(self, rows: Rows) -> dict[str, float]:
        """By objective, the sum over a slate."""
        sums = self.values.table[self._places(rows)].sum(axis=0)
        return dict(zip(self.values.names, sums.astype(float).tolist(), strict=True))

    def relevance(self, rows: Rows) -> float:
        """Share of what the first candidates are worth by their places, in [0, 1]; 1 for an empty slate."""
        most = float(self._relevance[: len(rows)].sum())
        return float(self._relevance[self._places(rows)].sum()) / most if most else 1.0

    def distance(self, rows: Rows) -> float | None:
        """Mean cosine distance within a slate, by texts, else by behaviour; None where neither is known."""
        vectors = self._facts.vectors.get("text") or self._facts.vectors.get("behaviour")
        if vectors is None or len(rows) < 2:
            return None
        return float(intra_list_distance(np.arange(len(rows))[None], vectors.take(rows)[0])[0])

    def _places(self, rows: Rows) -> Rows:
        return np.array([self._place_by_row[row] for row in rows.tolist()], np.int32)
