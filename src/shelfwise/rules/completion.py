"""What may stand next in a condition that somebody is writing: fields, comparisons, values, and the words between."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from shelfwise.rules.conditions import RESERVED, literal, quoted_name
from shelfwise.rules.fields import OPERATORS, WEEKDAYS, FieldKind, Fields
from shelfwise.rules.parse import TOKEN, unquoted

Kind = Literal["field", "operator", "value", "word"]
Counted = Sequence[tuple[str, int | None]]
"""Values as text, and how many have each where that is known."""

Expected = Literal["field", "operator", "in", "open", "value", "list", "presence", "join", "nothing"]

SIGNS = frozenset({"=", "!=", "<", "<=", ">", ">=", "==", "<>"})
_BEGUN = re.compile(r"(?:[^\W\d][\w.-]*|[<>!=]+|[+-]?[\d.]+)\Z")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing that may stand next.

    Attributes:
        text: What takes the place of what was begun.
        kind: A field, an operator, a value, or another word of the language.
        detail: What a field holds; empty for others.
        count: Items, or users, that have it; None where that is not counted.
    """

    text: str
    kind: Kind
    detail: str = ""
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What may stand next.

    Attributes:
        start: Where what was begun starts, in characters: the texts take its place.
        expected: What kind of thing belongs there.
        several: The likeliest first.
    """

    start: int
    expected: Expected
    several: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True)
class _State:
    expected: Expected = "field"
    field: str = ""
    depth: int = 0
    in_list: bool = False


def suggestions(
    prefix: str,
    fields: Fields,
    values_of: Callable[[str], Counted],
    limit: int,
    n_by_field: Callable[[str], int | None] = lambda _: None,
) -> Suggestions:
    """What may follow the beginning of a condition.

    Args:
        prefix: The condition up to where somebody writes.
        fields: That it may name.
        values_of: The values of a field, most frequent first.
        limit: Suggestions at most.
        n_by_field: How many have a field at all; None where that is not counted.

    Returns:
        Those that start with what was begun, then those that contain it; nothing where the condition is wrong already.
    """
    start, is_text = _begun(prefix)
    begun = prefix[start:]
    state = _after(prefix[:start])
    wanted = unquoted(begun + begun[0]) if is_text else begun
    offered = list(_offered(state, fields, values_of, n_by_field, is_text=is_text))
    return Suggestions(start, state.expected, tuple(_matching(offered, wanted)[:limit]))


def _begun(prefix: str) -> tuple[int, bool]:
    """Where the last, unfinished part starts, and whether it is a text whose closing quotation mark is missing."""
    quote, start, place = "", 0, 0
    while place < len(prefix):
        sign = prefix[place]
        if quote and sign == "\\":
            place += 1
        elif quote and sign == quote:
            quote = ""
        elif not quote and sign in "\"'":
            quote, start = sign, place
        place += 1
    if quote:
        return start, True
    found = _BEGUN.search(prefix)
    return (found.start() if found else len(prefix)), False


def _after(head: str) -> _State:
    state = _State()
    for found in TOKEN.finditer(head):
        kind = str(found.lastgroup)
        state = _next(state, kind, found.group(kind))
    return state


def _next(state: _State, kind: str, text: str) -> _State:
    word = text.casefold() if kind == "word" else ""
    field, depth = state.field, state.depth
    nothing = _State("nothing")
    match state.expected:
        case "field":
            if word == "not":
                return state
            if text == "(" and kind == "sign":
                return _State("field", depth=depth + 1)
            is_name = kind == "text" or (kind == "word" and word not in RESERVED)
            return _State("operator", unquoted(text) if kind == "text" else text, depth) if is_name else nothing
        case "operator":
            if (kind == "sign" and text in SIGNS) or word in ("under", "contains"):
                return _State("value", field, depth)
            after: dict[str, Expected] = {"in": "open", "not": "in", "is": "presence"}
            return _State(after[word], field, depth) if word in after else nothing
        case "in":
            return _State("open", field, depth) if word == "in" else nothing
        case "open":
            return _State("value", field, depth, in_list=True) if text == "(" else nothing
        case "value":
            if kind in ("text", "number") or word in ("true", "false"):
                return _State("list" if state.in_list else "join", field, depth, state.in_list)
            return nothing
        case "list":
            if text == ",":
                return _State("value", field, depth, in_list=True)
            return _State("join", depth=depth) if text == ")" else nothing
        case "presence":
            return _State("join", depth=depth) if word in ("known", "missing") else nothing
        case "join":
            if word in ("and", "or"):
                return _State("field", depth=depth)
            return _State("join", depth=depth - 1) if text == ")" and depth else nothing
        case _:
            return nothing


def _offered(
    state: _State,
    fields: Fields,
    values_of: Callable[[str], Counted],
    n_by_field: Callable[[str], int | None],
    *,
    is_text: bool,
) -> Iterable[Suggestion]:
    kind = fields.kind(state.field)
    match state.expected:
        case "field":
            for name in fields.known:
                held = fields.kind(name)
                detail = held.name.lower() if held is not None else ""
                yield Suggestion(quoted_name(name), "field", detail, n_by_field(name))
            if not is_text:
                yield Suggestion("not", "word")
        case "operator":
            if kind is not None:
                yield from (Suggestion(one, "operator") for one in (*OPERATORS[kind], "is known", "is missing"))
        case "value":
            yield from _values(kind, values_of(state.field), is_text=is_text)
        case "in" | "open" | "presence" | "list" | "join":
            words = {"in": ("in",), "open": ("(",), "presence": ("known", "missing"), "list": (",", ")")}
            closing = (")",) if state.depth else ()
            yield from (Suggestion(one, "word") for one in words.get(state.expected, ("and", "or", *closing)))
        case _:
            return


def _values(kind: FieldKind | None, found: Counted, *, is_text: bool) -> Iterable[Suggestion]:
    if kind is FieldKind.TRUTH and not is_text:
        yield from (Suggestion(one, "value") for one in ("true", "false"))
    elif kind is FieldKind.WEEKDAY:
        yield from (Suggestion(literal(day), "value") for day in WEEKDAYS)
    elif kind not in (None, FieldKind.NUMBER, FieldKind.MOMENT, FieldKind.TRUTH):
        yield from (Suggestion(literal(text), "value", count=n) for text, n in found)


def _matching(offered: Sequence[Suggestion], begun: str) -> list[Suggestion]:
    wanted = begun.casefold()
    if not wanted:
        return list(offered)

    def plain(one: Suggestion) -> str:
        text = one.text.casefold()
        return unquoted(text) if text.startswith('"') else text

    first = [one for one in offered if plain(one).startswith(wanted)]
    others = [one for one in offered if wanted in plain(one) and not plain(one).startswith(wanted)]
    return [*first, *others]
