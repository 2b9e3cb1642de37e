"""Conditions as a tree: what the parser makes of text, and what masks and requests are tested with.

`str(tree)` is the text that parses to the same tree again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

Value = str | float | bool | tuple[str, ...]
"""A literal: text, a number, true or false; a category path once the field is known to be one."""

COMPARISONS: Final = ("=", "!=", "<", "<=", ">", ">=")
LISTS: Final = ("in", "not in")
PRESENCE: Final = ("is known", "is missing")
PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[.-][A-Za-z0-9_]+)*")
RESERVED: Final = frozenset({"and", "or", "not", "in", "under", "contains", "is", "known", "missing", "true", "false"})


class _Unsaid:
    """Stands for a fact that is not known yet."""

    def __repr__(self) -> str:
        return "UNSAID"


UNSAID: Final = _Unsaid()

Fact = str | float | bool | tuple[str, ...] | None | _Unsaid
"""What a field holds: None where there is nothing, `UNSAID` where nobody knows yet."""

FactOf = Callable[[str], Fact]


@dataclass(frozen=True, slots=True)
class Test:
    """One field against literals.

    Attributes:
        field: Name of what is tested.
        operator: A comparison, `in`, `not in`, `under`, `contains`, `is known` or `is missing`.
        values: One literal for a comparison, several for a list, none for presence.
    """

    __test__: ClassVar[bool] = False  # no test of ours, says pytest's language

    field: str
    operator: str
    values: tuple[Value, ...] = ()

    def __str__(self) -> str:
        name = quoted_name(self.field)
        if self.operator in PRESENCE:
            return f"{name} {self.operator}"
        if self.operator in LISTS:
            return f"{name} {self.operator} ({', '.join(map(literal, self.values))})"
        return f"{name} {self.operator} {literal(self.values[0])}"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; also true where the field is missing."""

    part: Condition

    def __str__(self) -> str:
        return f"not {_bracketed(self.part)}"


@dataclass(frozen=True, slots=True)
class Both:
    """All of its parts."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return " and ".join(map(_bracketed, self.parts))


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of its parts."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return " or ".join(map(_bracketed, self.parts))


Condition = Test | Not | Both | Either


def tests(condition: Condition) -> Iterator[Test]:
    """Every test of a tree, from left to right."""
    if isinstance(condition, Test):
        yield condition
    elif isinstance(condition, Not):
        yield from tests(condition.part)
    else:
        for part in condition.parts:
            yield from tests(part)


def holds(condition: Condition, fact_of: FactOf) -> bool | None:
    """Whether a condition is true of some facts; None where that hangs on what is unsaid."""
    if isinstance(condition, Test):
        fact = fact_of(condition.field)
        return None if isinstance(fact, _Unsaid) else passes(condition, fact)
    if isinstance(condition, Not):
        found = holds(condition.part, fact_of)
        return None if found is None else not found
    settles = isinstance(condition, Either)  # the part that ends the search: a true one, or a false one
    is_open = False
    for part in condition.parts:
        found = holds(part, fact_of)
        if found is settles:
            return settles
        is_open = is_open or found is None
    return None if is_open else not settles


def passes(test: Test, fact: str | float | bool | tuple[str, ...] | None) -> bool:
    """Whether one field's value passes a test. What is missing passes `is missing`, `!=` and `not in` only."""
    operator, values = test.operator, test.values
    if operator == "is known":
        return fact is not None
    if operator == "is missing":
        return fact is None
    if operator in ("!=", "not in"):
        return not any(_equal(fact, value) for value in values)
    if operator in ("=", "in"):
        return any(_equal(fact, value) for value in values)
    if fact is None:
        return False
    value = values[0]
    if operator == "under":
        return isinstance(fact, tuple) and isinstance(value, tuple) and fact[: len(value)] == value
    if operator == "contains":
        return str(value).casefold() in _as_text(fact).casefold()
    number, bound = as_number(fact), as_number(value)
    if number is None or bound is None:
        return False
    if operator == "<":
        return number < bound
    if operator == "<=":
        return number <= bound
    return number > bound if operator == ">" else number >= bound


def as_number(fact: Fact) -> float | None:
    """A value as a number; None where it is none. Attributes are text, as files have them.

    Examples:
        >>> [as_number(one) for one in ("12.5", 3, "red", "nan", True)]
        [12.5, 3.0, None, None, None]
    """
    if isinstance(fact, bool) or not isinstance(fact, str | int | float):
        return None
    try:
        number = float(fact)
    except ValueError:
        return None
    return number if number - number == 0 else None


def _equal(fact: Fact, value: Value) -> bool:
    if fact is None:
        return False
    if isinstance(value, bool):
        return fact is value if isinstance(fact, bool) else _as_text(fact).casefold() == str(value).casefold()
    if isinstance(value, tuple) or isinstance(fact, tuple):
        return fact == value
    if isinstance(value, str):
        return isinstance(fact, str) and fact == value
    return as_number(fact) == value


def _as_text(fact: Fact) -> str:
    return " > ".join(fact) if isinstance(fact, tuple) else str(fact)


def literal(value: Value) -> str:
    """A value as it is written in a condition."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return literal(" > ".join(value))
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def quoted_name(name: str) -> str:
    """A field's name as it is written: in quotation marks where it is no plain word."""
    return name if PLAIN_NAME.fullmatch(name) and name.casefold() not in RESERVED else literal(name)


def _bracketed(part: Condition) -> str:
    return f"({part})" if isinstance(part, Both | Either) else str(part)
