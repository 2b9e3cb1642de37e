"""`GET /insight/…`: what a shop is told of itself. Read beside the requests, on a thread."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, TypeVar

import fastapi
from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel
from sqlalchemy import Connection

from shelfwise.errors import QueryError, ServiceError, StateError
from shelfwise.insight.arrivals import ArrivalReport, arrival_report
from shelfwise.insight.drift_report import DriftReport
from shelfwise.insight.names import Grouping
from shelfwise.insight.outcomes import OutcomeReport, outcome_report
from shelfwise.insight.period import FIRST_S, LAST_S, Period
from shelfwise.insight.searches import Found, SearchReport, search_report
from shelfwise.insight.state import StateReport, state_report
from shelfwise.insight.traffic_report import TrafficReport, traffic_report
from shelfwise.insight.trends import TrendReport, trend_report
from shelfwise.insight.windows import Interest, Windows
from shelfwise.pipeline.clock import ShopClock
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import NEVER_KEPT, Json
from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.service import Current, Service
from shelfwise.store import event_log

router = APIRouter(prefix="/insight", tags=["insight"], route_class=GuardedRoute)

DAY_S = 86_400
MAX_DAYS = 400
USUAL_DAYS = 28
MAX_K = 100
USUAL_K = 20
LEAST_PEOPLE = 3

Report = TypeVar("Report", bound=BaseModel)

From = Annotated[
    AwareDatetime | None, fastapi.Query(alias="from", description="Beginning; a day before the end where omitted.")
]
To = Annotated[AwareDatetime | None, fastapi.Query(description="End; now where omitted.")]
Step = Annotated[
    int | None,
    fastapi.Query(ge=60, le=DAY_S, description="Seconds of a step: 60, 300, 900, 3600, 21600 or 86400."),
]
Days = Annotated[int, fastapi.Query(ge=1, le=MAX_DAYS, description="Of the stretch, and of the one before.")]
AsOf = Annotated[
    AwareDatetime | None,
    fastapi.Query(description="End of the stretch; where omitted the shop's time: now, or the end of an old log."),
]
Most = Annotated[int, fastapi.Query(ge=1, le=MAX_K, description="Entries of each list at most.")]


@router.get("/traffic", response_model=TrafficReport, responses=documentation.problems(422))
@needs(KeyScope.METRICS)
async def get_traffic(
    request: Request, service: Current, begin: From = None, to: To = None, step: Step = None
) -> Response:
    """What all server processes did, by step: requests, answers, how long they took, what failed, events.

    Minutes are kept for three days, hours for 400.
    """
    period = _period(begin, to, step)
    return await _told(request, service, lambda connection: traffic_report(connection, period))


@router.get("/outcomes", response_model=OutcomeReport, responses=documentation.problems(422))
@needs(KeyScope.METRICS)
async def get_outcomes(
    request: Request, service: Current, begin: From = None, to: To = None, step: Step = None
) -> Response:
    """What came of the answers of that time: clicks, carts and purchases whose events name them by `slate_id`.

    Told from the latest 100,000 answers that are kept.
    """
    period = _period(begin, to, step)
    allowed = service.recommender.catalogue.allowed.copy() if service.has_model else None
    is_kept = service.config.serve.log_slates
    return await _told(
        request, service, lambda connection: outcome_report(connection, period, is_kept=is_kept, allowed=allowed)
    )


@router.get("/state", response_model=StateReport)
@needs(KeyScope.METRICS)
async def get_state(request: Request, service: Current) -> Response:
    """How fresh the shop is: its newest event and change, its model, and what waits."""
    recommender = service.recommender if service.has_model else None
    versions = await asyncio.to_thread(service.versions.list) if recommender else []
    manifest = next((one.manifest for one in versions if recommender and one.name == recommender.model.name), {})
    live = recommender.live if recommender else None
    return await _told(
        request,
        service,
        lambda connection: state_report(
            connection,
            now_ms=service.now_ms(),
            is_replay=recommender is not None and recommender.clock.is_replay,
            live=live,
            manifest=manifest,
        ),
    )


@router.get("/drift", response_model=DriftReport, responses=documentation.problems(503))
@needs(KeyScope.METRICS)
async def get_drift(service: Current) -> Response:
    """How far the last day's answers, and what people turn to, are from what they were when the model was trained."""
    return Json(await service.drift_report(), headers=NEVER_KEPT)


