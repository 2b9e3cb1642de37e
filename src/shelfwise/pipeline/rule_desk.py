"""The shop as rules see it, kept between two looks at it: for checks and completion while somebody writes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Literal

import numpy as np

from shelfwise.datasets.catalogue import is_allowed
from shelfwise.errors import ConfigError, did_you_mean
from shelfwise.rules.columns import ItemColumns
from shelfwise.rules.completion import Counted, Suggestion, Suggestions, suggestions
from shelfwise.rules.conflicts import FAR, Findings, findings
from shelfwise.rules.fields import REQUEST_FIELDS, USER_PREFIX, FieldKind, Fields, is_numeric
from shelfwise.rules.plan import ReadyRule, ready
from shelfwise.rules.rule_set import RuleSet
from shelfwise.rules.rule_text import RuleProblem, RuleText, problem_of
from shelfwise.schemas.ids import Bools
from shelfwise.store import catalogue as item_store
from shelfwise.store import people
from shelfwise.store.marks import marks
from shelfwise.store.records import Records

Standing = Literal["holds", "waits", "over", "off"]
"""In force by its dates, not yet, no more, or switched off."""

USERS_KEPT_S = 60.0
"""How long what is known of users' attributes is used before it is read again."""

IDLE_S = 600.0
"""How long the catalogue by fields is kept after the last call."""

CHUNK = 5_000
MAX_VALUES = 20_000
"""Values of a field that are looked through for a completion, the most frequent ones."""


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """What is known of one rule.

    Attributes:
        name: Of its table.
        standing: Whether it is in force, by its dates and its switch.
        n_items: Available items that its condition is true of, or that it pins.
        titles: Of the items that it pins, in their order.
        line: In the text, from 1; None without one.
    """

    name: str
    standing: Standing
    n_items: int
    titles: list[str | None]
    line: int | None


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """What is to be said of rules before anybody applies them.

    Attributes:
        problems: Why rules cannot be applied.
        findings: Conflicts and warnings among those that could be read.
        facts: Of each rule that could be read, in the order written.
    """

    problems: list[RuleProblem]
    findings: Findings
    facts: list[RuleFacts]


