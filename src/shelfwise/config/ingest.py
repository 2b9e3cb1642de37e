"""How a shop's own files are read: the tables `[ingest.items]`, `[ingest.events]` and `[ingest.users]`.

Every field carries its description: the drafted `shop.toml` and the reference page are generated from them.
"""

from __future__ import annotations

import re
from datetime import date
from typing import ClassVar, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from shelfwise.errors import did_you_mean
from shelfwise.schemas.events import EventKind

ITEM_COLUMNS = (
    "item_id",
    "title",
    "description",
    "category",
    "brand",
    "price",
    "currency",
    "image",
    "available",
    "created_at",
    "group_id",
)
EVENT_COLUMNS = (
    "event_id",
    "user_id",
    "item_id",
    "event",
    "timestamp",
    "value",
    "quantity",
    "price",
    "currency",
    "session_id",
    "scenario",
    "position",
    "slate_id",
    "query",
    "device",
)
USER_COLUMNS = ("user_id",)

AUTO = "auto"
ORDER = "order"
EPOCHS = ("epoch_s", "epoch_ms", "epoch_us")
NAMED_FORMATS = (AUTO, "iso8601", *EPOCHS, ORDER)

MISSING = ("", "nan", "null", "none", "n/a", "na", "#n/a", "nil", "-", "\\n")
"""Tokens that spreadsheets, pandas and databases write where there is no value."""


class TableSpec(BaseModel):
    """What the three tables have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    canonical: ClassVar[tuple[str, ...]] = ()
    presets: ClassVar[tuple[str, ...]] = ("none",)

    path: str = Field(
        min_length=1, description="The file, relative to the shop's folder or absolute; may be .gz or .zst."
    )
    format: Literal["auto", "csv", "jsonl", "parquet"] = Field(
        default="auto",
        description="What the file is: csv (any delimiter), jsonl (one JSON object per line), parquet, or auto.",
    )
    delimiter: str = Field(
        default=AUTO,
        description="What separates the fields of a CSV file: one character, or auto to see it from the header.",
    )
    encoding: str = Field(
        default="utf-8",
        description="The text encoding of CSV and JSON Lines: utf-8, latin-1, cp1252, ….",
    )
    decimal: Literal[".", ","] = Field(
        default=".", description="The decimal mark of numbers in text: a point or a comma."
    )
    preset: Literal["none", "ga4", "google-retail", "segment", "schema-org", "merchant"] = Field(
        default="none",
        description="A known export whose columns need no mapping: for events ga4, google-retail or segment; "
        "for items schema-org or merchant; else none.",
    )
    columns: dict[str, str] = Field(
        default_factory=dict[str, str],
        description="Our column = the file's column (in JSON Lines a dotted path); a column that "
        "already bears our "
        'name needs no entry, "" leaves one out.',
    )
    missing: list[str] = Field(
        default=list(MISSING),
        description="Texts that mean that there is no value, whatever their case; spaces around them are ignored.",
    )
    require: dict[str, str] = Field(
        default_factory=dict[str, str],
        description="Our column = a regular expression that its whole value must match; other rows are quarantined.",
    )
    uppercase: list[str] = Field(
        default_factory=list[str],
        description="Our columns whose values are put into capitals, where the shop writes one id in two cases.",
    )
    timestamp_format: str | list[str] = Field(
        default=AUTO,
        description="How times are written: auto, iso8601, epoch_s, epoch_ms, epoch_us, order (whole "
        "numbers that "
        "order one user's events and nothing else) or a strptime pattern such as %d/%m/%Y %H:%M; a list "
        "allows several.",
    )
    timezone: str = Field(default="UTC", description="The zone of times written without one, as in Europe/Berlin.")
    max_line_bytes: int = Field(
        default=1 << 20, ge=1_024, le=1 << 30, description="The longest line accepted, in bytes."
    )
    batch_rows: int = Field(default=50_000, ge=1, le=1_000_000, description="Rows stored in one transaction, a count.")
    earliest: date = Field(
        default=date(1995, 1, 1), description="Times before this day are impossible and quarantined; a date."
    )

    @property
    def formats(self) -> tuple[str, ...]:
        """The timestamp formats that are allowed, in the order in which they are tried."""
        return (self.timestamp_format,) if isinstance(self.timestamp_format, str) else tuple(self.timestamp_format)

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str) -> str:
        value = "\t" if value in ("tab", "\\t") else value
        if value != AUTO and (len(value) != 1 or value in '"\r\n'):
            raise ValueError(f"the delimiter is {value!r}; expected one character, or auto")
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            newline = "\n".encode(value)
        except LookupError:
            raise ValueError(f"no encoding is called {value!r}; expected utf-8, latin-1, cp1252, …") from None
        if newline != b"\n":
            raise ValueError(f"{value!r} cannot be read line by line; save the file as utf-8")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"no time zone is called {value!r}; expected one like Europe/Berlin") from None
        return value

    @field_validator("timestamp_format")
    @classmethod
    def _known_format(cls, value: str | list[str]) -> str | list[str]:
        formats = [value] if isinstance(value, str) else value
        if not formats:
            raise ValueError("the list of timestamp formats is empty")
        for name in formats:
            if name not in NAMED_FORMATS and "%" not in name:
                near = did_you_mean(name, NAMED_FORMATS)
                raise ValueError(
                    f"{name!r} is no timestamp format; expected {', '.join(NAMED_FORMATS)} "
                    "or a strptime pattern" + (f"; {near}" if near else "")
                )
        if len(formats) > 1 and (AUTO in formats or ORDER in formats):
            raise ValueError("auto and order stand alone, not in a list of formats")
        return value

    @field_validator("require")
    @classmethod
    def _valid_patterns(cls, value: dict[str, str]) -> dict[str, str]:
        for column, pattern in value.items():
            try:
                re.compile(pattern)
            except re.error as cause:
                raise ValueError(f"{column}: {pattern!r} is no regular expression ({cause})") from None
        return value

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        for field, names in (
            ("columns", self.columns),
            ("require", self.require),
            ("uppercase", self.uppercase),
        ):
            for name in names:
                if name not in self.canonical:
                    near = did_you_mean(name, self.canonical)
                    raise ValueError(
                        f"{field}: no column of ours is called {name!r}; known: {', '.join(self.canonical)}"
                        + (f"; {near}" if near else "")
                    )
        if self.preset not in self.presets:
            raise ValueError(f"the preset {self.preset!r} is not for this table; known: {', '.join(self.presets)}")
        return self


class ItemsSpec(TableSpec):
    """The catalogue's file."""

    canonical: ClassVar[tuple[str, ...]] = ITEM_COLUMNS
    presets: ClassVar[tuple[str, ...]] = ("none", "schema-org", "merchant")

    attributes: list[str] = Field(
        default_factory=list[str],
        description="The file's columns that are kept as attributes of the item, such as colour or size.",
    )
    many_rows: Literal["last", "most-common"] = Field(
        default="last",
        description="Where an item has several rows: last (the later row replaces the earlier) or "
        "most-common (an "
        "order export used as catalogue: each field takes its most frequent value).",
    )


