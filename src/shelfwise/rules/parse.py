r"""Read a condition.

    condition   any { "or" any }
    any         one { "and" one }
    one         "not" one | "(" condition ")" | test
    test        field comparison value           comparison: = != < <= > >= under contains
              | field ["not"] "in" "(" value { "," value } ")"
              | field "is" ( "known" | "missing" )
    field       a plain word, or any name in quotation marks
    value       "text" or 'text' (\ before a quotation mark), a number, true, false

Words of the language may be written in small or capital letters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from shelfwise.errors import ConfigError, InputError
from shelfwise.rules.conditions import PLAIN_NAME, RESERVED, Both, Condition, Either, Not, Test, Value

MAX_CHARS = 4_000
MAX_TESTS = 100
MAX_DEPTH = 20

TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<number>[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,3})?)(?![\w.])"
    rf"|(?P<word>{PLAIN_NAME.pattern})"
    r"|(?P<sign>!=|<=|>=|<>|==|=|<|>|\(|\)|,)"
    r"|(?P<other>\S)"
    r")",
    re.DOTALL,
)
"""What a condition is made of; the name of the group says what was found."""


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class _Reader:
    def __init__(self, text: str, where: str, error: type[InputError]) -> None:
        self.text, self.where, self.error = text, where, error
        self.tokens = [
            _Token(str(found.lastgroup), found.group(found.lastgroup or 0), found.start(found.lastgroup or 0))
            for found in TOKEN.finditer(text)
        ]
        self.place, self.depth, self.n_tests = 0, 0, 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.place] if self.place < len(self.tokens) else _Token("end", "", len(self.text))

    def word(self, *words: str) -> bool:
        """Take one of these words, if it is next."""
        token = self.next
        if token.kind == "word" and token.text.casefold() in words:
            self.place += 1
            return True
        return False

    def sign(self, sign: str) -> bool:
        if self.next.kind == "sign" and self.next.text == sign:
            self.place += 1
            return True
        return False

    def wrong(self, expected: str, hint: str | None = None) -> InputError:
        token = self.next
        found = "the condition ends" if token.kind == "end" else f"{token.text!r} at character {token.at + 1}"
        return self.error(
            f"{found} of {self.text!r}" if token.kind != "end" else f"{found} after {self.text!r}",
            expected=expected,
            where=self.where,
            hint=hint or 'as in: category under "Home > Kitchen" and price < 20 and not brand = "Acme"',
            code="bad_condition",
        )

    def condition(self) -> Condition:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.wrong(f"at most {MAX_DEPTH} levels of brackets")
        found = self.joined("or", lambda: self.joined("and", self.one, Both), Either)
        self.depth -= 1
        return found

    def joined(self, word: str, part: Callable[[], Condition], kind: type[Both] | type[Either]) -> Condition:
        parts = [part()]
        while self.word(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else kind(tuple(parts))

    def one(self) -> Condition:
        if self.word("not"):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise self.wrong(f"at most {MAX_DEPTH} levels of brackets and `not`")
            found = Not(self.one())
            self.depth -= 1
            return found
        if self.sign("("):
            found = self.condition()
            if not self.sign(")"):
                raise self.wrong("`)`, `and` or `or`")
            return found
        return self.test()

    def test(self) -> Test:
        self.n_tests += 1
        if self.n_tests > MAX_TESTS:
            raise self.wrong(f"at most {MAX_TESTS} tests")
        field = self.field()
        if self.word("is"):
            for state in ("known", "missing"):
                if self.word(state):
                    return Test(field, f"is {state}")
            raise self.wrong("`known` or `missing`")
        if self.word("not"):
            if not self.word("in"):
                raise self.wrong("`in` after `not`")
            return Test(field, "not in", self.values())
        if self.word("in"):
            return Test(field, "in", self.values())
        for operator in ("under", "contains"):
            if self.word(operator):
                return Test(field, operator, (self.value(),))
        token = self.next
        same = {"==": "=", "<>": "!="}
        operator = same.get(token.text, token.text)
        if token.kind == "sign" and operator in ("=", "!=", "<", "<=", ">", ">="):
            self.place += 1
            return Test(field, operator, (self.value(),))
        raise self.wrong("a comparison: = != < <= > >= in under contains is")

    def field(self) -> str:
        token = self.next
        if token.kind == "word" and token.text.casefold() not in RESERVED:
            self.place += 1
            return token.text
        if token.kind == "text":
            self.place += 1
            return unquoted(token.text)
        raise self.wrong("the name of a field")

    def values(self) -> tuple[Value, ...]:
        if not self.sign("("):
            raise self.wrong("`(` and values")
        found = [self.value()]
        while self.sign(","):
            found.append(self.value())
        if not self.sign(")"):
            raise self.wrong("`,` or `)`")
        return tuple(found)

    def value(self) -> Value:
        token = self.next
        if token.kind == "text":
            self.place += 1
            return unquoted(token.text)
        if token.kind == "number":
            number = float(token.text)
            if number - number != 0:
                raise self.wrong("a number that fits")
            self.place += 1
            return number
        if token.kind == "word" and token.text.casefold() in ("true", "false"):
            self.place += 1
            return token.text.casefold() == "true"
        hint = f'write it in quotation marks: "{token.text}"' if token.kind == "word" else None
        raise self.wrong('"text", a number, true or false', hint)


def parse(text: str, *, where: str, error: type[InputError] = ConfigError) -> Condition:
    """The tree of a condition.

    Args:
        text: As somebody wrote it.
        where: Path of the rule or the query's field, for error messages.
        error: Raised where it cannot be read.

    Raises:
        InputError: of the kind that `error` names: what was found at which character, and what would have been right.

    Examples:
        >>> str(parse("price < 20 AND NOT (brand = 'Acme' or brand is missing)", where="filter"))
        'price < 20 and not (brand = "Acme" or brand is missing)'
    """
    if len(text) > MAX_CHARS:
        raise error(
            f"the condition has {len(text):,} characters",
            expected=f"{MAX_CHARS:,} at most",
            where=where,
            code="bad_condition",
        )
    reader = _Reader(text, where, error)
    found = reader.condition()
    if reader.next.kind != "end":
        raise reader.wrong("`and`, `or` or the end")
    return found


def unquoted(text: str) -> str:
    """What stands between quotation marks."""
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
