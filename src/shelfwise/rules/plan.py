"""Rules made ready: which hold for a request, and what they do to the catalogue's items together."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np
import numpy.typing as npt

from shelfwise.rules.columns import ItemColumns
from shelfwise.rules.conditions import UNSAID, Condition, Fact, holds, tests
from shelfwise.rules.fields import USER_PREFIX, WEEKDAYS, Fields, typed
from shelfwise.rules.parse import parse
from shelfwise.rules.rule_set import Action, RuleSet
from shelfwise.schemas.ids import Bools, Rows

ALL_THE_WAY = 1_000_000
"""Places that an item moves where a rule names no number: more than a list is long."""

QUARTER_MS = 900_000
"""Hours and weekdays change at a quarter of an hour, in every time zone."""

MAX_PLANS = 16
MAX_MOMENTS = 256

PERSONAL = ("user", "events")
"""Facts of a request that differ from user to user, with the user's attributes."""


@dataclass(frozen=True, slots=True)
class Request:
    """What rules are told of a request.

    Attributes:
        scenario: The place that asks.
        now_ms: When, by the calendar on the wall: dates, weekdays and hours are people's.
        shop_ms: When, by the shop's own clock, which ages of items count from; as `now_ms` where omitted.
        user: Who; None for a stranger.
        events: Events known of the user.
        attributes: The user's.
        category: Path that the request is restricted to; empty for none.
        brand: Brand that the request is restricted to.
    """

    scenario: str
    now_ms: int
    user: str | None = None
    events: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])
    category: tuple[str, ...] = ()
    brand: str | None = None
    shop_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ReadyRule:
    """A rule with its conditions typed.

    Attributes:
        name: Of its table.
        action: What it does.
        items: Its condition over items; None for a pin.
        pinned: Item ids of a pin.
        position: Where the first of them stands, from 1.
        shift: Places that it moves items up; below 0: down.
        when: Its condition over requests; None: always.
        span_ms: From when until when it holds.
        enabled: Whether it is used.
    """

    name: str
    action: Action
    items: Condition | None
    pinned: tuple[str, ...]
    position: int
    shift: int
    when: Condition | None
    span_ms: tuple[float, float]
    enabled: bool

    @property
    def is_personal(self) -> bool:
        """Whether it depends on who asks."""
        return self.when is not None and any(
            test.field in PERSONAL or test.field.startswith(USER_PREFIX) for test in tests(self.when)
        )


