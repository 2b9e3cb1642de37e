"""A query and the slate that answers it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from shelfwise.schemas.events import MAX_ID_CHARS

MAX_K = 500


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


class SlateItem(BaseModel):
    """One item of an answer."""

    model_config = ConfigDict(frozen=True)

    item_id: str
    position: int = Field(description="1-based.")
    score: float = Field(description="The ranker's score; comparable within one slate only.")
    title: str | None
    sources: list[str] = Field(description="Retrievers that named the item, strongest first.")
    reason: str = Field(description="Why, in words that the catalogue and the user's events support.")


class Slate(BaseModel):
    """The ordered answer to a query."""

    model_config = ConfigDict(frozen=True)

    slate_id: str = Field(description="Send it back with events, so that they are attributed.")
    scenario: str
    model_version: str
    items: list[SlateItem]
    degraded: list[str] = Field(description="What could not be done as configured, and why; empty when all is well.")
