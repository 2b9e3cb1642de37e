"""What `[offers]` may say: how the chance is learned that somebody answers to an offer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class OfferSpec(BaseModel):
    """How the chance is learned that a user answers to an offer; the offers themselves stand in `offers.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    learn: bool = Field(
        default=True,
        description=(
            "Whether training learns it, in some seconds, from the shop's own purchases, where they have a clock; "
            "without, it is told from how often the user and the shop's others buy of the items."
        ),
    )
    usual_d: float = Field(
        default=28.0, gt=0, le=366, description="Days within which a purchase counts for an offer that names no end."
    )
