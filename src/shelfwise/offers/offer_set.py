"""Offers as they are written, in `offers.toml`."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from shelfwise.config.document import checked, read_document
from shelfwise.errors import ConfigError
from shelfwise.rules.calendar import known_zone, span_ms
from shelfwise.rules.rule_set import RuleName, Text

FILE_NAME = "offers.toml"
MAX_OFFERS = 1_000
MONEY = 1e12
MARGIN = 0.3


class Offer(BaseModel):
    """One offer: on what, how much less, for whom, when, and what it may cost."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    items: Text = Field(description="Condition over items, as in rules: what the offer is good for.")
    discount: float | None = Field(
        default=None, gt=0, le=1, allow_inf_nan=False, description="Share of the price that is let off, as 0.2."
    )
    amount_off: float | None = Field(
        default=None,
        gt=0,
        le=MONEY,
        allow_inf_nan=False,
        description="Money that is let off each answer, in its place.",
    )
    audience: Text | None = Field(
        default=None, description="Condition over users: `user`, `events`, `user.NAME`; everybody where omitted."
    )
    from_: datetime | date | None = Field(default=None, alias="from", description="The first moment at which it holds.")
    until: datetime | date | None = Field(
        default=None, description="The moment at which it holds no more; a date without a time is still included."
    )
    budget: float | None = Field(
        default=None,
        ge=0,
        le=MONEY,
        allow_inf_nan=False,
        description="Money that it may cost in all; no end if omitted.",
    )
    per_user: int = Field(default=1, ge=1, le=1_000, description="Answers of one user at most.")
    cost: float = Field(
        default=0.0, ge=0, le=MONEY, allow_inf_nan=False, description="Money that one sending costs, as postage."
    )
    margin: float = Field(
        default=MARGIN, ge=0, le=1, allow_inf_nan=False, description="Share of the price earned before the discount."
    )
    enabled: bool = Field(default=True, description="False keeps the offer without making it.")
    note: str = Field(default="", max_length=1_000, description="For people.")

    @field_validator("discount", mode="before")
    @classmethod
    def _is_a_share(cls, value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 1:
            raise ValueError(f"{value:g} is no share of the price; write {value / 100:g}, or amount_off = {value:g}")
        return value

    @model_validator(mode="after")
    def _lets_off_one_thing(self) -> Self:
        if (self.discount is None) == (self.amount_off is None):
            found = "neither" if self.discount is None else "both"
            raise ValueError(f"the offer names {found} of discount and amount_off; write exactly one")
        return self

    def span_ms(self, zone: ZoneInfo) -> tuple[float, float]:
        """From when and until when it holds, in milliseconds; infinite where it says neither."""
        return span_ms(self.from_, self.until, zone)


class OfferSet(BaseModel):
    """All of a shop's offers; those that are over stay, for what was answered to them is learned from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = Field(default=1, description="Version of this file's format.")
    time_zone: str = Field(default="UTC", max_length=64, description="What dates and hours are told in.")
    offers: dict[RuleName, Offer] = Field(default_factory=dict[str, Offer], max_length=MAX_OFFERS)

    @field_validator("time_zone")
    @classmethod
    def _exists(cls, value: str) -> str:
        return known_zone(value)

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        for name, offer in self.offers.items():
            start_ms, end_ms = offer.span_ms(self.zone)
            if start_ms >= end_ms:
                raise ValueError(f"offers.{name} ends before it begins")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The time zone itself."""
        return ZoneInfo(self.time_zone)


def read_offers(path: Path) -> OfferSet:
    """The offers of a file.

    Raises:
        ConfigError: there is no such file, it is no TOML, or an offer says what it may not.
    """
    absent = ConfigError(
        "there is no such file", where=str(path), hint="write offers as docs/offers.md shows", code="no_offers"
    )
    return offer_set(read_document(path, absent=absent))


def offer_set(document: Any) -> OfferSet:
    """The offers that a parsed document describes.

    Raises:
        ConfigError: an offer says what it may not; `where` is the path of the key.
    """
    return checked(document, OfferSet)
