"""How much a training cares for who is shown how often; free of torch."""

from __future__ import annotations

from pydantic import Field

from shelfwise.config.component import Options


class ExposureOptions(Options):
    """Weights of the terms of `neural.exposure`, beside 1 for relevance."""

    spread_items: float = Field(
        default=0.0,
        ge=0,
        description="Weight, beside 1 for relevance, of how unevenly slates show items: 1 - their relative entropy.",
    )
    spread_names: float = Field(
        default=0.0, ge=0, description="The same of categories and brands: how unevenly slates show them."
    )
    own_mix: float = Field(
        default=0.0,
        ge=0,
        description="Weight of how far a slate's mix of categories and brands is from the user's own (KL divergence).",
    )
