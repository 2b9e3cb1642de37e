"""What is told of an item from all sides, and of what is wrong with a catalogue's data."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from shelfwise.schemas.items import Item


class Side(StrEnum):
    """By what items are compared."""

    TEXT = "text"
    PICTURE = "picture"
    BEHAVIOUR = "behaviour"


class FindingKind(StrEnum):
    """What is wrong, the gravest for recommending first."""

    NO_TITLE = "no_title"
    NOT_AVAILABLE = "not_available"
    DUPLICATE = "duplicate"
    """Title, description, brand and price of another item, and no group that both are variants of."""

    NO_PICTURE = "no_picture"
    PICTURE_MISSING = "picture_missing"
    """The item names a file that is not there, outside the shop's folders, or an address without a copy here."""

    PICTURE_UNREADABLE = "picture_unreadable"
    """The file is there, and is no picture in one of the formats that are opened."""

    NO_DESCRIPTION = "no_description"
    SHORT_DESCRIPTION = "short_description"
    NO_PRICE = "no_price"
    PRICE_OUTLIER = "price_outlier"
    """Far from what the category usually costs."""

    NO_CATEGORY = "no_category"
    LONE_CATEGORY = "lone_category"
    """A category that no other item has: often a slip of the pen."""


class NamedItem(BaseModel):
    """An item by its id and what it is called."""

    item_id: str
    title: str | None
    has_image: bool = Field(description="Whether it names a picture.")


class NeighbourAnswer(NamedItem):
    """An item that is near."""

    likeness: float = Field(description="Cosine, above 0; 1: the same.")


class PlaceAnswer(BaseModel):
    """How an item stands in one place of the shop."""

    scenario: str
    n_shown: int
    mean_position: float = Field(description="1-based.")
    outcomes: dict[str, int] = Field(
        description="By objective: in how many of those answers it happened with the item."
    )


class RateAnswer(BaseModel):
    """What was predicted of an item, and what came."""

    objective: str
    n: int = Field(description="Answers that came of.")
    actual: float | None = Field(description="Share of the answers that showed the item; null where none did.")
    low: float = Field(description="Start of the 95 % interval of the share.")
    high: float = Field(description="Its end.")
    predicted: float | None = Field(description="Mean of what the ranker expected; null where it predicts nothing.")
    n_predicted: int = Field(description="Answers of which the prediction was kept.")


class ShowingsAnswer(BaseModel):
    """How an item does where it is shown."""

    n_looked_through: int = Field(description="The latest answers that are kept, at most 20,000.")
    n_shown: int = Field(description="Those that showed the item, at most 2,000.")
    first_at: datetime | None
    last_at: datetime | None
    places: list[PlaceAnswer]
    positions: list[int] = Field(description="How often it stood first, second, …; behind the 20th counted together.")
    rates: list[RateAnswer]


class FindingAnswer(BaseModel):
    """Something that is wrong with an item's data."""

    kind: FindingKind
    items: list[NamedItem] = Field(description="Of a duplicate: items with the same data.")
    usual: float | None = Field(description="Of a price that is far off: the median of the category.")


class InsightAnswer(BaseModel):
    """An item, looked at from all sides."""

    item: Item
    has_model: bool
    neighbours: dict[Side, list[NeighbourAnswer] | None] = Field(
        description="By text, picture and behaviour, the nearest first; null where there is nothing to compare by."
    )
    showings: ShowingsAnswer
    findings: list[FindingAnswer]


class FaultyItem(BaseModel):
    """An item of which something is wrong."""

    item_id: str
    title: str | None
    category: str | None
    price: float | None
    currency: str | None
    kinds: list[FindingKind] = Field(description="All that is wrong with it, the gravest first.")


class WarningsAnswer(BaseModel):
    """What is wrong with the catalogue's data."""

    at: datetime = Field(description="When the catalogue was looked through.")
    n_items: int
    n_without: int = Field(description="Items with which nothing is wrong but what is wrong with every item.")
    counts: dict[FindingKind, int]
    items: list[FaultyItem] = Field(description="Items of the kind asked for; empty where none was.")
    next: str | None = Field(description="To be sent as `after`; null at the end.")