class UsersSpec(TableSpec):
    """The file of known users."""

    canonical: ClassVar[tuple[str, ...]] = USER_COLUMNS

    attributes: list[str] = Field(
        default_factory=list[str], description="The file's columns that are kept as attributes of the user."
    )


class EventRule(BaseModel):
    """One condition that says which event a row is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str = Field(min_length=1, description="The file's column that decides.")
    event: EventKind = Field(description="The event that a row is where the condition holds.")
    starts_with: str | None = Field(default=None, description="Holds where the value starts with this text.")
    equals: str | None = Field(default=None, description="Holds where the value is this text.")
    below: float | None = Field(default=None, description="Holds where the value is a number below this one.")
    above: float | None = Field(default=None, description="Holds where the value is a number above this one.")

    @model_validator(mode="after")
    def _one_condition(self) -> Self:
        given = [name for name in ("starts_with", "equals", "below", "above") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"event_when: {len(given)} conditions on {self.column!r}; "
                "expected one of starts_with, equals, below, above"
            )
        return self


class EventsSpec(TableSpec):
    """The file of what people did."""

    canonical: ClassVar[tuple[str, ...]] = EVENT_COLUMNS
    presets: ClassVar[tuple[str, ...]] = ("none", "ga4", "google-retail", "segment")

    default_event: EventKind | None = Field(
        default=None, description="The event of a row that names none, such as purchase for an order export."
    )
    event_names: dict[str, EventKind] = Field(
        default_factory=dict[str, EventKind],
        description="The file's event name = our event, such as addtocart = cart; case does not matter.",
    )
    event_when: list[EventRule] = Field(
        default_factory=list[EventRule],
        description="Conditions on a row that name its event before anything else does; the first that holds wins.",
    )

    @property
    def is_order_only(self) -> bool:
        """Whether times order one user's events and nothing else, so that a split by time has no meaning."""
        return ORDER in self.formats


class IngestSpec(BaseModel):
    """The table `[ingest]`: where the shop's data is and how to read it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    items: ItemsSpec | None = Field(default=None, description="The catalogue.")
    events: EventsSpec | None = Field(default=None, description="What people did.")
    users: UsersSpec | None = Field(default=None, description="Known users and their attributes.")
