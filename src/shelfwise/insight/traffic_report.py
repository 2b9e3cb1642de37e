"""What servers did in a stretch of time, beside the stretch before: requests, answers, times, failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel, Field
from sqlalchemy import Connection

from shelfwise.insight.latency import quantile_ms
from shelfwise.insight.period import Period, moment
from shelfwise.store import traffic
from shelfwise.store.traffic import Measure, Sum


class Times(BaseModel):
    """How many there were, and how long they took."""

    n: int
    p50_ms: float | None = Field(description="Milliseconds that half of them stayed within; null of none.")
    p95_ms: float | None
    p99_ms: float | None

    @classmethod
    def of(cls, n_by_bucket: Counter[int]) -> Times:
        """From counts by bucket."""
        p50, p95, p99 = (quantile_ms(n_by_bucket, share) for share in (0.5, 0.95, 0.99))
        return cls(n=n_by_bucket.total(), p50_ms=p50, p95_ms=p95, p99_ms=p99)


class TrafficTotals(BaseModel):
    """Of a whole stretch of time."""

    requests: Times = Field(description="Requests under /v1, but those for these figures and for health.")
    refused: int = Field(description="Requests answered with a 4xx.")
    failed: int = Field(description="Requests answered with a 5xx.")
    answers: Times = Field(description="Slates.")
    degraded: int = Field(description="Slates that could not be made as configured.")
    events: int = Field(description="Events that came over the API and were stored.")
    refused_events: int


class TrafficSteps(BaseModel):
    """The same step by step; every list has a value for each."""

    requests: list[int]
    refused: list[int]
    failed: list[int]
    answers: list[int]
    degraded: list[int]
    p50_ms: list[float | None] = Field(description="Of slates; null where there were none.")
    p95_ms: list[float | None]
    p99_ms: list[float | None]
    events: list[int]


class ScenarioTraffic(BaseModel):
    """Slates of one place of the shop."""

    scenario: str
    answers: Times
    degraded: int
    answers_before: int | None = Field(description="In the stretch before; null where nobody counted yet.")
    steps: list[int] = Field(description="Slates by step.")


class RouteTraffic(BaseModel):
    """Requests of one kind."""

    route: str = Field(description="Method and path; `other` for what is refused before it comes to a route.")
    requests: Times


class EventTraffic(BaseModel):
    """Events of one kind that came over the API."""

    kind: str
    n: int
    before: int | None
    steps: list[int]


class ShortfallTraffic(BaseModel):
    """Why slates were degraded."""

    kind: str
    n: int


class TrafficReport(BaseModel):
    """What servers did, all of them together."""

    begins_at: datetime
    ends_at: datetime
    step_s: int = Field(description="Lists below have a value for each step: the first begins at `begins_at`.")
    counted_since: datetime | None = Field(description="The first hour that is kept; null before anything was counted.")
    now: TrafficTotals
    before: TrafficTotals | None = Field(
        description="Of the stretch of the same length before; null where it was not counted as a whole."
    )
    steps: TrafficSteps
    scenarios: list[ScenarioTraffic] = Field(description="Busiest first.")
    routes: list[RouteTraffic] = Field(description="Busiest first.")
    events: list[EventTraffic] = Field(description="Most frequent first.")
    shortfalls: list[ShortfallTraffic] = Field(description="Most frequent first.")


def traffic_report(connection: Connection, period: Period) -> TrafficReport:
    """What was counted in a stretch of time and in the one before.

    Cost:
        One read of the rows kept for both: some dozens for each minute, or hour, that anything happened in.
    """
    since_s = traffic.oldest_s(connection)
    counted = _Counts(period, traffic.read(connection, *period))
    before = None
    if since_s is not None and since_s <= period.before.from_s:
        before = _Counts(period.before, traffic.read(connection, *period.before))
    scenarios = [
        ScenarioTraffic(
            scenario=name,
            answers=Times.of(counted.buckets(Measure.ANSWER, name)),
            degraded=counted.n(Measure.DEGRADED, name),
            answers_before=None if before is None else before.n(Measure.ANSWER, name),
            steps=counted.by_step(Measure.ANSWER, name),
        )
        for name in counted.labels(Measure.ANSWER)
    ]
    events = [
        EventTraffic(
            kind=kind,
            n=counted.n(Measure.EVENT, kind),
            before=None if before is None else before.n(Measure.EVENT, kind),
            steps=counted.by_step(Measure.EVENT, kind),
        )
        for kind in counted.labels(Measure.EVENT)
    ]
    return TrafficReport(
        begins_at=moment(period.from_s),
        ends_at=moment(period.to_s),
        step_s=period.step_s,
        counted_since=None if since_s is None else moment(since_s),
        now=counted.totals(),
        before=None if before is None else before.totals(),
        steps=counted.steps(),
        scenarios=scenarios,
        routes=[
            RouteTraffic(route=one, requests=Times.of(counted.buckets(Measure.REQUEST, one)))
            for one in counted.labels(Measure.REQUEST)
        ],
        events=events,
        shortfalls=[
            ShortfallTraffic(kind=kind, n=counted.n(Measure.SHORTFALL, kind))
            for kind in counted.labels(Measure.SHORTFALL)
        ],
    )


class _Counts:
    """What was counted in a period, to be added up."""

    def __init__(self, period: Period, sums: Iterable[Sum]) -> None:
        self._period = period
        self._by_measure: dict[Measure, list[Sum]] = {measure: [] for measure in Measure}
        for one in sums:
            self._by_measure[one.measure].append(one)

    def n(self, measure: Measure, label: str | None = None) -> int:
        """How often, of one label or of all."""
        return sum(one.n for one in self._of(measure, label))

    def labels(self, measure: Measure) -> list[str]:
        """Labels, most frequent first."""
        found: Counter[str] = Counter()
        for one in self._by_measure[measure]:
            found[one.label] += one.n
        return sorted(found, key=lambda label: (-found[label], label))

    def buckets(self, measure: Measure, label: str | None = None) -> Counter[int]:
        """How many took how long."""
        found: Counter[int] = Counter()
        for one in self._of(measure, label):
            found[one.bucket] += one.n
        return found

    def by_step(self, measure: Measure, label: str | None = None) -> list[int]:
        """How often in each step."""
        found = [0] * self._period.n_steps
        for one in self._of(measure, label):
            found[self._period.place(one.at_s)] += one.n
        return found

    def steps(self) -> TrafficSteps:
        """All of it by step."""
        times: list[Counter[int]] = [Counter() for _ in range(self._period.n_steps)]
        for one in self._by_measure[Measure.ANSWER]:
            times[self._period.place(one.at_s)][one.bucket] += one.n
        return TrafficSteps(
            requests=self.by_step(Measure.REQUEST),
            refused=self.by_step(Measure.STATUS, "4xx"),
            failed=self.by_step(Measure.STATUS, "5xx"),
            answers=[one.total() for one in times],
            degraded=self.by_step(Measure.DEGRADED),
            p50_ms=[quantile_ms(one, 0.5) for one in times],
            p95_ms=[quantile_ms(one, 0.95) for one in times],
            p99_ms=[quantile_ms(one, 0.99) for one in times],
            events=self.by_step(Measure.EVENT),
        )

    def totals(self) -> TrafficTotals:
        """Of the whole period."""
        return TrafficTotals(
            requests=Times.of(self.buckets(Measure.REQUEST)),
            refused=self.n(Measure.STATUS, "4xx"),
            failed=self.n(Measure.STATUS, "5xx"),
            answers=Times.of(self.buckets(Measure.ANSWER)),
            degraded=self.n(Measure.DEGRADED),
            events=self.n(Measure.EVENT),
            refused_events=self.n(Measure.REFUSED_EVENT),
        )

    def _of(self, measure: Measure, label: str | None) -> Iterable[Sum]:
        found = self._by_measure[measure]
        return found if label is None else (one for one in found if one.label == label)
