"""What can be turned about a place while it serves: what counts, how varied, what is tried, how long it takes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shelfwise.schemas.queries import Diversity, Exploration, Weights

AS_CONFIGURED = 0
"""The version of a place that stands as `shop.toml` has it."""


class ScenarioSettings(BaseModel):
    """Settings of a scenario that stand above its table of `shop.toml`; what is None stays as it is there."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"weights": {"click": 1, "purchase": 6}, "diversity": 0.3}]},
    )

    weights: Weights | None = Field(
        default=None, description="What one click, purchase, … is worth; {}: what training found to order best."
    )
    diversity: Diversity | None = Field(
        default=None, description="From 0, by relevance alone, to 1; 'auto': by how varied the user's own history is."
    )
    exploration: Exploration | None = Field(
        default=None, description="Share of a slate's positions that are tried out."
    )
    latency_budget_ms: float | None = Field(
        default=None,
        ge=0,
        le=60_000,
        description=(
            "Time that a server may take for an answer here before it leaves parts out and says so; 0: as long as it "
            "takes."
        ),
    )

    @model_validator(mode="after")
    def _something_counts(self) -> Self:
        if self.weights and not any(self.weights.values()):
            raise ValueError("all weights are 0: name one above 0, or leave `weights` out")
        return self

    @property
    def is_empty(self) -> bool:
        """Whether everything stays as `shop.toml` has it."""
        return self == ScenarioSettings()

    def as_document(self) -> dict[str, Any]:
        """As plain JSON, without what stays as it is."""
        return self.model_dump(mode="json", exclude_none=True)


class SettingsNow(BaseModel):
    """What counts, whoever said so; null where the place cannot do it."""

    weights: dict[str, float] = Field(description="By objective; empty where the list is not ordered by predictions.")
    diversity: Diversity | None
    exploration: float | None


class PlaceNow(SettingsNow):
    """What counts in a place, and how long an answer may take."""

    latency_budget_ms: float = Field(description="Milliseconds; 0: as long as it takes.")


class SettingsVersion(BaseModel):
    """One version of a scenario's settings."""

    version: int
    scenario: str
    at: datetime
    author: str
    note: str
    restores: int | None = Field(description="The version that was gone back to, 0 for shop.toml; null: new settings.")
    settings: ScenarioSettings


class ScenarioAnswer(BaseModel):
    """A place of the shop as it is set now."""

    scenario: str
    version: int = Field(description="Of its settings; 0 as long as shop.toml alone counts.")
    at: datetime | None = None
    author: str | None = None
    note: str | None = None
    settings: ScenarioSettings = Field(description="What was chosen above shop.toml.")
    now: PlaceNow = Field(description="What counts, whoever said so; null where the place cannot do it.")
    k: int
    needs: list[str] = Field(description="What a request must name.")
    answer: str = Field(description="What it lists: items, brands or offers.")
    order: str = Field(description="Who orders: the ranker or the retrievers.")


class ScenariosAnswer(BaseModel):
    """All places, in the order of shop.toml."""

    scenarios: list[ScenarioAnswer]


class SettingsHistory(BaseModel):
    """All versions of one scenario's settings, newest first."""

    versions: list[SettingsVersion]
