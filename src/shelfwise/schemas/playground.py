"""A query that is only tried: another slate beside the place's own, what moved, and what is possible."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shelfwise.schemas.events import MAX_ID_CHARS, POSITIVE_KINDS, EventKind
from shelfwise.schemas.queries import Exploration, Query, SlateItem
from shelfwise.schemas.scenario_settings import SettingsNow

MAX_HISTORY = 200

RELEVANCE, DISTANCE = "relevance", "distance"
"""Measures that every slate has, beside what is expected of it."""


class PlayedEvent(BaseModel):
    """One thing that a made-up shopper did."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    item_id: Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARS)]
    event: EventKind = Field(default=EventKind.CLICK, description="Of those that show interest in an item.")

    @model_validator(mode="after")
    def _shows_interest(self) -> Self:
        if self.event not in POSITIVE_KINDS:
            raise ValueError(f"{self.event.value!r} shows no interest; one of {', '.join(POSITIVE_KINDS)} does")
        return self


class PlaygroundQuery(BaseModel):
    """A query, for a user of the shop or for somebody who is made up; its weights and diversity are what is tried."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"query": {"user_id": "customer-42", "diversity": 0.5}},
                {"query": {"scenario": "home"}, "history": [{"item_id": "mug-red", "event": "purchase"}]},
            ]
        },
    )

    query: Query = Query()
    history: Annotated[list[PlayedEvent], Field(max_length=MAX_HISTORY)] | None = Field(
        default=None, description="What a made-up shopper did, oldest first; the query then names nobody."
    )
    exploration: Exploration | None = Field(
        default=None, description="Share of the positions that are tried out; the scenario's where omitted."
    )
    front: bool = Field(
        default=False, description="Whether to tell what other settings would bring, see `front` of the answer."
    )
    trade: list[Annotated[str, Field(max_length=MAX_ID_CHARS)]] = Field(
        default_factory=list[str],
        max_length=2,
        description="Two objectives whose weights the front varies; chosen by the model where omitted.",
    )

    @model_validator(mode="after")
    def _one_asker(self) -> Self:
        if self.history is not None and (self.query.user_id or self.query.session_id):
            raise ValueError("both a history and a user are named: leave one of them out")
        if len(self.trade) == 1 or len(set(self.trade)) < len(self.trade):
            raise ValueError("`trade` names two different objectives, or none")
        return self


class PlayedItem(SlateItem):
    """An item of one list, and where the other list has it."""

    elsewhere: int | None = Field(description="Its position in the other list; null where it is not in there.")
    category: str | None = None
    has_picture: bool = Field(default=False, description="Whether the model knows a picture of it.")


class PlayedSlate(BaseModel):
    """One of the two lists."""

    settings: SettingsNow
    items: list[PlayedItem]
    expected: dict[str, float] = Field(description="By objective, the sum over its items: clicks, seconds, money.")
    relevance: float = Field(
        description="Share that it keeps of the order by the scenario's own weights, the top counting most."
    )
    distance: float | None = Field(description="Mean cosine distance of its items, 0 alike to 1 unrelated.")


class Weighable(BaseModel):
    """An objective that can be weighed."""

    objective: str
    usual: float = Field(description="Its weight in the scenario's own setting.")
    unit: float = Field(
        description="A weight that means something: the usual one, or where that is 0, one at which it counts as much."
    )
    best: float = Field(description="The most that any slate of these candidates would bring of it.")
    measure: str = Field(description="'happens', 'seconds', or 'money'.")


class FrontPoint(BaseModel):
    """What one setting brings."""

    weights: dict[str, float]
    diversity: float | None
    x: float
    y: float
    is_on_front: bool = Field(description="Whether no other setting brings more on one axis and as much on the other.")


class Front(BaseModel):
    """What the settings of a grid would bring for this query; the candidates are those of the two lists."""

    x: str = Field(description="An objective, or 'distance'.")
    y: str = Field(description="An objective, or 'relevance'.")
    points: list[FrontPoint]


class PlaygroundAnswer(BaseModel):
    """The scenario's own list and the tried one, side by side."""

    scenario: str
    model_version: str
    settings_version: int = Field(description="Of the latest change of any scenario's settings.")
    usual: PlayedSlate = Field(description="As the scenario answers now.")
    tried: PlayedSlate = Field(description="As the query asks for.")
    left: list[str] = Field(description="Items that only the scenario's own list has.")
    weighable: list[Weighable] = Field(description="Empty where the list is not ordered by predictions.")
    trades_diversity: bool
    explores: bool
    front: Front | None = None
    degraded: list[str]
