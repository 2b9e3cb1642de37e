"""Keys of the API: what each may do, and what is asked for when one is made."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

MAX_NAME_CHARS = 100
MAX_ORIGINS = 20

_ORIGIN = re.compile(r"https?://(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(?::\d{1,5})?")


class KeyScope(StrEnum):
    """What a key may do. `admin` may do everything."""

    EVENTS = "events"
    RECOMMEND = "recommend"
    CATALOGUE = "catalogue"
    METRICS = "metrics"
    ADMIN = "admin"


class KeyKind(StrEnum):
    """Who holds a key: the shop's own servers, or everybody who opens one of its pages."""

    SERVER = "server"
    BROWSER = "browser"


BROWSER_SCOPES = frozenset({KeyScope.EVENTS, KeyScope.RECOMMEND})
"""What a key may do that everybody can read in a page's source, and that for its own visitor only."""


class KeyWanted(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"name": "web shop", "scopes": ["events", "recommend"]},
                {
                    "name": "pages",
                    "kind": "browser",
                    "scopes": ["events", "recommend"],
                    "origins": ["https://shop.example"],
                    "expires_at": "2199-01-01T00:00:00Z",
                },
            ]
        },
    )

    name: str = Field(min_length=1, max_length=MAX_NAME_CHARS, description="What people call it.")
    kind: KeyKind = Field(
        default=KeyKind.SERVER,
        description="`browser`: may stand in a page, since it writes events and asks for one proven visitor only.",
    )
    scopes: Annotated[list[KeyScope], Field(min_length=1, max_length=len(KeyScope))] = Field(
        description="What it may do; `admin` may do everything."
    )
    origins: list[str] = Field(
        default_factory=list[str],
        max_length=MAX_ORIGINS,
        description="Origins of the pages that may use a browser key, as in `https://shop.example`.",
    )
    expires_at: AwareDatetime | None = Field(default=None, description="When it ends; never where omitted.")

    @field_validator("name")
    @classmethod
    def _on_one_line(cls, value: str) -> str:
        if not value.strip() or not value.isprintable():
            raise ValueError("must be printable text on one line")
        return value.strip()

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, origins: list[str]) -> list[str]:
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError("must be scheme, host and port in small letters, as in 'https://shop.example'")
        return list(dict.fromkeys(origins))

    @model_validator(mode="after")
    def _fits_its_kind(self) -> KeyWanted:
        if self.kind is KeyKind.SERVER and self.origins:
            raise ValueError("only keys of the kind 'browser' have origins")
        if self.kind is KeyKind.BROWSER:
            if not BROWSER_SCOPES.issuperset(self.scopes):
                raise ValueError("a browser key has no scopes but 'events' and 'recommend'")
            if not self.origins:
                raise ValueError("a browser key names the origins of the pages that it stands in")
        return self
