"""What may be tested: the fields of items and of requests, and which test makes sense of which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from shelfwise.errors import ConfigError, InputError, did_you_mean, near
from shelfwise.rules.conditions import Both, Condition, Either, Not, Test, Value, as_number
from shelfwise.schemas.items import category_path


class FieldKind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    NUMBER = "a number"
    TRUTH = "true or false"
    PATH = "a category path"
    MOMENT = "a moment"
    ATTRIBUTE = "an attribute: text, which may be a number"
    WEEKDAY = "a weekday"


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

ITEM_FIELDS: Mapping[str, FieldKind] = {
    "item_id": FieldKind.TEXT,
    "title": FieldKind.TEXT,
    "description": FieldKind.TEXT,
    "category": FieldKind.PATH,
    "brand": FieldKind.TEXT,
    "price": FieldKind.NUMBER,
    "currency": FieldKind.TEXT,
    "image": FieldKind.TEXT,
    "available": FieldKind.TRUTH,
    "created_at": FieldKind.MOMENT,
    "age_d": FieldKind.NUMBER,
    "group_id": FieldKind.TEXT,
}
"""`age_d` is the days since `created_at`; everything else that an item has is an attribute."""

REQUEST_FIELDS: Mapping[str, FieldKind] = {
    "scenario": FieldKind.TEXT,
    "user": FieldKind.TEXT,
    "events": FieldKind.NUMBER,
    "weekday": FieldKind.WEEKDAY,
    "hour": FieldKind.NUMBER,
    "category": FieldKind.PATH,
    "brand": FieldKind.TEXT,
}
"""`user.NAME` is an attribute of the user; `events` how much is known of the user's history."""

USER_PREFIX = "user."

