"""Who gets which offer within a budget: every user's chances, and the assignment that gains most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from shelfwise.datasets.interactions import Interactions
from shelfwise.offers.assignment import assign
from shelfwise.offers.buyers import Buyers
from shelfwise.offers.response import ChanceOf
from shelfwise.pipeline.live_offers import LiveOffers, is_of
from shelfwise.pipeline.recommender import Recommender
from shelfwise.pipeline.standing_offers import Standing
from shelfwise.schemas.ids import VISITOR_PREFIX, Bools, Doubles
from shelfwise.store import event_log, people
from shelfwise.store.records import Records
from shelfwise.store.tables import users

Goal = Literal["gain", "answers"]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What each user would do with each offer.

    Attributes:
        user_ids: Users known by account; length U.
        offers: Those that are running; length O.
        chances: Of an answer; shape `(U, O)`.
        costs: Expected, in money; shape `(U, O)`.
        gains: Expected, in money; shape `(U, O)`.
        may_get: Who is of the audience and may still answer; shape `(U, O)`.
        chance_of: What the chances are those of.
    """

    user_ids: list[str]
    offers: list[Standing]
    chances: Doubles
    costs: Doubles
    gains: Doubles
    may_get: Bools
    chance_of: ChanceOf


@dataclass(frozen=True, slots=True)
class PlannedOffer:
    """One offer's part in a plan, expected."""

    offer: str
    n_users: int
    answers: float
    cost: float
    gain: float


@dataclass(frozen=True, slots=True)
class OfferPlan:
    """Who gets which offer.

    Attributes:
        goal: What was made as large as can be.
        chance_of: What the chances are those of.
        user_ids: Of each sending, by user in the order in which the store first saw them; length N.
        offers: Names; length N.
        chances: Shape `(N,)`.
        costs: Expected; shape `(N,)`.
        gains: Expected; shape `(N,)`.
        value: Expected of the goal.
        bound: What no plan within these budgets brings more of.
        budget: That was given; infinite for none.
        n_users: Users who could be sent something.
        by_offer: The running offers.
    """

    goal: Goal
    chance_of: ChanceOf
    user_ids: list[str]
    offers: list[str]
    chances: Doubles
    costs: Doubles
    gains: Doubles
    value: float
    bound: float
    budget: float
    n_users: int
    by_offer: list[PlannedOffer]

    def as_document(self) -> dict[str, Any]:
        """As plain JSON, without the sendings."""
        return {
            "goal": self.goal,
            "chance_of": self.chance_of,
            "n_sendings": len(self.user_ids),
            "n_users": self.n_users,
            "budget": None if np.isinf(self.budget) else self.budget,
            "cost": float(self.costs.sum()),
            "answers": float(self.chances.sum()),
            "gain": float(self.gains.sum()),
            "value": self.value,
            "bound": self.bound,
            "by_offer": [
                {name: getattr(one, name) for name in PlannedOffer.__dataclass_fields__} for one in self.by_offer
            ],
        }


def outlook(recommender: Recommender, records: Records) -> Outlook:
    """Every known user's chances with every running offer.

    Cost:
        The log is read once; then some numbers per event and offer.
    """
    live = recommender.offers
    running = [one for one in live.standing() if one.state == "running"]
    with records.read() as connection:
        ids: list[str] = list(
            connection.execute(users.select().with_only_columns(users.c.user_id).order_by(users.c.row)).scalars()
        )
        events = event_log.read_all(connection)
        attributes = people.read_attributes(connection)
    log = Interactions.of(events, n_users=len(ids), n_items=len(recommender.catalogue))
    chosen = np.array([row for row, user_id in enumerate(ids) if not user_id.startswith(VISITOR_PREFIX)], np.int64)
    response, now_ms = live.response, recommender.clock.now_ms()
    shape = (len(chosen), len(running))
    chances: Doubles = np.zeros(shape)
    if response is not None and running:
        funnel = recommender.model.funnel
        buyers = Buyers.of_log(log, chosen, now_ms, response.demand, funnel.state.log_price, funnel.vectors)
        chances = live.chances(running, buyers, chosen, now_ms)
    costs, gains = np.zeros(shape), np.zeros(shape)
    for place, one in enumerate(running):
        costs[:, place] = one.terms.expected_cost(chances[:, place])
        gains[:, place] = one.terms.expected_gain(chances[:, place])
    may_get = _may_get(running, ids, chosen, np.bincount(log.user_rows, minlength=len(ids)), attributes)
    chance_of: ChanceOf = "buying" if response is None else response.chance_of
    return Outlook([ids[row] for row in chosen.tolist()], running, chances, costs, gains, may_get, chance_of)


