"""Candidates put into words: what a slate says of each of its items."""

from __future__ import annotations

from collections.abc import Sequence

from shelfwise.pipeline.funnel import Ranked
from shelfwise.pipeline.live_catalogue import LiveCatalogue
from shelfwise.pipeline.model import Model
from shelfwise.pipeline.reasons import reasons, sources_of
from shelfwise.pipeline.slate_steps import Made
from shelfwise.schemas.candidates import Candidates, Situation
from shelfwise.schemas.ids import Rows
from shelfwise.schemas.queries import SlateItem


class Wording:
    """Titles, positions and reasons for rows and scores."""

    def __init__(self, model: Model, catalogue: LiveCatalogue) -> None:
        self._model = model
        self._catalogue = catalogue

    def made(self, made: Made, situation: Situation, k: int) -> list[SlateItem]:
        """What a place's steps made, with what they say of each item."""
        return self._items(made.ranked, situation, k, made.steps, made.propensities)

    def ranked(self, ranked: Ranked, situation: Situation, k: int) -> list[SlateItem]:
        """The first `k` of what the ranker ordered."""
        n = min(k, len(ranked.rows))
        return self._items(ranked, situation, k, [[]] * n, [None] * n)

    def _items(
        self,
        ranked: Ranked,
        situation: Situation,
        k: int,
        steps: Sequence[list[str]],
        propensities: Sequence[float | None],
    ) -> list[SlateItem]:
        rows = ranked.rows[:k]
        sources = sources_of(ranked.merged, ranked.places[:k])
        objectives = self._model.funnel.ranker.objectives
        return [
            SlateItem(
                item_id=self._catalogue.item_ids[row],
                position=position,
                score=score,
                title=self._catalogue.titles[row],
                sources=named_by,
                reason=why,
                predictions=dict(zip(objectives, told, strict=False)),
                steps=changed_by,
                propensity=propensity,
            )
            for position, (row, score, named_by, why, told, changed_by, propensity) in enumerate(
                zip(
                    rows.tolist(),
                    ranked.scores[:k].tolist(),
                    sources,
                    self._reasons(rows, sources, situation),
                    ranked.predictions[:k].tolist(),
                    steps,
                    propensities,
                    strict=True,
                ),
                start=1,
            )
        ]

    def named(self, found: Candidates, source: str, k: int, situation: Situation) -> list[SlateItem]:
        """The first `k` of what one retriever named."""
        rows = found.rows[:k]
        why = self._reasons(rows, [[source]] * len(rows), situation)
        return [
            SlateItem(
                item_id=self._catalogue.item_ids[row],
                position=position,
                score=score,
                title=self._catalogue.titles[row],
                sources=[source],
                reason=said,
            )
            for position, (row, score, said) in enumerate(
                zip(rows.tolist(), found.scores[:k].tolist(), why, strict=True), start=1
            )
        ]

    def _reasons(self, rows: Rows, sources: Sequence[Sequence[str]], situation: Situation) -> list[str]:
        return reasons(
            rows,
            sources,
            situation,
            self._model.funnel,
            self._catalogue,
            only_purchases=self._model.only_purchases,
        )
