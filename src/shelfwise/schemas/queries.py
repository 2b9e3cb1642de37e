"""A query and the slate that answers it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shelfwise.schemas.events import MAX_ID_CHARS

MAX_K = 500
MAX_OBJECTIVES = 20
MAX_FILTER_CHARS = 4_000

Weights = Annotated[
    dict[str, Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]], Field(max_length=MAX_OBJECTIVES)
]
"""How much one happening of each objective is worth; who is not named is worth nothing."""

Floors = Annotated[
    dict[str, Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]], Field(max_length=MAX_OBJECTIVES)
]
"""Shares of the best attainable that a slate has to bring of an objective."""

_ItemIdText = Annotated[str, Field(max_length=MAX_ID_CHARS)]


Diversity = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | Literal["auto"]
"""From 0, the ranker's own order, to 1, as varied as it gets; "auto": by how varied the user's own history is."""


Exploration = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
"""Share of a slate's positions that are tried out."""

Relation = Literal["alternatives", "complements"]
"""To the context items: what could be taken instead of them, or what is taken with them."""


class Query(BaseModel):
    """One request: who asks, in which place of the shop, for how many items."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"user_id": "customer-42", "scenario": "home", "k": 10},
                {"session_id": "b7f0", "scenario": "item", "items": ["mug-red"], "filter": "price < 20"},
            ]
        },
    )

    user_id: str | None = Field(default=None, min_length=1, max_length=MAX_ID_CHARS)
    session_id: str | None = Field(
        default=None, min_length=1, max_length=MAX_ID_CHARS, description="Names a visitor without user_id."
    )
    scenario: str = Field(default="home", max_length=MAX_ID_CHARS)
    k: int | None = Field(default=None, ge=1, le=MAX_K, description="Items wanted; the scenario's where omitted.")
    items: list[_ItemIdText] = Field(
        default_factory=list[str], max_length=100, description="Context: the item looked at, the cart."
    )
    exclude: list[_ItemIdText] = Field(default_factory=list[str], max_length=1_000, description="Items never to show.")
    device: str | None = Field(
        default=None,
        max_length=MAX_ID_CHARS,
        description="What the shopper holds: desktop, mobile, tablet, tv; what else is said counts as other.",
    )
    category: str | None = Field(default=None, max_length=1_000, description="Only items under this category path.")
    weights: Weights = Field(
        default_factory=dict[str, float],
        description="What one click, purchase, … is worth to this request; the scenario's where omitted.",
    )
    floors: Floors = Field(
        default_factory=dict[str, float],
        description="Shares of the best attainable: {'purchase': 0.95} gives up 5 % of the expected purchases at most.",
    )
    diversity: Diversity | None = Field(
        default=None,
        description=(
            "0: by relevance alone, 1: as varied as the candidates allow, 'auto': by how varied the user's own history "
            "is; what the place's rerankers are set to where omitted."
        ),
    )
    brand: str | None = Field(
        default=None, min_length=1, max_length=MAX_ID_CHARS, description="Only items of this brand, as spelled there."
    )
    region: str | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_ID_CHARS,
        description="Whose trends: a region as the users' attribute spells it; the user's own where omitted.",
    )
    filter: str | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_FILTER_CHARS,
        description="Only items of which this condition is true, as in 'price < 20 and not colour = \"red\"'.",
    )
    relation: Relation | None = Field(
        default=None,
        description="Only alternatives to the context items (of the same kind), or only complements (of another kind).",
    )
    bundle: bool = Field(
        default=False, description="Sets of items that go together and with the context items, k of them at most."
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
    score: float = Field(
        description="The ranker's score, or that of whoever orders the place's items; comparable within one slate only."
    )
    title: str | None
    sources: list[str] = Field(description="Retrievers that named the item, strongest first.")
    reason: str = Field(description="Why, in words that the catalogue and the user's events support.")
    predictions: dict[str, float] = Field(
        default_factory=dict[str, float],
        description="By objective: the probability that it happens if the item is shown, or the seconds expected.",
    )
    steps: list[str] = Field(
        default_factory=list[str],
        description="What put it here and not where the ranker had it: a sentence of each of the place's rerankers.",
    )
    propensity: float | None = Field(
        default=None, description="The chance with which it came to this position, where that was drawn."
    )


class Expected(BaseModel):
    """What a slate is expected to bring of one objective, the sum over its items."""

    model_config = ConfigDict(frozen=True)

    value: float = Field(description="Of this slate: clicks, purchases, seconds, money.")
    by_default: float = Field(description="Of the slate that the shop's own weights would have shown.")
    best: float = Field(description="The most that any slate of the candidates would bring of this objective alone.")


class Bundle(BaseModel):
    """Items that go together, and with the context items; no two of the same kind."""

    model_config = ConfigDict(frozen=True)

    position: int = Field(description="1-based.")
    score: float = Field(
        description=(
            "Joint score: the mean, over all pairs within the set and with the context items, of the logarithm of how "
            "much oftener than by chance they are bought together."
        )
    )
    items: list[SlateItem] = Field(description="What goes best with the context items first.")


class BrandEntry(BaseModel):
    """One brand of an answer."""

    model_config = ConfigDict(frozen=True)

    brand: str
    position: int = Field(description="1-based.")
    score: float = Field(description="The brand's share of the attention that the user's own order of items gives.")
    reason: str = Field(description="Why, in words that the catalogue and the user's events support.")
    items: list[SlateItem] = Field(description="Its best items for the user.")


class OfferEntry(BaseModel):
    """One offer of an answer, with what the shop expects of it."""

    model_config = ConfigDict(frozen=True)

    offer: str = Field(description="Its name in offers.toml.")
    position: int = Field(description="1-based.")
    chance: float = Field(description="That the user buys of its items while it holds; see `chance_of`.")
    chance_of: Literal["answering", "buying"] = Field(
        description=(
            "answering: learned from what was answered to earlier offers. buying: whether the offer is made or not. "
            "Neither is how much more is bought because of it."
        )
    )
    cost: float = Field(description="Expected, in money: what is let off by that chance, and the sending.")
    gain: float = Field(
        description="Expected, in money: the margin less what is let off by that chance, less the sending."
    )
    discount: float | None = Field(description="Share of the price that is let off.")
    amount_off: float | None = Field(description="Money that is let off each answer, in its place.")
    until: datetime | None = Field(description="The moment at which it holds no more.")
    reason: str = Field(description="Why, in words that the catalogue and the user's events support.")
    items: list[SlateItem] = Field(description="Its best items for the user.")


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
    bundles: list[Bundle] = Field(
        default_factory=list[Bundle], description="Where the query asks for them: `items` is empty then."
    )
    brands: list[BrandEntry] = Field(
        default_factory=list[BrandEntry], description="Where the scenario answers with brands: `items` is empty then."
    )
    offers: list[OfferEntry] = Field(
        default_factory=list[OfferEntry], description="Where the scenario answers with offers: `items` is empty then."
    )
    degraded: list[str] = Field(description="What could not be done as configured, and why; empty when all is well.")
