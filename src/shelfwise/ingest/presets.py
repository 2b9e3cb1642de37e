"""Exports that shops already have: which preset reads what, and how it is recognised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shelfwise.config.ingest import EVENT_COLUMNS, ITEM_COLUMNS
from shelfwise.ingest.blocks import Expand
from shelfwise.ingest.item_rows import FREE_ATTRIBUTES
from shelfwise.ingest.preset_events import GA4_KINDS, RETAIL_KINDS, SEGMENT_KINDS, ga4, google_retail, segment
from shelfwise.ingest.preset_items import schema_org
from shelfwise.schemas.events import EventKind


@dataclass(frozen=True, slots=True)
class Preset:
    """How a known export is read.

    Attributes:
        columns: Our column = the export's, the first that exists.
        attributes: The export's columns that are kept as attributes where they exist.
        expand: For nested exports: makes rows with our column names of one record.
        makes: The columns that `expand` makes.
        formats: How its times are written.
        kinds: What it calls an event, in lower case.
        telltale: Columns that only this export has, all of them together.
    """

    columns: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    attributes: tuple[str, ...] = ()
    expand: Expand | None = None
    makes: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    kinds: Mapping[str, EventKind] = field(default_factory=dict[str, EventKind])
    telltale: tuple[str, ...] = ()


def _merchant(*names: str) -> tuple[str, ...]:
    """A feed's columns are written plain or with the namespace of its XML form."""
    return tuple(form for name in names for form in (name, f"g:{name}", name.replace("_", " ")))


PRESETS: dict[str, Preset] = {
    "none": Preset(),
    "ga4": Preset(
        expand=ga4, makes=EVENT_COLUMNS, formats=("epoch_us",), kinds=GA4_KINDS,
        telltale=("event_name", "event_timestamp", "user_pseudo_id"),
    ),
    "google-retail": Preset(
        expand=google_retail, makes=EVENT_COLUMNS, formats=("iso8601",), kinds=RETAIL_KINDS,
        telltale=("eventType", "visitorId", "eventTime"),
    ),
    "segment": Preset(
        expand=segment, makes=EVENT_COLUMNS, formats=("iso8601",), kinds=SEGMENT_KINDS,
        telltale=("event", "messageId", "timestamp"),
    ),
    "schema-org": Preset(
        expand=schema_org, makes=(*ITEM_COLUMNS, FREE_ATTRIBUTES), formats=("iso8601",),
        telltale=("@type", "name"),
    ),
    "merchant": Preset(
        columns={
            "item_id": _merchant("id"),
            "title": _merchant("title"),
            "description": _merchant("description"),
            "category": _merchant("product_type", "google_product_category"),
            "brand": _merchant("brand"),
            "price": _merchant("price"),
            "image": _merchant("image_link"),
            "available": _merchant("availability"),
            "group_id": _merchant("item_group_id"),
        },
        attributes=("color", "size", "material", "pattern", "gender", "age_group", "condition", "gtin",
                    "mpn"),
        formats=("iso8601",),
        telltale=("id", "title", "link", "image_link", "availability"),
    ),
}  # fmt: skip


def recognise(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """The preset among `names` whose tell-tale columns a file has; None where it is no known export."""
    have = {column.removeprefix("g:").replace(" ", "_") if "_" not in column else column for column in columns}
    have |= set(columns) | {column.split(".")[0] for column in columns}
    return next((name for name in names if PRESETS[name].telltale and have.issuperset(PRESETS[name].telltale)), None)
