"""What `[encode.users]` may say: which attributes of a user a language model reads."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shelfwise.schemas.attribute_names import names_a_person


class ProfileSpec(BaseModel):
    """What the users' file says of people, read as text beside what they did."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    read: Literal["auto", "always", "never"] = Field(
        default="auto",
        description=(
            "Whether users' attributes are encoded; 'auto': where the encoder runs on this machine, so that nothing "
            "said of a person is sent to another server. A shop without such attributes pays nothing."
        ),
    )
    attributes: list[str] = Field(
        default_factory=list[str],
        max_length=100,
        description=(
            "Attributes of [ingest.users] that are read, in this order; empty: those whose values are words. Ids, "
            "names, e-mail addresses, phone numbers and postal addresses are never read."
        ),
    )
    as_new_share: float = Field(
        default=0.2,
        ge=0,
        le=0.5,
        description=(
            "Share of the questions about users with a profile that are asked as if they had done nothing yet, while "
            "the ranker learns: so it learns how far to trust a profile alone."
        ),
    )

    @field_validator("attributes")
    @classmethod
    def _of_nobody_in_particular(cls, names: list[str]) -> list[str]:
        for name in names:
            if names_a_person(name):
                raise ValueError(f"{name!r} identifies a person and is never read; leave it out")
        return names
