"""Draft how a shop's files are read, from the names and the contents of their columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from shelfwise.config.ingest import MISSING, EventsSpec, IngestSpec, ItemsSpec, TableSpec, UsersSpec
from shelfwise.ingest import values
from shelfwise.ingest.draft import events_spec, items_spec, users_spec
from shelfwise.ingest.evidence import Contents, fits, is_time, overlap
from shelfwise.ingest.mapping import REQUIRED, missing_column
from shelfwise.ingest.sample import Sample, look_closely, order_column
from shelfwise.ingest.synonyms import folded, likely_columns

_SURE, _LIKELY, _CONTENTS_ONLY = 1.0, 0.9, 0.6
_FEW_SHARED = 0.1
_MANY_SHARED = 0.5


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """What one column of a file was taken for.

    Attributes:
        ours: Our column; "attribute" for a column kept as attribute, None for one left out.
        confidence: In [0, 1]; below 0.7 it wants a look.
    """

    table: str
    theirs: str
    ours: str | None
    why: str
    confidence: float
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Guess:
    """A draft to be confirmed: the spec, column by column why, and what else was noticed."""

    spec: IngestSpec
    columns: tuple[ColumnGuess, ...]
    notes: tuple[str, ...]

    def as_document(self) -> dict[str, Any]:
        """The guess as plain JSON."""
        return {
            "spec": self.spec.model_dump(mode="json", exclude_defaults=True, exclude_none=True),
            "columns": [
                {
                    "table": column.table,
                    "theirs": column.theirs,
                    "ours": column.ours,
                    "why": column.why,
                    "confidence": column.confidence,
                    "examples": list(column.examples),
                }
                for column in self.columns
            ],
            "notes": list(self.notes),
        }


def guess(items: Path | None, events: Path | None, users: Path | None = None) -> Guess:
    """Draft the table `[ingest]` for a shop's files.

    A file given for both items and events is an order export: each item's fields are the most common of its
    rows. Without a file of items the events' file stands in for it, so that its items are known at all.

    Raises:
        DataError: a file cannot be read, or a column that ingest cannot do without is not found.
    """
    notes: list[str] = []
    catalogue = None if items is None else look_closely(items, "items", ItemsSpec)
    log = None if events is None else look_closely(events, "events", EventsSpec)
    people = None if users is None else look_closely(users, "users", UsersSpec)
    if catalogue is None and log is not None and log.preset is None and events is not None:
        catalogue = look_closely(events, "items", ItemsSpec)
        notes.append("no file of items was given: the items are taken from the events' file")
    same_file = bool(catalogue and log and catalogue.file.path.resolve() == log.file.path.resolve())
    if log is not None and log.preset is None:
        _map_events(log)
    if catalogue is not None and catalogue.preset is None:
        _map_items(catalogue, log, same_file)
    if log is not None and log.preset is None and catalogue is not None and not same_file:
        _match_item_ids(catalogue, log)
    if people is not None:
        _map_users(people)
    # The events first: where they stand in for the items, theirs is the error to show.
    for sample in (log, catalogue, people):
        if sample is not None and sample.preset is None:
            _must_have_required(sample)
    upper = [] if catalogue is None or catalogue.preset or (log and log.preset) else _uppercase(catalogue, log)
    if upper:
        notes.append("some item ids differ in case only: they are put into capitals")
    spec = IngestSpec(
        items=None if catalogue is None else items_spec(catalogue, same_file, upper, notes),
        events=None if log is None else events_spec(log, upper, notes),
        users=None if people is None else users_spec(people),
    )
    explained = tuple(
        column
        for sample, table in ((catalogue, spec.items), (log, spec.events), (people, spec.users))
        if sample is not None and table is not None
        for column in _explain(sample, table)
    )
    return Guess(spec, explained, tuple(notes))


def _map_by_name(sample: Sample, ours: str) -> None:
    for theirs in likely_columns(ours, sample.free):
        exact = theirs == ours
        found = sample.columns[theirs]
        if (exact and found.is_empty) or fits(ours, found, sample.decimal):
            why = "it has our name" if exact else f"{theirs!r} is a usual name for it"
            sample.take(ours, theirs, why, _SURE if exact else _LIKELY)
            return


def _map_events(sample: Sample) -> None:
    for ours in ("item_id", "user_id", "timestamp", "event", "session_id"):
        _map_by_name(sample, ours)
    if "timestamp" not in sample.mapped:
        for theirs in sample.free:
            if is_time(sample.columns[theirs]):
                sample.take("timestamp", theirs, "its values are dates", _CONTENTS_ONLY)
                break
    order = order_column(sample)
    if order is not None and "session_id" not in sample.mapped:
        sample.take("session_id", order, "an order is a session: what was bought together", _LIKELY)
    for ours in (
        "event_id",
        "quantity",
        "price",
        "value",
        "currency",
        "position",
        "query",
        "scenario",
        "slate_id",
        "device",
    ):
        _map_by_name(sample, ours)


def _map_items(sample: Sample, log: Sample | None, same_file: bool) -> None:
    if same_file and log is not None:
        # What says who, when and how many is no property of the item.
        for ours in (
            "user_id",
            "session_id",
            "timestamp",
            "event",
            "event_id",
            "quantity",
            "value",
            "position",
        ):
            if ours in log.mapped:
                sample.columns.pop(log.mapped[ours], None)
        if "item_id" in log.mapped:
            sample.take("item_id", log.mapped["item_id"], *log.why["item_id"])
    for ours in ItemsSpec.canonical:
        if ours not in sample.mapped:
            _map_by_name(sample, ours)
    if "item_id" not in sample.mapped and log is not None and "item_id" in log.mapped:
        _take_shared(sample, log.columns[log.mapped["item_id"]])
    if "item_id" not in sample.mapped:
        for theirs in sample.free:
            found = sample.columns[theirs]
            if folded(theirs).endswith("id") and found.text.n_unique() == found.n_rows > 0:
                sample.take("item_id", theirs, "its name ends in id and its values differ", _CONTENTS_ONLY)
                break


def _match_item_ids(catalogue: Sample, log: Sample) -> None:
    """Ids that the two files share decide where a name does not, or is wrong."""
    if "item_id" not in catalogue.mapped:
        return
    ids = catalogue.columns[catalogue.mapped["item_id"]]
    now = log.mapped.get("item_id")
    shared = 0.0 if now is None else overlap(log.columns[now], ids)
    if shared >= _FEW_SHARED:
        why, confidence = log.why["item_id"]
        log.why["item_id"] = (f"{why}; {shared:.0%} of its values are item ids", max(confidence, _LIKELY))
        return
    if now is not None:
        del log.mapped["item_id"]
    if not _take_shared(log, ids) and now is not None:
        log.take("item_id", now, f"by its name only: {shared:.0%} of its values are item ids", 0.3)


def _take_shared(sample: Sample, ids: Contents) -> bool:
    best = max(sample.free, key=lambda name: overlap(sample.columns[name], ids), default=None)
    if best is None or overlap(sample.columns[best], ids) < _MANY_SHARED:
        return False
    share = overlap(sample.columns[best], ids)
    sample.take("item_id", best, f"{share:.0%} of its values are item ids of the other file", _CONTENTS_ONLY)
    return True


def _map_users(sample: Sample) -> None:
    _map_by_name(sample, "user_id")
    if "user_id" not in sample.mapped:
        theirs = next((name for name in sample.free if folded(name) in ("id", "key")), None)
        if theirs is not None:
            sample.take("user_id", theirs, "the only id of a file of users", _CONTENTS_ONLY)


def _must_have_required(sample: Sample) -> None:
    for group in REQUIRED[sample.table]:
        if not any(ours in sample.mapped for ours in group):
            raise missing_column(sample.file, sample.table, group, sample.mapped.values())


def _uppercase(catalogue: Sample, log: Sample | None) -> list[str]:
    parts = [values.ids(catalogue.columns[catalogue.mapped["item_id"]].raw, MISSING)]
    if log is not None and "item_id" in log.mapped:
        parts.append(values.ids(log.columns[log.mapped["item_id"]].raw, MISSING))
    ids = pl.concat([part.rename("id") for part in parts]).unique()
    return ["item_id"] if ids.str.to_uppercase().n_unique() < ids.n_unique() else []


def _explain(sample: Sample, spec: TableSpec) -> list[ColumnGuess]:
    attributes: Sequence[str] = spec.attributes if isinstance(spec, ItemsSpec | UsersSpec) else ()
    ours_by_theirs = {theirs: ours for ours, theirs in sample.mapped.items()}
    explained: list[ColumnGuess] = []
    for theirs, found in sample.columns.items():
        ours = ours_by_theirs.get(theirs)
        if sample.preset is not None:
            why, confidence = f"read by the preset {sample.preset}", _SURE
        elif ours is not None:
            why, confidence = sample.why[ours]
        elif theirs in attributes:
            ours, why, confidence = "attribute", "short values that repeat", _CONTENTS_ONLY
        else:
            why, confidence = "not needed", _CONTENTS_ONLY
        explained.append(ColumnGuess(sample.table, theirs, ours, why, confidence, found.examples))
    return explained