def ready(rules: RuleSet, item_fields: Fields, request_fields: Fields) -> tuple[ReadyRule, ...]:
    """All rules with their conditions read and typed, in the order written.

    Raises:
        ConfigError: a condition cannot be read, or names a field that does not exist (with the near name); `where` is
            the path of the rule.
    """
    found: list[ReadyRule] = []
    for name, rule in rules.rules.items():
        where = f"rules.{name}"
        items, when = None, None
        if rule.condition is not None:
            path = f"{where}.{rule.action}"
            items = typed(parse(rule.condition, where=path), item_fields, where=path)
        if rule.when is not None:
            path = f"{where}.when"
            when = typed(parse(rule.when, where=path), request_fields, where=path)
        shift = {"boost": 1, "bury": -1}.get(rule.action, 0) * (rule.places or ALL_THE_WAY)
        span = rule.span_ms(rules.zone)
        found.append(
            ReadyRule(name, rule.action, items, tuple(rule.pin or ()), rule.position, shift, when, span, rule.enabled)
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Pin:
    """An item that a rule puts in a place.

    Attributes:
        position: From 1.
        row: The item; -1 for one that the shop does not have.
        rule: Name of the rule.
    """

    position: int
    row: int
    rule: str


@dataclass(frozen=True)
class Plan:
    """What the rules that hold together do to the items.

    Attributes:
        rules: Those that hold, in the order written.
        allowed: What they let be shown; shape `(n,)`; None: everything.
        shift: Places that each item moves up, below 0 down; shape `(n,)`; None: nothing moves.
        movers: Names of the rules that move something, in the order of the rows of `moves`.
        moves: Which items each of them moves; shape `(len(movers), n)`; None: nothing moves.
        pins: In the order written.
    """

    rules: tuple[ReadyRule, ...]
    allowed: Bools | None
    shift: npt.NDArray[np.int32] | None
    movers: tuple[str, ...]
    moves: Bools | None
    pins: tuple[Pin, ...]

    @cached_property
    def is_idle(self) -> bool:
        """Whether it changes nothing."""
        return self.allowed is None and self.shift is None and not self.pins

    def moved_by(self, rows: Rows) -> list[list[str]]:
        """Names of the rules that move each of some items."""
        if self.moves is None:
            return [[] for _ in rows]
        found: list[list[str]] = [[] for _ in rows]
        movers, places = np.nonzero(self.moves[:, rows])
        for mover, place in zip(movers.tolist(), places.tolist(), strict=True):
            found[place].append(self.movers[mover])
        return found


NO_PLAN = Plan((), None, None, (), None, ())


class Planner:
    """Finds the rules that hold for a request, and remembers what they do together."""

    def __init__(self, rules: Sequence[ReadyRule], rule_set: RuleSet, columns: ItemColumns) -> None:
        self.rules = tuple(rule for rule in rules if rule.enabled)
        self.zone = rule_set.zone
        self.columns = columns
        self._bounds = sorted({bound for rule in self.rules for bound in rule.span_ms})
        self._personal: dict[Condition, set[int]] = {}
        for place, rule in enumerate(self.rules):
            if rule.when is not None and rule.is_personal:
                self._personal.setdefault(rule.when, set()).add(place)
        fields = {test.field for rule in self.rules if rule.when is not None for test in tests(rule.when)}
        self.reads_attributes = any(name.startswith(USER_PREFIX) for name in fields)
        self._reads_place = bool(fields & {"category", "brand"})
        self._reads_age = any(
            test.field == "age_d" for rule in self.rules if rule.items is not None for test in tests(rule.items)
        )
        self._moments: OrderedDict[tuple[object, ...], tuple[int, ...]] = OrderedDict()
        self._plans: OrderedDict[tuple[object, ...], Plan] = OrderedDict()
        self._n_changes = columns.n_changes

    def plan(self, request: Request) -> Plan:
        """What the rules that hold for a request do.

        Cost:
            Two look-ups, and one evaluation per rule that depends on who asks, while nothing changes.
        """
        if not self.rules:
            return NO_PLAN
        if self._n_changes != self.columns.n_changes:
            self._plans.clear()
            self._n_changes = self.columns.n_changes
        quarter = request.now_ms // QUARTER_MS
        key: tuple[object, ...] = (request.scenario, quarter, bisect_right(self._bounds, request.now_ms))
        if self._reads_place:
            key = (*key, request.category, request.brand)
        active = self._moments.get(key)
        if active is None:
            active = self._active(request)
            self._moments[key] = active
            if len(self._moments) > MAX_MOMENTS:
                self._moments.popitem(last=False)
        if self._personal:
            active = self._of_this_user(active, request)
        shop_ms = request.now_ms if request.shop_ms is None else request.shop_ms
        plan_key = (active, shop_ms // QUARTER_MS if self._reads_age else 0)
        plan = self._plans.get(plan_key)
        if plan is None:
            plan = self._made([self.rules[place] for place in active], shop_ms)
            self._plans[plan_key] = plan
            if len(self._plans) > MAX_PLANS:
                self._plans.popitem(last=False)
        return plan

    def _active(self, request: Request) -> tuple[int, ...]:
        """Rules that hold, and those that may, depending on who asks."""
        fact_of = Facts(request, self.zone, personal=False)
        return tuple(
            place
            for place, rule in enumerate(self.rules)
            if rule.span_ms[0] <= request.now_ms < rule.span_ms[1]
            and (rule.when is None or holds(rule.when, fact_of) is not False)
        )

    def _of_this_user(self, active: tuple[int, ...], request: Request) -> tuple[int, ...]:
        fact_of = Facts(request, self.zone)
        left_out: set[int] = set()
        for when, places in self._personal.items():  # segments share their conditions
            if not holds(when, fact_of):
                left_out |= places
        return tuple(place for place in active if place not in left_out) if left_out else active

    def _made(self, rules: Sequence[ReadyRule], now_ms: int) -> Plan:
        return made(rules, self.columns, now_ms)


def made(rules: Sequence[ReadyRule], columns: ItemColumns, now_ms: int) -> Plan:
    """What some rules do together.

    Args:
        rules: That hold, in the order written.
        columns: The items.
        now_ms: What ages count from.
    """
    allowed: Bools | None = None
    shift: npt.NDArray[np.int32] | None = None
    movers: list[str] = []
    moves: list[Bools] = []
    pins: list[Pin] = []
    for rule in rules:
        if rule.items is None:
            pins.extend(
                Pin(rule.position + offset, columns.row(item_id), rule.name)
                for offset, item_id in enumerate(rule.pinned)
            )
            continue
        mask = columns.matching(rule.items, now_ms)
        if rule.action in ("block", "require"):
            mask = ~mask if rule.action == "block" else mask
            allowed = mask if allowed is None else allowed & mask
        else:
            shift = np.zeros(len(columns), np.int32) if shift is None else shift
            shift[mask] += rule.shift
            movers.append(rule.name)
            moves.append(mask)
    return Plan(tuple(rules), allowed, shift, tuple(movers), np.stack(moves) if moves else None, tuple(pins))


class Facts:
    """A request's facts by the names that conditions use.

    Args:
        request: The request.
        zone: What hours and weekdays are told in.
        personal: Whether to say who asks; otherwise that is `UNSAID`.
    """

    def __init__(self, request: Request, zone: object, *, personal: bool = True) -> None:
        self._request, self._zone, self._personal = request, zone, personal

    @cached_property
    def _local(self) -> datetime:
        return datetime.fromtimestamp(self._request.now_ms / 1_000, self._zone)  # pyright: ignore[reportArgumentType]

    def __call__(self, name: str) -> Fact:
        """One fact; None where there is none."""
        request = self._request
        if name == "scenario":
            return request.scenario
        if name == "weekday":
            return WEEKDAYS[self._local.weekday()]
        if name == "hour":
            return float(self._local.hour)
        if name == "category":
            return request.category or None
        if name == "brand":
            return request.brand
        if not self._personal:
            return UNSAID
        if name == "user":
            return request.user
        if name == "events":
            return float(request.events)
        return request.attributes.get(name[len(USER_PREFIX) :])
