"""Rules as somebody types them: read with every problem named, each at its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from pydantic import ValidationError

from shelfwise.config.problems import as_config_error
from shelfwise.errors import ConfigError, InputError
from shelfwise.rules.rule_set import RuleSet

MAX_TOML_CHARS = 1_000_000

_TOML_PLACE = re.compile(r"\(at line (\d+), column \d+\)")
_HEADER = re.compile(r"""^\s*\[\s*rules\s*\.\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*\]""")


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """One thing that is wrong with rules as they are written.

    Attributes:
        where: Path of the key; empty for the whole text.
        line: In the text, from 1; None where there is no text, or the place is not known.
        code: Stable, for machines.
        message: What was found, and what would have been right.
        hint: What to do.
    """

    where: str
    line: int | None
    code: str
    message: str
    hint: str | None

    @property
    def rule(self) -> str | None:
        """The rule that it is about."""
        parts = self.where.split(".")
        return parts[1] if len(parts) > 1 and parts[0] == "rules" else None


class RuleText:
    """A text of rules, and where in it each rule stands."""

    def __init__(self, toml: str) -> None:
        self._lines = toml.splitlines()
        self.toml = toml

    def document(self) -> dict[str, Any]:
        """The text as plain values.

        Raises:
            ConfigError: it is no TOML; `where` names the line.
        """
        try:
            return tomllib.loads(self.toml)
        except tomllib.TOMLDecodeError as cause:
            found = _TOML_PLACE.search(str(cause))
            where = f"line {found[1] if found else len(self._lines)}"
            raise ConfigError(f"not TOML: {cause}", where=where, code="bad_toml") from cause

    def line_of(self, where: str) -> int | None:
        """The line of a path such as `rules.hero.pin`, from 1; that of its table where the key is not there."""
        if where.startswith("line "):
            return int(where[5:])
        parts = where.split(".")
        if parts[0] != "rules":
            return self._key(parts[0], 0, len(self._lines))
        for start, end, name in self._tables():
            if len(parts) > 1 and name == parts[1]:
                return (self._key(parts[2], start, end) if len(parts) > 2 else None) or start
        return None

    def _tables(self) -> Iterator[tuple[int, int, str]]:
        """First line, last line and name of each rule."""
        heads = [
            (number, next(part for part in found.groups() if part is not None))
            for number, line in enumerate(self._lines, start=1)
            if (found := _HEADER.match(line))
        ]
        ends = [number - 1 for number, _ in heads[1:]] + [len(self._lines)]
        for (start, name), end in zip(heads, ends, strict=True):
            yield start, end, name

    def _key(self, key: str, start: int, end: int) -> int | None:
        found = re.compile(rf"""^\s*["']?{re.escape(key)}["']?\s*=""")
        return next((number for number in range(start + 1, end + 1) if found.match(self._lines[number - 1])), None)


def read_each(document: dict[str, Any], text: RuleText | None) -> tuple[RuleSet, list[RuleProblem]]:
    """The rules of a document that can be read, and what is wrong with the others.

    Args:
        document: As in rules.toml.
        text: What it was read from, for the lines of problems.
    """
    problems: list[RuleProblem] = []
    tables = document.get("rules", {})
    outer = {name: value for name, value in document.items() if name != "rules"}
    if not isinstance(tables, dict):
        return _all_of({"rules": tables}, text, problems) or RuleSet(), problems
    whole = _all_of(outer, text, problems) or RuleSet()
    read: dict[str, Any] = {}
    for name, table in cast("dict[str, Any]", tables).items():
        found = _all_of({"rules": {name: table}}, text, problems)
        if found is not None:
            read |= found.rules
    return whole.model_copy(update={"rules": read}), problems


def problem_of(error: InputError, text: RuleText | None) -> RuleProblem:
    """An error about rules as a problem of their text."""
    where = error.where or ""
    message = f"{error.found}; expected {error.expected}" if error.expected else error.found
    line = text.line_of(where) if text is not None and where else None
    return RuleProblem("" if where.startswith("line ") else where, line, error.code, message, error.hint)


def _all_of(document: dict[str, Any], text: RuleText | None, problems: list[RuleProblem]) -> RuleSet | None:
    try:
        return RuleSet.model_validate(document)
    except ValidationError as cause:
        problems.append(problem_of(as_config_error(cause, RuleSet), text))
        return None
