"""Rules held against each other and against the catalogue: what cannot all be done, and what is likely a slip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from shelfwise.errors import ConfigError, did_you_mean, near
from shelfwise.rules.columns import ItemColumns
from shelfwise.rules.conditions import UNSAID, Fact, Test, holds, literal, tests
from shelfwise.rules.fields import ITEM_FIELDS, WEEKDAYS, FieldKind
from shelfwise.rules.plan import ReadyRule
from shelfwise.schemas.ids import Bools

FAR = 50_000
"""Values above which near names are not looked for: it takes too long."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is odd about rules.

    Attributes:
        code: Stable, for machines.
        rules: Names of those concerned.
        message: What is odd, and what happens then.
    """

    code: str
    rules: tuple[str, ...]
    message: str

    def as_document(self) -> dict[str, object]:
        """As plain JSON."""
        return {"code": self.code, "rules": list(self.rules), "message": self.message}


@dataclass(frozen=True, slots=True)
class Findings:
    """What is odd about a set of rules.

    Attributes:
        conflicts: Rules that cannot all have their way.
        warnings: Rules that can, and yet look like a slip.
    """

    conflicts: tuple[Finding, ...]
    warnings: tuple[Finding, ...]

    def as_document(self) -> dict[str, object]:
        """As plain JSON."""
        return {
            "conflicts": [one.as_document() for one in self.conflicts],
            "warnings": [one.as_document() for one in self.warnings],
        }


def findings(
    rules: Sequence[ReadyRule], columns: ItemColumns, shown: Bools, scenarios: Sequence[str], now_ms: int
) -> Findings:
    """Look through rules.

    Args:
        rules: Ready, in the order written.
        columns: The catalogue.
        shown: Which items are available; shape `(n,)`.
        scenarios: Names of the places that ask.
        now_ms: The present.

    Raises:
        ConfigError: a rule pins an item that the shop does not have.
    """
    active = [rule for rule in rules if rule.enabled]
    row_by_id = _rows_of_pins(active, columns)
    moments = {rule.name: _moments(rule, scenarios) for rule in active}
    masks = {rule.name: columns.matching(rule.items, now_ms) for rule in active if rule.items is not None}
    conflicts = [
        *_pins_in_one_place(active, moments),
        *_pins_not_shown(active, moments, masks, row_by_id),
        *_nothing_left(active, moments, masks, shown),
    ]
    warnings = [
        *_values_nobody_has(active, columns, scenarios),
        *_without_effect(active, masks, shown, row_by_id, now_ms, moments),
        *_against_each_other(active, moments, masks),
    ]
    return Findings(tuple(conflicts), tuple(warnings))


Moment = tuple[str, int, int]


def _moments(rule: ReadyRule, scenarios: Sequence[str]) -> frozenset[Moment]:
    """Scenario, weekday and hour at which a rule holds for somebody."""
    condition = rule.when
    if condition is None:
        return frozenset((name, day, hour) for name in scenarios for day in range(7) for hour in range(24))
    fields = {test.field for test in tests(condition)}
    days, hours = range(7) if "weekday" in fields else range(1), range(24) if "hour" in fields else range(1)
    found: set[Moment] = set()
    for name in scenarios:
        for day in days:
            for hour in hours:

                def fact_of(field: str, name: str = name, day: int = day, hour: int = hour) -> Fact:
                    return {"scenario": name, "weekday": WEEKDAYS[day], "hour": float(hour)}.get(field, UNSAID)

                if holds(condition, fact_of) is not False:
                    all_days = [day] if "weekday" in fields else range(7)
                    all_hours = [hour] if "hour" in fields else range(24)
                    found.update((name, one, other) for one in all_days for other in all_hours)
    return frozenset(found)


def _meet(one: ReadyRule, other: ReadyRule, moments: dict[str, frozenset[Moment]]) -> bool:
    """Whether two rules may hold at once."""
    overlap = max(one.span_ms[0], other.span_ms[0]) < min(one.span_ms[1], other.span_ms[1])
    return overlap and not moments[one.name].isdisjoint(moments[other.name])


def _is_partial(rule: ReadyRule) -> bool:
    """Whether it depends on more than place and time."""
    return rule.when is not None and any(test.field not in ("scenario", "weekday", "hour") for test in tests(rule.when))


def _rows_of_pins(rules: Sequence[ReadyRule], columns: ItemColumns) -> dict[str, int]:
    found: dict[str, int] = {}
    for rule in rules:
        for item_id in rule.pinned:
            found[item_id] = columns.row(item_id)
            if found[item_id] < 0:
                raise ConfigError(
                    f"there is no item {item_id!r}",
                    where=f"rules.{rule.name}.pin",
                    hint=did_you_mean(item_id, columns.values("item_id")) if len(columns) < FAR else None,
                    code="unknown_item",
                )
    return found


def _pins_in_one_place(rules: Sequence[ReadyRule], moments: dict[str, frozenset[Moment]]) -> Iterator[Finding]:
    pins = [rule for rule in rules if rule.action == "pin"]
    for one, other in combinations(pins, 2):
        places = [set(range(rule.position, rule.position + len(rule.pinned))) for rule in (one, other)]
        both = places[0] & places[1]
        if not both or not _meet(one, other, moments):
            continue
        if set(one.pinned) == set(other.pinned) and one.position == other.position:
            continue
        yield Finding(
            "same_position",
            (one.name, other.name),
            f"{one.name!r} and {other.name!r} both pin an item at position {min(both)}: {one.name!r}, written first, "
            "has it, the other's item stands in the nearest free place",
        )


def _pins_not_shown(
    rules: Sequence[ReadyRule],
    moments: dict[str, frozenset[Moment]],
    masks: dict[str, Bools],
    row_by_id: dict[str, int],
) -> Iterator[Finding]:
    for pin in rules:
        for item_id in pin.pinned:
            row = row_by_id[item_id]
            for other in rules:
                keeps_out = other.action == "block" and masks[other.name][row]
                keeps_out |= other.action == "require" and not masks[other.name][row]
                if keeps_out and _meet(pin, other, moments):
                    yield Finding(
                        "pin_not_shown",
                        (pin.name, other.name),
                        f"{pin.name!r} pins item {item_id!r}, which {other.name!r} does not let be shown: while both "
                        "hold it is not shown",
                    )


def _nothing_left(
    rules: Sequence[ReadyRule], moments: dict[str, frozenset[Moment]], masks: dict[str, Bools], shown: Bools
) -> Iterator[Finding]:
    """Sets of blocks and requires that leave no item, told once each, by their smallest."""
    limits = [rule for rule in rules if rule.action in ("block", "require")]
    told: set[frozenset[str]] = set()

    def left(some: Sequence[ReadyRule]) -> bool:
        found = shown.copy()
        for rule in some:
            found &= masks[rule.name] if rule.action == "require" else ~masks[rule.name]
        return bool(found.any())

    if not shown.any():
        return
    # Rules for some requests only are taken one by one: two of them need not meet in one request.
    for_all = [rule for rule in limits if not _is_partial(rule)]
    for partial in [None, *(rule for rule in limits if _is_partial(rule))]:
        considered = [*for_all, *([] if partial is None else [partial])]
        starts = sorted({max(rule.span_ms[0], 0.0) for rule in considered})
        groups: set[tuple[int, ...]] = set()
        for start in starts:
            at_start = [place for place, rule in enumerate(considered) if rule.span_ms[0] <= start < rule.span_ms[1]]
            for moment in set().union(*(moments[considered[place].name] for place in at_start)):
                groups.add(tuple(place for place in at_start if moment in moments[considered[place].name]))
        for group in sorted(groups):
            some = [considered[place] for place in group]
            if left(some):
                continue
            for rule in list(some):  # without those that do not matter
                fewer = [one for one in some if one is not rule]
                if fewer and not left(fewer):
                    some = fewer
            names = frozenset(rule.name for rule in some)
            if names not in told:
                told.add(names)
                listed = " and ".join(repr(rule.name) for rule in some)
                together = " together" if len(some) > 1 else ""
                yield Finding(
                    "nothing_left",
                    tuple(rule.name for rule in some),
                    f"{listed}{together} leave{'' if len(some) > 1 else 's'} no available item to be shown",
                )


def _values_nobody_has(rules: Sequence[ReadyRule], columns: ItemColumns, scenarios: Sequence[str]) -> Iterator[Finding]:
    for rule in rules:
        for test in () if rule.items is None else tests(rule.items):
            if test.operator in ("=", "!=", "in", "not in", "under"):
                yield from _values_of(rule, test, columns)
        for test in () if rule.when is None else tests(rule.when):
            for value in test.values:
                if test.field == "scenario" and isinstance(value, str) and value not in scenarios:
                    hint = did_you_mean(value, scenarios)
                    yield Finding(
                        "unknown_value",
                        (rule.name,),
                        f"{rule.name!r}: there is no scenario {value!r}" + (f"; {hint}" if hint else ""),
                    )


def _values_of(rule: ReadyRule, test: Test, columns: ItemColumns) -> Iterator[Finding]:
    if ITEM_FIELDS.get(test.field) in (FieldKind.NUMBER, FieldKind.TRUTH, FieldKind.MOMENT):
        return
    known = columns.values(test.field)
    for value in test.values:
        if isinstance(value, tuple):
            size = len(value)
            is_known = any((own[:size] if test.operator == "under" else own) == value for own in known)
            paths = {" > ".join(own[:size]) for own in known}
            match = None if is_known or len(paths) > FAR else near(" > ".join(value), paths)
        elif isinstance(value, str):
            is_known = value in known
            match = None if is_known or len(known) > FAR else near(value, known)
        else:
            continue
        if not is_known:
            yield Finding(
                "unknown_value",
                (rule.name,),
                f"{rule.name!r}: no item has {test.field} {literal(value)}"
                + (f"; did you mean {literal(match)}?" if match else ""),
            )


def _without_effect(
    rules: Sequence[ReadyRule],
    masks: dict[str, Bools],
    shown: Bools,
    row_by_id: dict[str, int],
    now_ms: int,
    moments: dict[str, frozenset[Moment]],
) -> Iterator[Finding]:
    for rule in rules:
        if rule.span_ms[1] <= now_ms:
            yield Finding("over", (rule.name,), f"{rule.name!r} is over: `until` lies in the past")
        if rule.span_ms[1] <= rule.span_ms[0]:
            yield Finding("never", (rule.name,), f"{rule.name!r} never holds: `until` does not come after `from`")
        if not moments[rule.name]:
            yield Finding("never", (rule.name,), f"{rule.name!r} never holds: nothing fulfils its `when`")
        if rule.items is not None and rule.action != "require" and not (masks[rule.name] & shown).any():
            yield Finding("no_item", (rule.name,), f"{rule.name!r}: no available item fulfils its condition")
        for item_id in rule.pinned:
            if not shown[row_by_id[item_id]]:
                yield Finding(
                    "pin_unavailable",
                    (rule.name,),
                    f"{rule.name!r} pins item {item_id!r}, which is not available: it is shown when it is again",
                )


def _against_each_other(
    rules: Sequence[ReadyRule], moments: dict[str, frozenset[Moment]], masks: dict[str, Bools]
) -> Iterator[Finding]:
    boosts = [rule for rule in rules if rule.action == "boost"]
    buries = [rule for rule in rules if rule.action == "bury"]
    for one in boosts:
        for other in buries:
            both = int(np.count_nonzero(masks[one.name] & masks[other.name]))
            if both and one.shift + other.shift == 0 and _meet(one, other, moments):
                yield Finding(
                    "cancel_out",
                    (one.name, other.name),
                    f"{one.name!r} and {other.name!r} move {both:,} items up and down by as much: they stay",
                )
