"""The table `[storefront]`: a shop's pages, served by Shelfwise itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MAX_NAME_CHARS = 60


class StorefrontSpec(BaseModel):
    """Pages of a shop at `/shop`, to see what the recommender does; and what any page may show of items."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(
        default=False,
        description=(
            "Whether `shelfwise serve` shows the shop at /shop. Who can reach the server can then ask for "
            "recommendations as a visitor, as on any shop's pages."
        ),
    )
    name: str = Field(
        default="Shelfwise", min_length=1, max_length=MAX_NAME_CHARS, description="What the shop is called."
    )
    about: str = Field(default="", max_length=300, description="A line on the home page that says what is sold.")
    attributes: list[Annotated[str, StringConstraints(min_length=1, max_length=256)]] = Field(
        default_factory=list[str],
        max_length=20,
        description=(
            "Attributes of items that browser keys may read, beside title, category, brand, price and picture; the "
            "first ones are offered to narrow a category by."
        ),
    )
    currency: str = Field(
        default="",
        pattern="^([A-Z]{3})?$",
        description="Currency of prices where items name none, as in GBP; empty: pages show the bare number.",
    )
    other_name: str = Field(
        default="", max_length=MAX_NAME_CHARS, description="Another shop that the pages lead to; empty: none."
    )
    other_url: str = Field(
        default="",
        max_length=300,
        pattern=r"^(https?://[^\s\"'<>]+)?$",
        description="The address of the other shop's pages, as in http://127.0.0.1:8080/shop.",
    )
