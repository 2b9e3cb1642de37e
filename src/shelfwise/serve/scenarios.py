"""What the places of the shop are set to, over HTTP: read, change, look back, take back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from shelfwise.config.shop import ScenarioSpec
from shelfwise.errors import QueryError, UnknownError
from shelfwise.pipeline.scenario_changes import put_in_force, require_possible, undo
from shelfwise.schemas.events import MAX_ID_CHARS
from shelfwise.schemas.keys import KeyScope
from shelfwise.schemas.scenario_settings import (
    AS_CONFIGURED,
    PlaceNow,
    ScenarioAnswer,
    ScenariosAnswer,
    ScenarioSettings,
    SettingsHistory,
    SettingsVersion,
)
from shelfwise.serve import documentation
from shelfwise.serve.answers import Json
from shelfwise.serve.callers import Caller, GuardedRoute, caller_of, needs
from shelfwise.serve.service import Current, Service
from shelfwise.store import audit_log, scenario_versions
from shelfwise.store.scenario_versions import ScenarioVersion

router = APIRouter(tags=["scenarios"], route_class=GuardedRoute)

MAX_VERSION = 2**31 - 1
"""Versions are counted from 1; the store has no room for more."""

Name = Annotated[str, Path(max_length=MAX_ID_CHARS, description="As in [scenarios.…].")]
Author = Annotated[
    str | None, Field(min_length=1, max_length=256, description="Who, for the history; the key's name where omitted.")
]
Note = Annotated[str, Field(max_length=1_000, description="Why, for the history.")]


class SettingsToPut(BaseModel):
    """Settings that are to hold in place of all that were chosen before."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "settings": {"weights": {"click": 1, "purchase": 6}, "diversity": 0.3},
                    "note": "spring",
                    "replaces": 0,
                }
            ]
        },
    )

    settings: ScenarioSettings
    author: Author = None
    note: Note = ""
    replaces: int | None = Field(
        default=None,
        ge=0,
        le=MAX_VERSION,
        description="The scenario's version that was looked at; refused (409) where another is in force.",
    )


class TakeBack(BaseModel):
    """Which settings are to hold again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "sold less"}]})

    version: int | None = Field(
        default=None,
        ge=0,
        le=MAX_VERSION,
        description="The one before the present one where omitted; 0: as shop.toml has it.",
    )
    author: Author = None
    note: Note = ""


@router.get("/scenarios", response_model=ScenariosAnswer, responses=documentation.problems(409, 503))
@needs(KeyScope.ADMIN)
async def get_scenarios(service: Current) -> Response:
    """All places of the shop as they are set now."""
    recommender = service.recommender
    recommender.asking.follow()
    with service.records.glance() as connection:
        versions = scenario_versions.in_force(connection)
    names = recommender.scenarios.configured
    return Json(ScenariosAnswer(scenarios=[_answer(service, name, versions.get(name)) for name in names]))


@router.get("/scenarios/{name}", response_model=ScenarioAnswer, responses=documentation.problems(404, 409, 422, 503))
@needs(KeyScope.ADMIN)
async def get_scenario(name: Name, service: Current) -> Response:
    """One place of the shop as it is set now."""
    _spec(service, name)
    service.recommender.asking.follow()
    with service.records.glance() as connection:
        version = scenario_versions.of(connection, name)
    return Json(_answer(service, name, version))


@router.put(
    "/scenarios/{name}",
    response_model=ScenarioAnswer,
    responses=documentation.problems(400, 404, 409, 413, 415, 422, 503),
)
@needs(KeyScope.ADMIN)
async def put_scenario(name: Name, sent: SettingsToPut, request: Request, service: Current) -> Response:
    """Change what a place is set to; the next answer of every process follows.

    What is left out stands as `shop.toml` has it. Refused where the place cannot follow it.
    """
    spec, recommender = _spec(service, name), service.recommender
    require_possible(sent.settings, name, spec, recommender.model.funnel.ranker, recommender.steps)
    caller = caller_of(request)
    put = partial(
        put_in_force,
        scenario=name,
        settings=sent.settings,
        author=sent.author or caller.name,
        note=sent.note,
        replaces=sent.replaces,
    )
    version = await service.writer.run(_noted(put, caller, "scenario.change"))
    return _followed(service, version)


@router.get(
    "/scenarios/{name}/history", response_model=SettingsHistory, responses=documentation.problems(404, 409, 422, 503)
)
@needs(KeyScope.ADMIN)
async def get_scenario_history(name: Name, service: Current) -> Response:
    """Who set a place to what, newest first."""
    _spec(service, name)
    versions = await asyncio.to_thread(service.records.reading, partial(scenario_versions.history, scenario=name))
    return Json(SettingsHistory(versions=[SettingsVersion.model_validate(one.as_document()) for one in versions]))


@router.post(
    "/scenarios/{name}/undo",
    response_model=ScenarioAnswer,
    responses=documentation.problems(400, 404, 409, 413, 415, 422, 503),
)
@needs(KeyScope.ADMIN)
async def post_scenario_undo(name: Name, sent: TakeBack, request: Request, service: Current) -> Response:
    """Let earlier settings of a place hold again; the history keeps both."""
    _spec(service, name)
    caller = caller_of(request)
    back = partial(undo, scenario=name, version=sent.version, author=sent.author or caller.name, note=sent.note)
    version = await service.writer.run(_noted(back, caller, "scenario.undo"))
    return _followed(service, version)


def _spec(service: Service, name: str) -> ScenarioSpec:
    try:
        return service.recommender.scenarios.named(name)
    except QueryError as error:
        raise UnknownError(error.found, where="name", hint=error.hint, code=error.code) from error


def _noted(
    change: Callable[[Connection], ScenarioVersion], caller: Caller, action: audit_log.Action
) -> Callable[[Connection], ScenarioVersion]:
    def done(connection: Connection) -> ScenarioVersion:
        made = change(connection)
        detail = {"version": made.version, "author": made.author, "note": made.note}
        audit_log.note(connection, caller.name, action, made.scenario, **detail, settings=made.settings.as_document())
        return made

    return done


def _followed(service: Service, version: ScenarioVersion) -> Response:
    service.recommender.asking.follow()  # on the event loop: one at a time may
    return Json(_answer(service, version.scenario, version))


def _answer(service: Service, name: str, version: ScenarioVersion | None) -> ScenarioAnswer:
    recommender = service.recommender
    spec, ranker = recommender.scenarios.named(name), recommender.model.funnel.ranker
    return ScenarioAnswer(
        scenario=name,
        version=AS_CONFIGURED if version is None else version.version,
        at=None if version is None else version.at,
        author=None if version is None else version.author,
        note=None if version is None else version.note,
        settings=ScenarioSettings() if version is None else version.settings,
        now=PlaceNow(
            weights=dict(spec.weights or ranker.default_weights) if spec.order == "ranker" else {},
            diversity=recommender.steps.usual_diversity(spec),
            exploration=recommender.steps.usual_exploration(spec),
            latency_budget_ms=spec.latency_budget_ms,
        ),
        k=spec.k,
        needs=list(spec.needs),
        answer=spec.answer,
        order=spec.order,
    )
