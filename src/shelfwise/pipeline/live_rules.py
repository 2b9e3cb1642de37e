"""The rules in force while answering, and the filters of queries: both are conditions over the same columns."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict

import numpy as np

from shelfwise.errors import ConfigError, QueryError
from shelfwise.pipeline.live_catalogue import LiveCatalogue
from shelfwise.rules.columns import ItemColumns
from shelfwise.rules.conditions import Condition
from shelfwise.rules.fields import REQUEST_FIELDS, USER_PREFIX, Fields, typed
from shelfwise.rules.parse import parse
from shelfwise.rules.plan import NO_PLAN, Plan, Planner, Request, ready
from shelfwise.rules.rule_set import RuleSet, rule_set
from shelfwise.schemas.ids import Bools
from shelfwise.schemas.items import category_path
from shelfwise.schemas.queries import Query
from shelfwise.store import people, rule_versions
from shelfwise.store.records import Records
from shelfwise.store.sealing import ALTERED_ONLY

log = logging.getLogger("shelfwise.rules")

MAX_FILTERS = 256
"""Filters whose trees are remembered."""


def open_fields(columns: ItemColumns) -> tuple[Fields, Fields]:
    """Fields of items and of requests for rules that were checked when they were applied."""
    own = columns.fields()
    return (
        Fields(own.own, own.attributes, numeric=own.numeric, is_open=True),
        Fields(REQUEST_FIELDS, prefix=USER_PREFIX, of="request", is_open=True),
    )


class LiveRules:
    """Follows the rules in force.

    Attributes:
        version: In force; 0 before the first.
    """

    def __init__(self, catalogue: LiveCatalogue, records: Records) -> None:
        self._catalogue = catalogue
        self._records = records
        self._planner: Planner | None = None
        self._filters: OrderedDict[str, Condition] = OrderedDict()
        self.version = 0
        self.refresh()

    def follow(self, newest: int) -> None:
        """Take up the rules in force where these are not they; `newest` is the store's mark."""
        if newest != self.version:
            self.refresh()

    @property
    def columns(self) -> ItemColumns:
        """The catalogue by fields."""
        return self._catalogue.columns

    def refresh(self) -> None:
        """Take up the rules that are in force now."""
        with self._records.glance() as connection:
            if rule_versions.newest(connection) == self.version:
                return
            found = rule_versions.in_force(connection)
        if found is not None:
            self.version = found.version
            try:
                self.use(rule_set(found.document))
            except ConfigError as error:  # a newer release wrote them: those before stay, and requests are answered
                log.error("version %d of the rules cannot be followed: %s", found.version, error)

    def use(self, rules: RuleSet) -> None:
        """Follow these rules from now on."""
        if not rules.rules:
            self._planner = None
            return
        self._planner = Planner(ready(rules, *open_fields(self.columns)), rules, self.columns)

    def plan(self, query: Query, shop_ms: int, user: str | None, n_events: int, *, is_away: bool = False) -> Plan:
        """What the rules do to one request.

        Args:
            query: The request.
            shop_ms: When, by the shop's clock: one that replays an old log lives at its end. Rules' own dates and hours
                are those of the wall.
            user: Who asks.
            n_events: Events known of the user.
            is_away: Whether the store cannot be read: then nothing is known of the user's attributes.
        """
        planner = self._planner
        if planner is None:
            return NO_PLAN
        attributes: dict[str, str] = {}
        if planner.reads_attributes and user is not None and not is_away:
            with self._records.glance() as connection:
                attributes = people.attributes_of_one(connection, user)
        path = () if query.category is None else category_path(query.category)
        request = Request(query.scenario, _wall_ms(), user, n_events, attributes, path, query.brand, shop_ms)
        return planner.plan(request)

    def plans(self, scenario: str, shop_ms: int, users: list[tuple[str, int]]) -> list[Plan]:
        """What the rules do to the same request of many users; each with the number of events known."""
        planner = self._planner
        if planner is None:
            return [NO_PLAN] * len(users)
        attributes: dict[str, dict[str, str]] = {}
        if planner.reads_attributes:
            with self._records.read() as connection:
                attributes = people.attributes_of(connection, [user for user, _ in users], ALTERED_ONLY)
        now_ms = _wall_ms()
        return [
            planner.plan(Request(scenario, now_ms, user, n_events, attributes.get(user, {}), shop_ms=shop_ms))
            for user, n_events in users
        ]

    def filtered(self, text: str, now_ms: int) -> Bools:
        """Which items a query's filter lets be shown; shape `(n,)`; not to be changed.

        Raises:
            QueryError: it cannot be read, or names a field that no item has.
        """
        condition = self._filters.get(text)
        if condition is None:
            condition = typed(
                parse(text, where="filter", error=QueryError), self.columns.fields(), where="filter", error=QueryError
            )
            self._filters[text] = condition
            if len(self._filters) > MAX_FILTERS:
                self._filters.popitem(last=False)
        return self.columns.matching(condition, now_ms)


def _wall_ms() -> int:
    return int(time.time() * 1_000)


def restricted(allowed: Bools, plan: Plan) -> Bools:
    """What may be shown, less what the rules keep out; shape `(n,)`."""
    return allowed if plan.allowed is None else np.logical_and(allowed, plan.allowed)
