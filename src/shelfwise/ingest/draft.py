"""Write down what was guessed as the specs of the three tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shelfwise.config.ingest import MISSING, ORDER, EventRule, EventsSpec, ItemsSpec, UsersSpec
from shelfwise.ingest import times, values
from shelfwise.ingest.evidence import Contents, is_attribute, is_prose, share_of
from shelfwise.ingest.formats import find_formats
from shelfwise.ingest.sample import Sample, order_column
from shelfwise.ingest.synonyms import EVENT_NAMES, RATING_NAMES, folded
from shelfwise.schemas.attribute_names import names_a_person, tells_taste
from shelfwise.schemas.events import EventKind

MAX_ATTRIBUTES_KEPT = 40
_MANY_ROWS_PER_ITEM = 1.5
"""Mean rows per item from which a catalogue is taken to be an order export."""

_MAX_RETURNS = 0.3


def _foreign(sample: Sample) -> dict[str, str]:
    """The entries that `columns` needs: names that differ from ours, and ours that mean something else."""
    needed = {ours: theirs for ours, theirs in sample.mapped.items() if ours != theirs}
    taken_by_name = {
        ours: "" for ours in sample.spec.canonical if ours in sample.file.columns and ours not in sample.mapped
    }
    return needed | taken_by_name


def _common(sample: Sample) -> dict[str, Any]:
    fields: dict[str, Any] = {"path": sample.spec.path, "format": sample.file.format}
    if sample.file.format == "csv":
        fields["delimiter"] = sample.file.delimiter
    if sample.spec.encoding != "utf-8":
        fields["encoding"] = sample.spec.encoding
    if sample.preset is not None:
        return fields | {"preset": sample.preset}
    if sample.decimal != ".":
        fields["decimal"] = sample.decimal
    return fields | {"columns": _foreign(sample)}


def items_spec(sample: Sample, same_file: bool, upper: list[str], notes: list[str]) -> ItemsSpec:
    """How the catalogue is read; what was noticed is added to `notes`."""
    if sample.preset is not None:
        return ItemsSpec(**_common(sample))
    ids = sample.columns[sample.mapped["item_id"]].text
    many = same_file or (len(ids) > 0 and len(ids) / ids.n_unique() >= _MANY_ROWS_PER_ITEM)
    if many:
        notes.append("an item has many rows: each field takes its most common value")
    if "title" not in sample.mapped:
        notes.append("no column holds the items' titles: what an item is must come from behaviour alone")
    attributes = [] if same_file else _attributes(sample)
    fields: dict[str, Any] = _common(sample) | {
        "uppercase": upper,
        "attributes": attributes,
        "many_rows": "most-common" if many else "last",
    }
    if "created_at" in sample.mapped:
        fields["timestamp_format"] = find_formats(sample.file, sample.mapped["created_at"], sample.spec)[0]
    return ItemsSpec(**fields)


def users_spec(sample: Sample) -> UsersSpec:
    """How the file of users is read."""
    return UsersSpec(**_common(sample), attributes=_attributes(sample, _tells_of_users))


def _describes(name: str, found: Contents) -> bool:
    return is_attribute(found)


def _tells_of_users(name: str, found: Contents) -> bool:
    """Beside what describes: where people say in their own words what they like."""
    says = (tells_taste(name) and not found.is_empty) or is_prose(found)
    return is_attribute(found) or (says and not names_a_person(name))


def _attributes(sample: Sample, fits: Callable[[str, Contents], bool] = _describes) -> list[str]:
    """Columns kept as attributes, those that most rows have, in the order of the file."""
    fit = [name for name in sample.free if fits(name, sample.columns[name])]
    kept = sorted(fit, key=lambda name: -len(sample.columns[name].text))[:MAX_ATTRIBUTES_KEPT]
    return [name for name in fit if name in kept]


def events_spec(sample: Sample, upper: list[str], notes: list[str]) -> EventsSpec:
    """How the log is read; what was noticed is added to `notes`."""
    if sample.preset is not None:
        return EventsSpec(**_common(sample))
    fields: dict[str, Any] = _common(sample) | {
        "uppercase": upper,
        "timestamp_format": _time_format(sample, notes),
    }
    if "event" in sample.mapped:
        fields["event_names"] = _event_names(sample.columns[sample.mapped["event"]], notes)
    else:
        fields["default_event"] = _default_event(sample)
        notes.append(f"no column names the event: every row is a {fields['default_event'].value}")
        rules = _return_rules(sample)
        fields["event_when"] = rules
        notes.extend(f"rows of {rule.column} that {_said(rule)} are returns" for rule in rules)
    return EventsSpec(**fields)


def _time_format(sample: Sample, notes: list[str]) -> str:
    theirs = sample.mapped["timestamp"]
    if times.looks_like_order(sample.columns[theirs].raw, MISSING):
        notes.append(f"{theirs} holds small whole numbers: they order one user's events and are no times")
        return ORDER
    best = find_formats(sample.file, theirs, sample.spec)
    if len(best) > 1:
        notes.append(f"{theirs}: day and month cannot be told apart; {best[0]} is taken, please check")
        sample.why["timestamp"] = (f"written as {best[0]} or {best[1]}", 0.5)
    return next(iter(best))


def _event_names(found: Contents, notes: list[str]) -> dict[str, EventKind]:
    counts: Mapping[str, int] = dict(found.text.str.to_lowercase().alias("name").value_counts(sort=True).iter_rows())
    names: dict[str, EventKind] = {}
    kinds = {kind.value for kind in EventKind}
    for name, n in counts.items():
        if name in kinds:
            continue
        kind = EVENT_NAMES.get(folded(name))
        if kind is None:
            notes.append(f"the event {name!r} ({n} rows of the sample) is none of ours: its rows will be quarantined")
        else:
            names[name] = EventKind(kind)
    return names


def _default_event(sample: Sample) -> EventKind:
    if folded(sample.mapped.get("value", "")) in RATING_NAMES:
        return EventKind.RATING
    bought = {"price", "quantity"} & sample.mapped.keys()
    return EventKind.PURCHASE if bought or order_column(sample) is not None else EventKind.VIEW


def _return_rules(sample: Sample) -> list[EventRule]:
    """Cancelled orders: numbers that start with a C among plain ones, else negative quantities."""
    order = order_column(sample)
    if order is not None:
        text = sample.columns[order].text
        cancelled = share_of(text.str.contains(r"^C[0-9]+$"))
        plain = share_of(text.str.contains(r"^[0-9]+$"))
        if 0 < cancelled < _MAX_RETURNS and plain > 1 - _MAX_RETURNS:
            return [EventRule(column=order, starts_with="C", event=EventKind.RETURN)]
    quantity = sample.mapped.get("quantity")
    if quantity is not None:
        negative = values.numbers(sample.columns[quantity].raw, MISSING, sample.decimal) < 0
        if 0 < share_of(negative) < _MAX_RETURNS:
            return [EventRule(column=quantity, below=0, event=EventKind.RETURN)]
    return []


def _said(rule: EventRule) -> str:
    return f"start with {rule.starts_with}" if rule.starts_with else f"are below {rule.below:g}"
