"""An item: what is recommended."""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from shelfwise.schemas.events import MAX_ID_CHARS, checked_id

PATH_SEPARATOR = ">"
MAX_TEXT_CHARS = 100_000
MAX_CATEGORY_CHARS = 10_000
MAX_IMAGE_CHARS = 2_000
MAX_ATTRIBUTES = 200
FIRST_YEAR, LAST_YEAR = 1900, 2200


class Item(BaseModel):
    """One product (song, article, …) of the catalogue.

    Absent fields are None, never invented. `category` is a path from the general to the special, written `A > B > C`.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "item_id": "mug-red",
                    "title": "Red enamel mug",
                    "category": "Kitchen > Mugs",
                    "brand": "Nordhaus",
                    "price": 7.5,
                    "currency": "EUR",
                    "attributes": {"colour": "red"},
                }
            ]
        },
    )

    item_id: str = Field(min_length=1, max_length=MAX_ID_CHARS)
    title: str | None = Field(default=None, max_length=MAX_TEXT_CHARS)
    description: str | None = Field(default=None, max_length=MAX_TEXT_CHARS)
    category: str | None = Field(
        default=None, max_length=MAX_CATEGORY_CHARS, description="Path, as in 'Home > Kitchen > Mugs'."
    )
    brand: str | None = Field(default=None, max_length=MAX_ID_CHARS)
    price: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    currency: str | None = Field(default=None, max_length=3, description="ISO 4217.")
    image: str | None = Field(default=None, max_length=MAX_IMAGE_CHARS, description="URL or path of a picture.")
    available: bool = Field(default=True, description="False: kept, never recommended.")
    created_at: AwareDatetime | None = None
    group_id: str | None = Field(default=None, max_length=MAX_ID_CHARS, description="What variants share.")
    attributes: dict[str, str] = Field(default_factory=dict, max_length=MAX_ATTRIBUTES)

    @field_validator("item_id")
    @classmethod
    def _names_something(cls, value: str) -> str:
        return checked_id(value)

    @field_validator("created_at")
    @classmethod
    def _in_living_memory(cls, value: datetime | None) -> datetime | None:
        # Years near 1 or 9999 overflow when they are converted between zones.
        if value is not None and not FIRST_YEAR <= value.year <= LAST_YEAR:
            raise ValueError(f"must lie between the years {FIRST_YEAR} and {LAST_YEAR}")
        return value

    @property
    def path(self) -> tuple[str, ...]:
        """The category path's names, general first; empty without a category."""
        return category_path(self.category)


def category_path(category: str | None) -> tuple[str, ...]:
    """Split `A > B > C`; blanks are dropped.

    Examples:
        >>> category_path("Home > Kitchen >  Mugs")
        ('Home', 'Kitchen', 'Mugs')
    """
    if not category:
        return ()
    return tuple(name.strip() for name in category.split(PATH_SEPARATOR) if name.strip())