def _may_get(
    running: Sequence[Standing],
    ids: list[str],
    chosen: Ints,
    n_events: Ints,
    attributes: Mapping[int, Mapping[str, str]],
) -> Bools:
    found = np.ones((len(chosen), len(running)), bool)
    nobody: dict[str, str] = {}
    place_by_row = {row: place for place, row in enumerate(chosen.tolist())}
    by_audience: dict[Any, Bools] = {}
    for column, one in enumerate(running):
        audience = one.offer.audience
        if audience is not None:
            if audience not in by_audience:  # offers share their segments
                by_audience[audience] = np.array(
                    [
                        is_of(audience, ids[row], int(n_events[row]), attributes.get(row, nobody))
                        for row in chosen.tolist()
                    ],
                    bool,
                )
            found[:, column] = by_audience[audience]
        taken = [
            place_by_row[row] for row in one.account.answers_by_user if row in place_by_row and not one.is_open_to(row)
        ]
        found[taken, column] = False
    return found


def plan(outlook: Outlook, *, budget: float, goal: Goal = "gain", per_user: int = 1) -> OfferPlan:
    """Assign offers to users.

    Args:
        outlook: What each would do.
        budget: Money for all of it; infinite for none.
        goal: Expected gain in money, or expected answers.
        per_user: Offers of one user at most.
    """
    worth = outlook.gains if goal == "gain" else outlook.chances
    value = np.where(outlook.may_get, worth, -np.inf)
    left = np.array([one.left for one in outlook.offers])
    found = assign(value, outlook.costs, budget=budget, budgets=left, per_user=per_user)
    who, what = np.nonzero(found.chosen)
    chances, costs, gains = (of[who, what] for of in (outlook.chances, outlook.costs, outlook.gains))
    by_offer = [
        PlannedOffer(
            one.offer.name,
            int((what == place).sum()),
            *(float(of[what == place].sum()) for of in (chances, costs, gains)),
        )
        for place, one in enumerate(outlook.offers)
    ]
    return OfferPlan(
        goal,
        outlook.chance_of,
        [outlook.user_ids[place] for place in who.tolist()],
        [outlook.offers[place].offer.name for place in what.tolist()],
        chances,
        costs,
        gains,
        found.value,
        found.bound,
        budget,
        int(outlook.may_get.any(axis=1).sum()),
        by_offer,
    )


@dataclass(frozen=True, slots=True)
class OfferPreview:
    """One running offer, were it made to all of its audience.

    Attributes:
        offer: Its name.
        n_items: That may be shown.
        n_users: Of the audience who may still answer.
        mean_chance: Over them.
        answers: Expected.
        cost: Expected, in money.
        gain: Expected, in money.
        likeliest: Users with the highest chances, and these.
    """

    offer: str
    n_items: int
    n_users: int
    mean_chance: float
    answers: float
    cost: float
    gain: float
    likeliest: list[tuple[str, float]]

    def as_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def preview(outlook: Outlook, n_users: int = 3) -> list[OfferPreview]:
    """What each running offer would bring by itself, were money no object."""
    found: list[OfferPreview] = []
    for place, one in enumerate(outlook.offers):
        own = np.flatnonzero(outlook.may_get[:, place])
        chances = outlook.chances[own, place]
        best = own[np.argsort(-chances, kind="stable")[:n_users]]
        found.append(
            OfferPreview(
                one.offer.name,
                one.items.n,
                len(own),
                float(chances.mean()) if len(own) else 0.0,
                float(chances.sum()),
                float(outlook.costs[own, place].sum()),
                float(outlook.gains[own, place].sum()),
                [(outlook.user_ids[user], float(outlook.chances[user, place])) for user in best.tolist()],
            )
        )
    return found


def states(live: LiveOffers) -> list[dict[str, Any]]:
    """Every offer as it stands now, as plain JSON."""
    return [
        {
            "offer": one.offer.name,
            "state": one.state,
            "n_items": one.items.n,
            "answers": one.account.n_answers,
            "sendings": one.account.n_sent,
            "spent": one.account.spent,
            "left": None if one.offer.spec.budget is None else one.left,
        }
        for one in live.standing()
    ]
