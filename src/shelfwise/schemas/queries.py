"""A query and the slate that answers it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shelfwise.schemas.events import MAX_ID_CHARS

MAX_K = 500
MAX_OBJECTIVES = 20

Weights = Annotated[
    dict[str, Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]], Field(max_length=MAX_OBJECTIVES)
]
"""How much one happening of each objective is worth; who is not named is worth nothing."""

Floors = Annotated[
    dict[str, Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]], Field(max_length=MAX_OBJECTIVES)
]
"""Shares of the best attainable that a slate has to bring of an objective."""


class Query(BaseModel):
    """One request: who asks, in which place of the shop, for how many items."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user_id: str | None = Field(default=None, min_length=1, max_length=MAX_ID_CHARS)
    session_id: str | None = Field(
        default=None, min_length=1, max_length=MAX_ID_CHARS, description="Names a visitor without user_id."
    )
    scenario: str = Field(default="home", max_length=MAX_ID_CHARS)
    k: int | None = Field(default=None, ge=1, le=MAX_K, description="Items wanted; the scenario's where omitted.")
    items: list[str] = Field(
        default_factory=list[str], max_length=100, description="Context: the item looked at, the cart."
    )
    exclude: list[str] = Field(default_factory=list[str], max_length=1_000, description="Items never to show.")
    category: str | None = Field(default=None, max_length=1_000, description="Only items under this category path.")
    weights: Weights = Field(
        default_factory=dict[str, float],
        description="What one click, purchase, … is worth to this request; the scenario's where omitted.",
    )
    floors: Floors = Field(
        default_factory=dict[str, float],
        description="Shares of the best attainable: {'purchase': 0.95} gives up 5 % of the expected purchases at most.",
    )

    @field_validator("weights")
    @classmethod
    def _something_counts(cls, weights: dict[str, float]) -> dict[str, float]:
        if weights and not any(weights.values()):
            raise ValueError("all weights are 0: name one above 0, or leave `weights` out")
        return weights


class SlateItem(BaseModel):
    """One item of an answer."""

    model_config = ConfigDict(frozen=True)

    item_id: str
    position: int = Field(description="1-based.")
    score: float = Field(description="The ranker's score; comparable within one slate only.")
    title: str | None
    sources: list[str] = Field(description="Retrievers that named the item, strongest first.")
    reason: str = Field(description="Why, in words that the catalogue and the user's events support.")
    predictions: dict[str, float] = Field(
        default_factory=dict[str, float],
        description="By objective: the probability that it happens if the item is shown, or the seconds expected.",
    )


class Expected(BaseModel):
    """What a slate is expected to bring of one objective, the sum over its items."""

    model_config = ConfigDict(frozen=True)

    value: float = Field(description="Of this slate: clicks, purchases, seconds, money.")
    by_default: float = Field(description="Of the slate that the shop's own weights would have shown.")
    best: float = Field(description="The most that any slate of the candidates would bring of this objective alone.")


class Slate(BaseModel):
    """The ordered answer to a query."""

    model_config = ConfigDict(frozen=True)

    slate_id: str = Field(description="Send it back with events, so that they are attributed.")
    scenario: str
    model_version: str
    items: list[SlateItem]
    expected: dict[str, Expected] = Field(
        default_factory=dict[str, Expected], description="By objective: the trade-off that this slate makes."
    )
    degraded: list[str] = Field(description="What could not be done as configured, and why; empty when all is well.")