OPERATORS: Mapping[FieldKind, tuple[str, ...]] = {
    FieldKind.TEXT: ("=", "!=", "in", "not in", "contains"),
    FieldKind.NUMBER: ("=", "!=", "<", "<=", ">", ">=", "in", "not in"),
    FieldKind.TRUTH: ("=", "!="),
    FieldKind.PATH: ("=", "!=", "in", "not in", "under", "contains"),
    FieldKind.MOMENT: ("<", "<=", ">", ">="),
    FieldKind.ATTRIBUTE: ("=", "!=", "<", "<=", ">", ">=", "in", "not in", "contains"),
    FieldKind.WEEKDAY: ("=", "!=", "in", "not in"),
}


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields that conditions of one sort may name.

    Attributes:
        own: Name and kind of those that are always there.
        attributes: Names of the catalogue's, or the users', own attributes.
        prefix: What stands before an attribute's name.
        of: Whose they are, for messages.
        numeric: Attributes of which at least one value is a number.
        is_open: Whether any other name is an attribute that nobody has at present: rules that were right when they
            were applied stay in force.
    """

    own: Mapping[str, FieldKind]
    attributes: frozenset[str] = frozenset()
    prefix: str = ""
    of: str = "item"
    numeric: frozenset[str] = field(default_factory=frozenset[str])
    is_open: bool = False

    @classmethod
    def of_items(cls, attributes: Iterable[str], numeric: Iterable[str]) -> Fields:
        """What conditions over items may name."""
        return cls(ITEM_FIELDS, frozenset(attributes), numeric=frozenset(numeric))

    @classmethod
    def of_requests(cls, user_attributes: Iterable[str], numeric: Iterable[str] = ()) -> Fields:
        """What conditions over requests may name."""
        return cls(REQUEST_FIELDS, frozenset(user_attributes), USER_PREFIX, "request", frozenset(numeric))

    @property
    def known(self) -> list[str]:
        """All names, as a condition spells them."""
        return sorted({*self.own, *(self.prefix + name for name in self.attributes)})

    def kind(self, name: str) -> FieldKind | None:
        """What a field holds; None where there is no such field."""
        if name in self.own:
            return self.own[name]
        if name.startswith(self.prefix) and (self.is_open or name[len(self.prefix) :] in self.attributes):
            return FieldKind.ATTRIBUTE
        return None


def typed(condition: Condition, fields: Fields, *, where: str, error: type[InputError] = ConfigError) -> Condition:
    """The same condition with paths and moments in place of their text, every test checked.

    Raises:
        InputError: of the kind that `error` names: an unknown field (with the near name), a test that makes no sense of
            the field, or a value of another kind.
    """
    if isinstance(condition, Test):
        return _typed(condition, fields, where, error)
    if isinstance(condition, Not):
        return Not(typed(condition.part, fields, where=where, error=error))
    parts = tuple(typed(part, fields, where=where, error=error) for part in condition.parts)
    return Both(parts) if isinstance(condition, Both) else Either(parts)


def _typed(test: Test, fields: Fields, where: str, error: type[InputError]) -> Test:
    kind = fields.kind(test.field)
    if kind is None:
        raise _unknown(test.field, fields, where, error)
    if not test.values:
        return test
    if test.operator not in OPERATORS[kind]:
        raise error(
            f"`{test}`: {test.field!r} is {kind.value}",
            expected=f"one of {' '.join(OPERATORS[kind])}",
            where=where,
            code="bad_condition",
        )
    compares = test.operator in ("<", "<=", ">", ">=")
    name = test.field[len(fields.prefix) :] if kind is FieldKind.ATTRIBUTE else test.field
    if kind is FieldKind.ATTRIBUTE and compares and not (fields.is_open or name in fields.numeric):
        raise error(
            f"`{test}`: no {fields.of}'s {test.field!r} is a number",
            expected="`=`, `in` or `contains`",
            where=where,
            code="bad_condition",
        )
    return Test(test.field, test.operator, tuple(_value(test, value, kind, where, error) for value in test.values))


def _value(test: Test, value: Value, kind: FieldKind, where: str, error: type[InputError]) -> Value:
    def wrong(expected: str, hint: str | None = None) -> InputError:
        return error(f"`{test}`: {test.field!r} is {kind.value}", expected=expected, where=where, hint=hint,
                     code="bad_condition")  # fmt: skip

    if test.operator == "contains" or kind in (FieldKind.TEXT, FieldKind.WEEKDAY, FieldKind.PATH):
        if not isinstance(value, str):
            raise wrong("text in quotation marks")
        if kind is FieldKind.PATH and test.operator != "contains":
            if not category_path(value):
                raise wrong('a path, as in "Home > Kitchen"')
            return category_path(value)
        if kind is FieldKind.WEEKDAY:
            day = value.casefold()
            if day not in WEEKDAYS:
                raise wrong(f"one of {', '.join(WEEKDAYS)}", did_you_mean(day, WEEKDAYS))
            return day
        return value
    if kind is FieldKind.NUMBER or (kind is FieldKind.ATTRIBUTE and test.operator in ("<", "<=", ">", ">=")):
        if not isinstance(value, float):
            raise wrong("a number without quotation marks")
        return value
    if kind is FieldKind.TRUTH and not isinstance(value, bool):
        raise wrong("true or false")
    if kind is FieldKind.MOMENT:
        moment = _moment(value)
        if moment is None:
            raise wrong('a date as in "2026-11-30", or with a time and its offset')
        return moment
    return value


def _moment(value: Value) -> float | None:
    """Milliseconds of an ISO date or time; without an offset it is UTC."""
    if isinstance(value, float):
        return value  # typed before
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1_000


def _unknown(name: str, fields: Fields, where: str, error: type[InputError]) -> InputError:
    known = fields.known
    folded = {one.casefold(): one for one in known}
    match = folded.get(name.casefold()) or near(name, known)
    shown = ", ".join(known[:20]) + (f" and {len(known) - 20:,} more" if len(known) > 20 else "")
    return error(
        f"no {fields.of} has a field {name!r}; known: {shown}",
        where=where,
        hint=f"did you mean {match!r}?" if match else None,
        code="unknown_field",
    )


def is_numeric(values: Iterable[str]) -> bool:
    """Whether any of these texts is a number."""
    return any(as_number(value) is not None for value in values)