class RuleDesk:
    """Checks rules and completes conditions against the shop as it is stored; may be called from any thread.

    The catalogue by fields is read at the first call and brought up to date at each: what changed is read anew.
    """

    def __init__(self, records: Records, scenarios: Callable[[], Sequence[str]]) -> None:
        self._records, self._scenarios = records, scenarios
        self._lock = threading.Lock()
        self._columns = ItemColumns()
        self._shown: list[bool] = []
        self._seen = (0, -1)
        self._users: dict[str, Counter[str]] = {}
        self._users_until, self._erasures = 0.0, -1
        self._asked_s = 0.0

    def forget_when_idle(self) -> None:
        """Let go of what was read where nobody asked for a while; never waits."""
        if not self._shown or time.monotonic() < self._asked_s + IDLE_S or not self._lock.acquire(blocking=False):
            return
        try:
            self._columns, self._shown, self._seen = ItemColumns(), [], (0, -1)
            self._users, self._users_until = {}, 0.0
        finally:
            self._lock.release()

    def check(self, rules: RuleSet, text: RuleText | None = None) -> RuleCheck:
        """Everything that is wrong or odd about rules, and what each of them takes hold of.

        Args:
            rules: Read, and not checked.
            text: What they were read from, for the lines of what is found.
        """
        with self._lock:
            shown = self._brought_up()
            problems, good = self._ready(rules, text)
            now_ms = int(datetime.now(UTC).timestamp() * 1_000)
            found = findings(good, self._columns, shown, self._scenarios(), now_ms)
            facts = [self._facts(rule, shown, now_ms, text) for rule in good]
        return RuleCheck(problems, found, facts)

    def complete_items(self, prefix: str, limit: int) -> Suggestions:
        """What may follow the beginning of a condition over items."""
        with self._lock:
            shown = self._brought_up()
            fields = self._columns.fields()
            return suggestions(
                prefix,
                fields,
                lambda name: self._item_values(name, shown),
                limit,
                lambda name: self._n_with(name, shown),
            )

    def complete_requests(self, prefix: str, limit: int) -> Suggestions:
        """What may follow the beginning of a condition over requests."""
        with self._lock:
            shown = self._brought_up()
            return suggestions(prefix, self._request_fields(), lambda name: self._request_values(name, shown), limit)

    def complete_ids(self, prefix: str, limit: int) -> Suggestions:
        """Ids of available items that start with some letters, then those whose title contains them."""
        wanted = prefix.casefold()
        with self._lock:
            shown = self._brought_up()
            rows = np.flatnonzero(shown).tolist()

            def title(row: int) -> str:
                return self._columns.get(row, "title", 0) or ""

            def item_id(row: int) -> str:
                return self._columns.get(row, "item_id", 0)

            first = list(islice((row for row in rows if item_id(row).casefold().startswith(wanted)), limit))
            others = (row for row in rows if wanted in title(row).casefold()) if wanted else iter(())
            found = list(dict.fromkeys([*first, *islice(others, limit)]))[:limit]
            several = tuple(Suggestion(item_id(row), "value", title(row)) for row in found)
        return Suggestions(0, "value", several)

    def _brought_up(self) -> Bools:
        self._asked_s = time.monotonic()
        with self._records.read() as connection:
            while changed := item_store.changed_since(connection, *self._seen, CHUNK):
                for one in changed:
                    self._columns.put(one.entry)
                    missing = one.entry.row + 1 - len(self._shown)
                    self._shown.extend([False] * missing)
                    self._shown[one.entry.row] = is_allowed(one.entry)
                self._seen = (changed[-1].changed_seq, changed[-1].entry.row)
            n_erased = marks(connection).erasures
            if n_erased != self._erasures or time.monotonic() > self._users_until:
                self._users = people.counts_by_attribute(connection)
                self._erasures, self._users_until = n_erased, time.monotonic() + USERS_KEPT_S
        return np.array(self._shown, bool)

    def _request_fields(self) -> Fields:
        return Fields.of_requests(self._users, (name for name, found in self._users.items() if is_numeric(found)))

    def _ready(self, rules: RuleSet, text: RuleText | None) -> tuple[list[RuleProblem], list[ReadyRule]]:
        problems: list[RuleProblem] = []
        good: list[ReadyRule] = []
        item_fields, request_fields = self._columns.fields(), self._request_fields()
        for name in rules.rules:
            alone = rules.model_copy(update={"rules": {name: rules.rules[name]}})
            try:
                [rule] = ready(alone, item_fields, request_fields)
                self._require_pinned(rule)
            except ConfigError as error:
                problems.append(problem_of(error, text))
            else:
                good.append(rule)
        return problems, good

    def _require_pinned(self, rule: ReadyRule) -> None:
        for item_id in rule.pinned:
            if self._columns.row(item_id) < 0:
                raise ConfigError(
                    f"there is no item {item_id!r}",
                    where=f"rules.{rule.name}.pin",
                    hint=did_you_mean(item_id, self._columns.values("item_id")) if len(self._columns) < FAR else None,
                    code="unknown_item",
                )

    def _facts(self, rule: ReadyRule, shown: Bools, now_ms: int, text: RuleText | None) -> RuleFacts:
        if rule.items is not None:
            n_items = int(np.count_nonzero(self._columns.matching(rule.items, now_ms) & shown))
        else:
            n_items = sum(bool(shown[self._columns.row(item_id)]) for item_id in rule.pinned)
        titles = [self._columns.get(self._columns.row(item_id), "title", now_ms) for item_id in rule.pinned]
        line = None if text is None else text.line_of(f"rules.{rule.name}")
        return RuleFacts(rule.name, standing_of(rule, now_ms), n_items, titles, line)

    def _n_with(self, name: str, shown: Bools) -> int | None:
        return None if name == "age_d" else sum(n for _, n in self._columns.counts(name, shown))

    def _item_values(self, name: str, shown: Bools) -> Counted:
        kind = self._columns.fields().kind(name)
        found = self._columns.counts(name, shown)[:MAX_VALUES]
        if kind is FieldKind.PATH:
            return _paths(found)
        return [(str(value), n) for value, n in found]

    def _request_values(self, name: str, shown: Bools) -> Counted:
        if name == "scenario":
            return [(one, None) for one in self._scenarios()]
        if name.startswith(USER_PREFIX):
            return list(self._users.get(name.removeprefix(USER_PREFIX), Counter()).most_common(MAX_VALUES))
        return self._item_values(name, shown) if name in REQUEST_FIELDS and name in ("category", "brand") else []


def standing_of(rule: ReadyRule, now_ms: int) -> Standing:
    """Whether a rule is in force at a moment, by its dates and its switch."""
    if not rule.enabled:
        return "off"
    if now_ms < rule.span_ms[0]:
        return "waits"
    return "holds" if now_ms < rule.span_ms[1] else "over"


def _paths(found: Sequence[tuple[Any, int]]) -> Counted:
    """Every category with those above it, each with the items in it and below."""
    counts: Counter[str] = Counter()
    for path, n in found:
        for depth in range(1, len(path) + 1):
            counts[" > ".join(path[:depth])] += n
    return list(counts.most_common())
