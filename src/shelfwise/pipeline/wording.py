"""Candidates put into words: what a slate says of each of its items."""

from __future__ import annotations

from shelfwise.pipeline.funnel import Ranked
from shelfwise.pipeline.live_catalogue import LiveCatalogue
from shelfwise.pipeline.model import Model
from shelfwise.pipeline.reasons import reason, sources_of
from shelfwise.pipeline.slate_steps import Made
from shelfwise.schemas.candidates import Candidates, Situation
from shelfwise.schemas.queries import SlateItem


class Wording:
    """Titles, positions and reasons for rows and scores."""

    def __init__(self, model: Model, catalogue: LiveCatalogue) -> None:
        self._model = model
        self._catalogue = catalogue

    def made(self, made: Made, situation: Situation, k: int) -> list[SlateItem]:
        """What a place's steps made, with what they say of each item."""
        items = self.ranked(made.ranked, situation, k)
        return [
            item.model_copy(update={"steps": steps, "propensity": propensity})
            if steps or propensity is not None
            else item
            for item, steps, propensity in zip(items, made.steps, made.propensities, strict=True)
        ]

    def ranked(self, ranked: Ranked, situation: Situation, k: int) -> list[SlateItem]:
        """The first `k` of what the ranker ordered."""
        items: list[SlateItem] = []
        for position, (row, score, place, told) in enumerate(
            zip(
                ranked.rows[:k].tolist(),
                ranked.scores[:k].tolist(),
                ranked.places[:k].tolist(),
                ranked.predictions[:k].tolist(),
                strict=True,
            ),
            start=1,
        ):
            sources = sources_of(ranked.merged, place)
            items.append(
                SlateItem(
                    item_id=self._catalogue.item_ids[row],
                    position=position,
                    score=score,
                    title=self._catalogue.titles[row],
                    sources=sources,
                    reason=self._reason(row, sources, situation),
                    predictions=dict(zip(self._model.funnel.ranker.objectives, told, strict=False)),
                )
            )
        return items

    def named(self, found: Candidates, source: str, k: int, situation: Situation) -> list[SlateItem]:
        """The first `k` of what one retriever named."""
        return [
            SlateItem(
                item_id=self._catalogue.item_ids[row],
                position=position,
                score=score,
                title=self._catalogue.titles[row],
                sources=[source],
                reason=self._reason(row, [source], situation),
            )
            for position, (row, score) in enumerate(
                zip(found.rows[:k].tolist(), found.scores[:k].tolist(), strict=True), start=1
            )
        ]

    def _reason(self, row: int, sources: list[str], situation: Situation) -> str:
        return reason(
            row,
            sources,
            situation,
            self._model.funnel,
            self._catalogue,
            only_purchases=self._model.only_purchases,
        )
