"""Rules as they are written, in `rules.toml` or in a request."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

import tomlkit
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from shelfwise.config.document import checked, read_document
from shelfwise.errors import ConfigError
from shelfwise.rules.calendar import known_zone, span_ms
from shelfwise.rules.parse import MAX_CHARS
from shelfwise.schemas.events import MAX_ID_CHARS
from shelfwise.schemas.queries import MAX_K

FILE_NAME = "rules.toml"
MAX_RULES = 1_000
ACTIONS = ("pin", "boost", "bury", "block", "require")
CONDITIONS = ("boost", "bury", "block", "require", "when")

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

Action = Literal["pin", "boost", "bury", "block", "require"]
RuleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
Text = Annotated[str, Field(max_length=MAX_CHARS)]
ItemIds = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARS)]], Field(min_length=1, max_length=100)
]


class Rule(BaseModel):
    """One rule: exactly one of pin, boost, bury, block, require; and when it holds."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    pin: ItemIds | None = Field(
        default=None,
        description="Item ids that stand at `position` and after, whoever asks, as long as they may be shown.",
    )
    position: int = Field(default=1, ge=1, le=MAX_K, description="Where the first pinned item stands, from 1.")
    boost: Text | None = Field(default=None, description="Condition over items: those move up.")
    bury: Text | None = Field(default=None, description="Condition over items: those move down.")
    places: int | None = Field(
        default=None, ge=1, le=10_000, description="How many places they move; as far as it goes where omitted."
    )
    block: Text | None = Field(default=None, description="Condition over items: those are never shown.")
    require: Text | None = Field(default=None, description="Condition over items: no others are shown.")
    when: Text | None = Field(default=None, description="Condition over the request; always where omitted.")
    from_: datetime | date | None = Field(default=None, alias="from", description="The first moment at which it holds.")
    until: datetime | date | None = Field(
        default=None, description="The moment at which it holds no more; a date without a time is still included."
    )
    enabled: bool = Field(default=True, description="False keeps the rule without using it.")
    note: str = Field(default="", max_length=1_000, description="For people.")

    @field_validator("from_", "until", mode="before")
    @classmethod
    def _a_day_stays_a_day(cls, value: Any) -> Any:
        # As JSON has it, which is what is stored: read as a moment, the last day would end where it begins.
        return date.fromisoformat(value) if isinstance(value, str) and _DAY.fullmatch(value) else value

    @field_validator("pin", mode="before")
    @classmethod
    def _one_item_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        named = [action for action in ACTIONS if getattr(self, action) is not None]
        if len(named) != 1:
            found = f"does {' and '.join(named)} at once" if named else "does nothing"
            raise ValueError(f"the rule {found}; write exactly one of {', '.join(ACTIONS)}")
        if self.places is not None and named[0] not in ("boost", "bury"):
            raise ValueError(f"`places` says nothing of {named[0]!r}; it belongs to boost and bury")
        if "position" in self.model_fields_set and named[0] != "pin":
            raise ValueError(f"`position` says nothing of {named[0]!r}; it belongs to pin")
        if self.pin is not None and len(set(self.pin)) < len(self.pin):
            raise ValueError("the rule pins an item twice")
        return self

    @property
    def action(self) -> Action:
        """What it does."""
        return next(action for action in ACTIONS if getattr(self, action) is not None)

    @property
    def condition(self) -> str | None:
        """Its condition over items; None for a pin."""
        return None if self.pin is not None else getattr(self, self.action)

    def span_ms(self, zone: ZoneInfo) -> tuple[float, float]:
        """From when and until when it holds, in milliseconds; infinite where it says neither."""
        return span_ms(self.from_, self.until, zone)


class RuleSet(BaseModel):
    """All of a shop's rules; those further up win where two of them want the same place."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = Field(default=1, description="Version of this file's format.")
    time_zone: str = Field(default="UTC", max_length=64, description="What hours, weekdays and dates are told in.")
    rules: dict[RuleName, Rule] = Field(default_factory=dict[str, Rule], max_length=MAX_RULES)

    @field_validator("time_zone")
    @classmethod
    def _exists(cls, value: str) -> str:
        return known_zone(value)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone itself."""
        return ZoneInfo(self.time_zone)

    def as_document(self) -> dict[str, Any]:
        """Plain JSON, without what was left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"version": self.version}

    def as_toml(self) -> str:
        """As a file that reads as the same rules."""
        plain = self.model_dump(mode="python", by_alias=True, exclude_defaults=True)
        rules = {
            name: {key: _as_written(value) for key, value in one.items()}
            for name, one in plain.pop("rules", {}).items()
        }
        return tomlkit.dumps({"version": self.version, **plain, **({"rules": rules} if rules else {})})


def _as_written(value: Any) -> Any:
    """Texts with quotation marks in them stand between single ones, as people write conditions."""
    is_plain = isinstance(value, str) and '"' in value and "'" not in value and value.isprintable()
    return tomlkit.string(value, literal=True) if is_plain else value


def read_rules(path: Path) -> RuleSet:
    """The rules of a file.

    Raises:
        ConfigError: there is no such file, it is no TOML, or a rule says what it may not.
    """
    absent = ConfigError(
        "there is no such file", where=str(path), hint="write rules as docs/rules.md shows", code="no_rules"
    )
    return rule_set(read_document(path, absent=absent))


def rule_set(document: Any) -> RuleSet:
    """The rules that a parsed document describes.

    Raises:
        ConfigError: a rule says what it may not; `where` is the path of the key.
    """
    return checked(document, RuleSet)