@router.get("/trends", response_model=TrendReport, responses=documentation.problems(409, 422))
@needs(KeyScope.ADMIN)
async def get_trends(
    request: Request,
    service: Current,
    by: Annotated[Grouping, fastapi.Query(description="What is compared.")] = Grouping.ITEM,
    of: Annotated[Interest, fastapi.Query(description="What people did.")] = Interest.ANY,
    days: Days = USUAL_DAYS,
    as_of: AsOf = None,
    k: Most = USUAL_K,
) -> Response:
    """What people turn to more than they did, and what less, beyond chance and the change of the shop as a whole."""
    return await _told(
        request,
        service,
        lambda connection: trend_report(connection, _windows(connection, service, days, as_of), by, of, k),
    )


@router.get("/arrivals", response_model=ArrivalReport, responses=documentation.problems(409, 422))
@needs(KeyScope.ADMIN)
async def get_arrivals(
    request: Request, service: Current, days: Days = USUAL_DAYS, as_of: AsOf = None, k: Most = USUAL_K
) -> Response:
    """Items that came into the catalogue lately, and how they do beside each other."""
    return await _told(
        request, service, lambda connection: arrival_report(connection, _windows(connection, service, days, as_of), k)
    )


@router.get("/searches", response_model=SearchReport, responses=documentation.problems(409, 422))
@needs(KeyScope.ADMIN)
async def get_searches(
    request: Request,
    service: Current,
    days: Days = USUAL_DAYS,
    as_of: AsOf = None,
    k: Most = USUAL_K,
    least_people: Annotated[
        int, fastapi.Query(ge=1, le=1_000, description="Different people before a term is told.")
    ] = LEAST_PEOPLE,
) -> Response:
    """What people search for, by `search` events, and for what the catalogue has nothing today."""
    look_up = _look_up(service)
    return await _told(
        request,
        service,
        lambda connection: search_report(
            connection,
            _windows(connection, service, days, as_of),
            least_people=least_people,
            k=k,
            look_up=look_up,
        ),
    )


async def _told(request: Request, service: Service, made: Callable[[Connection], Report]) -> Response:
    is_packed = "gzip" in request.headers.get("accept-encoding", "")

    def read() -> Response:
        with service.records.read() as connection:
            answer = Json(made(connection), headers=NEVER_KEPT)
        return _packed(answer) if is_packed else answer

    return await asyncio.to_thread(read)


def _packed(answer: Response) -> Response:
    # Columns of small numbers shrink to a fifth, and pages ask for them every few seconds.
    headers = {**NEVER_KEPT, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(gzip.compress(answer.body, 1, mtime=0), media_type=answer.media_type, headers=headers)


def _period(begin: datetime | None, to: datetime | None, step: int | None) -> Period:
    ends = time.time() if to is None else to.timestamp()
    begins = ends - DAY_S if begin is None else begin.timestamp()
    return Period.around(begins, ends, step)


def _windows(connection: Connection, service: Service, days: int, as_of: datetime | None) -> Windows:
    if not service.has_clock:
        raise StateError(
            "this shop's timestamps are no moments, so that nothing has a trend",
            hint="ingest events with real timestamps",
            code="no_clock",
        )
    if as_of is None:
        newest_ms = event_log.newest_ms(connection)
        return Windows(ShopClock(newest_ms + 1, has_clock=newest_ms > 0).now_ms(), days)
    at_s = as_of.timestamp()
    if not FIRST_S <= at_s <= LAST_S:
        raise QueryError("lies outside of what can be told", expected="years from 1990 to 2199", where="as_of")
    return Windows(int(at_s * 1_000), days)


def _look_up(service: Service) -> Callable[[str], Found]:
    try:
        index, allowed = service.full_text(), service.recommender.catalogue.allowed.copy()
    except (StateError, ServiceError):  # no model yet, or the index is still being made
        return lambda _: Found.UNKNOWN

    def found(term: str) -> Found:
        has_all, has_some = index.has(term, allowed)
        return Found.ALL_WORDS if has_all else Found.SOME_WORDS if has_some else Found.NOTHING

    return found
