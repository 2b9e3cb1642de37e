"""What rules would change: answered requests are made again, with the rules in force and with the new ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from shelfwise.errors import QueryError
from shelfwise.pipeline.fitted import Progress
from shelfwise.pipeline.recommender import Recommender
from shelfwise.rules.plan import Plan
from shelfwise.rules.rule_set import RuleSet
from shelfwise.schemas.candidates import History
from shelfwise.schemas.queries import Query
from shelfwise.store import event_log, slate_log
from shelfwise.store.records import Records

N_EXAMPLES = 5


class Replay(NamedTuple):
    """One request to be made again.

    Attributes:
        slate_id: What is drawn at random is drawn from it, both times.
        query: As it was asked.
    """

    slate_id: str
    query: Query


@dataclass(frozen=True, slots=True)
class Example:
    """A slate that changes.

    Attributes:
        user_id: Whose; None for somebody unknown.
        scenario: Where.
        before: Item ids by the rules in force.
        after: Item ids by the new ones.
        rules: Names of the new rules that had a hand in it.
    """

    user_id: str | None
    scenario: str
    before: list[str]
    after: list[str]
    rules: list[str]

    def as_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Preview:
    """What new rules change.

    Attributes:
        n_replayed: Requests that were made again.
        n_logged: Of these, how many were really asked; the others stand in for them, where the shop logs few slates.
        n_changed: Slates with other items, or in another order.
        by_rule: Of each rule, the changed slates that it had a hand in.
        examples: Some of them.
    """

    n_replayed: int
    n_logged: int
    n_changed: int
    by_rule: dict[str, int]
    examples: list[Example]

    def as_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "n_replayed": self.n_replayed,
            "n_logged": self.n_logged,
            "n_changed": self.n_changed,
            "by_rule": self.by_rule,
            "examples": [one.as_document() for one in self.examples],
        }


def replays(recommender: Recommender, records: Records, n: int, scenario: str | None) -> tuple[list[Replay], int]:
    """Requests to be made again: the latest logged ones, then the latest users' in the places that need no more.

    Returns:
        The requests, and how many of them were logged.
    """
    places = recommender.model.config.scenarios
    with records.read() as connection:
        logged = [
            Replay(one.slate_id, Query(user_id=one.user_id, scenario=one.scenario, **one.query))
            for one in slate_log.latest(connection, n, scenario)
            if one.scenario in places
        ]
        users = event_log.latest_users(connection, n - len(logged)) if len(logged) < n else []
    open_to_all = [
        name for name, spec in places.items() if not spec.needs and spec.answer != "offers" and scenario in (None, name)
    ]
    made_up = [
        Replay(f"replay-{user}-{name}", Query(user_id=user, scenario=name)) for user in users for name in open_to_all
    ]
    return [*logged, *made_up[: n - len(logged)]], len(logged)


def preview(
    recommender: Recommender,
    records: Records,
    rules: RuleSet,
    progress: Progress,
    *,
    n: int = 1_000,
    scenario: str | None = None,
    against: RuleSet | None = None,
) -> Preview:
    """Make requests again with other rules.

    Both times at one moment, of what was known then: where slates differ, the rules are the reason.

    Args:
        recommender: Not to be used by others meanwhile: it follows the new rules for a while.
        records: The shop's.
        rules: The new ones, checked.
        progress: Told of every request.
        n: Requests at most.
        scenario: Only of this place; None: of all.
        against: What they are compared with; None: the rules in force.
    """
    asked, n_logged = replays(recommender, records, n, scenario)
    recommender.asking.follow()  # or the first answer would, and put the rules in force in place of `against`
    in_force = recommender.rules.version
    with recommender.live.standing_still():
        told = [recommender.asking.history(one.query) for one in asked]
        try:
            if against is not None:
                recommender.rules.use(against)
            before = _answers(recommender, asked, told, progress, "slates by the rules before")
            recommender.rules.use(rules)
            after = _answers(recommender, asked, told, progress, "slates by the new rules")
            plans = [_plan(recommender, one.query) for one in asked]
        finally:
            recommender.rules.version = -1 if in_force else 0
            recommender.rules.use(RuleSet())
            recommender.rules.refresh()
    by_rule: Counter[str] = Counter(dict.fromkeys(rules.rules, 0))
    examples: list[Example] = []
    further: list[Example] = []
    shown_users: set[str | None] = set()
    n_changed = 0
    for one, was, now, plan in zip(asked, before, after, plans, strict=True):
        if was == now:
            continue
        n_changed += 1
        names = _hands(recommender, was, now, plan)
        by_rule.update(names)
        if len(examples) < N_EXAMPLES:  # of as many users as there are
            kept = further if one.query.user_id in shown_users else examples
            kept.append(Example(one.query.user_id, one.query.scenario, was, now, names))
            shown_users.add(one.query.user_id)
    return Preview(len(asked), n_logged, n_changed, dict(by_rule), [*examples, *further][:N_EXAMPLES])


def _answers(
    recommender: Recommender, asked: Sequence[Replay], told: Sequence[History], progress: Progress, text: str
) -> list[list[str]]:
    found: list[list[str]] = []
    for done, (one, history) in enumerate(zip(asked, told, strict=True), start=1):
        try:
            slate = recommender.answer(one.query, one.slate_id, composed=lambda _, known=history: known).slate
        except QueryError:  # it was asked of another model, or of another catalogue
            found.append([])
        else:
            items = [*slate.items, *(item for part in (*slate.bundles, *slate.brands) for item in part.items)]
            found.append([item.item_id for item in items])
        progress(text, done, len(asked))
    return found


def _plan(recommender: Recommender, query: Query) -> Plan:
    return recommender.rules.plan(query, recommender.clock.now_ms(), query.user_id, 0)


def _hands(recommender: Recommender, was: list[str], now: list[str], plan: Plan) -> list[str]:
    """The rules that explain a difference: pins that are there, moves of what is there, bans of what was there."""
    catalogue, columns = recommender.catalogue, recommender.rules.columns
    rows_was, rows_now = (
        np.array([row for row in map(catalogue.row, ids) if row is not None], np.int32) for ids in (was, now)
    )
    gone = rows_was[~np.isin(rows_was, rows_now)]
    names: list[str] = []
    for rule in plan.rules:
        if rule.items is None:
            touched = bool(set(rule.pinned) & set(now))
        else:
            mask = columns.matching(rule.items, recommender.clock.now_ms())
            if rule.action == "require":
                touched = bool((~mask[gone]).any())
            else:
                touched = bool(mask[gone].any() if rule.action == "block" else mask[[*rows_was, *rows_now]].any())
        if touched:
            names.append(rule.name)
    return names
