"""What came of answers: how many were clicked and bought from, and how much of the catalogue they showed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel, Field
from sqlalchemy import Connection

from shelfwise.insight.period import Period, moment
from shelfwise.insight.rates import Rate
from shelfwise.schemas.events import EventKind
from shelfwise.schemas.ids import Bools
from shelfwise.store import answer_outcomes
from shelfwise.store.answer_outcomes import LOOK_AT, Outcome

CLICKED, CARTED, BOUGHT = "clicked", "carted", "bought"
KINDS: dict[str, tuple[EventKind, ...]] = {
    # Shops tell one or the other; the objective `click` takes both too.
    CLICKED: (EventKind.CLICK, EventKind.VIEW),
    CARTED: (EventKind.CART,),
    BOUGHT: (EventKind.PURCHASE,),
}


class OutcomeTotals(BaseModel):
    """Answers that an event of a kind names by `slate_id`, each answer once."""

    answers: int
    clicked: Rate = Field(description="By a `click` or a `view`.")
    carted: Rate
    bought: Rate


class ScenarioOutcomes(BaseModel):
    """Of one place of the shop."""

    scenario: str
    now: OutcomeTotals
    before: OutcomeTotals | None


class Coverage(BaseModel):
    """How much of the catalogue was shown."""

    shown: int = Field(description="Distinct items in these answers that may be shown now.")
    items: int = Field(description="Items that may be shown now.")
    share: float | None


class OutcomeReport(BaseModel):
    """What came of the answers of a stretch of time, until now: the latest had little time yet."""

    begins_at: datetime
    ends_at: datetime
    step_s: int = Field(description="Lists below have a value for each step: the first begins at `begins_at`.")
    is_kept: bool = Field(description="Whether the shop keeps answers: [serve] log_slates.")
    looked_at: int = Field(description="Answers that this was told from: the latest of them.")
    is_all: bool = Field(description="Whether these are all answers of that time.")
    now: OutcomeTotals
    before: OutcomeTotals | None = Field(description="Of the stretch of the same length before; null without answers.")
    click_share: list[float | None] = Field(description="By step of the answer; null where there was none.")
    cart_share: list[float | None]
    purchase_share: list[float | None]
    scenarios: list[ScenarioOutcomes] = Field(description="Those with most answers first.")
    coverage: Coverage | None = Field(description="Null before there is a model.")


def outcome_report(connection: Connection, period: Period, *, is_kept: bool, allowed: Bools | None) -> OutcomeReport:
    """What came of answers, by the events that name them.

    Args:
        connection: Any.
        period: When the answers were given.
        is_kept: Whether the shop keeps answers.
        allowed: Which items may be shown now; shape `(n,)`; None where that is not known.

    Cost:
        Some 5 µs for each answer looked at, of `LOOK_AT` at most, and as much for the stretch before.
    """
    found, before = _Outcomes(connection, period), _Outcomes(connection, period.before)
    names = sorted(found.scenarios(), key=lambda name: (-found.totals(name).answers, name))
    totals = found.totals()
    return OutcomeReport(
        begins_at=moment(period.from_s),
        ends_at=moment(period.to_s),
        step_s=period.step_s,
        is_kept=is_kept,
        looked_at=totals.answers,
        is_all=totals.answers < LOOK_AT,
        now=totals,
        before=before.totals_if_any(),
        click_share=found.shares(CLICKED),
        cart_share=found.shares(CARTED),
        purchase_share=found.shares(BOUGHT),
        scenarios=[
            ScenarioOutcomes(scenario=name, now=found.totals(name), before=before.totals_if_any(name)) for name in names
        ],
        coverage=None if allowed is None else _coverage(connection, period, allowed),
    )


def _coverage(connection: Connection, period: Period, allowed: Bools) -> Coverage:
    rows = answer_outcomes.shown_rows(connection, period.from_s, period.to_s)
    n_shown = int(allowed[rows[rows < len(allowed)]].sum())
    n_items = int(allowed.sum())
    return Coverage(shown=n_shown, items=n_items, share=n_shown / n_items if n_items else None)


class _Outcomes:
    """Counts of a period."""

    def __init__(self, connection: Connection, period: Period) -> None:
        self._period = period
        self._answers = answer_outcomes.answers(connection, *period)
        self._by_kind = answer_outcomes.answered_with(connection, *period, KINDS)

    def scenarios(self) -> set[str]:
        return {one.scenario for one in self._answers}

    def totals(self, scenario: str | None = None) -> OutcomeTotals:
        n = _sum(self._answers, scenario)
        rates = {name: Rate.counted(_sum(found, scenario), n) for name, found in self._by_kind.items()}
        return OutcomeTotals(answers=n, **rates)

    def totals_if_any(self, scenario: str | None = None) -> OutcomeTotals | None:
        found = self.totals(scenario)
        return found if found.answers else None

    def shares(self, name: str) -> list[float | None]:
        answers, happened = self._steps(self._answers), self._steps(self._by_kind[name])
        return [round(n / of, 6) if of else None for n, of in zip(happened, answers, strict=True)]

    def _steps(self, outcomes: Iterable[Outcome]) -> list[int]:
        found = [0] * self._period.n_steps
        for one in outcomes:
            found[self._period.place(one.at_s)] += one.n
        return found


def _sum(outcomes: Iterable[Outcome], scenario: str | None) -> int:
    return sum(one.n for one in outcomes if scenario is None or one.scenario == scenario)
