"""What is known of a model version, and of two beside each other, over HTTP."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from shelfwise.errors import UnknownError
from shelfwise.evaluate.compare import compare
from shelfwise.schemas.events import MAX_ID_CHARS
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import Json
from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.model_routes import ModelAnswer, of_version
from shelfwise.serve.service import Current, Service
from shelfwise.store.evaluations import Evaluations
from shelfwise.store.versions import Version
from shelfwise.track.facts import flat

router = APIRouter(tags=["models"], route_class=GuardedRoute)

Facts = dict[str, str | int | float | bool | None]


class MetricAnswer(BaseModel):
    """A metric with its 95 % interval over users."""

    mean: float
    low: float
    high: float


class EvaluationAnswer(BaseModel):
    """An evaluation that is kept with a version."""

    protocol: str
    k: int
    n_users: int
    evaluated_at: str
    questions: str = Field(description="Fingerprint: evaluations that agree in it asked the same.")
    metrics: dict[str, MetricAnswer]


class ModelDetail(ModelAnswer):
    """A model version: where it comes from and what is known of it."""

    shelfwise: str | None = Field(default=None, description="Release that trained it.")
    commit: str | None = Field(default=None, description="Of the code, where that is known.")
    target: str | None = Field(default=None, description="The kind of event that it predicts.")
    seconds: float | None = Field(default=None, description="That its training took.")
    seconds_by_stage: dict[str, float]
    data: Facts = Field(description="Number of events, items and users, time of the last event, fingerprints.")
    lineage: Facts | None = Field(default=None, description="What it goes on from; null where everything was fitted.")
    configuration: Facts = Field(description="The resolved shop.toml by dotted path; secrets are left out.")
    evaluations: list[EvaluationAnswer]
    has_map: bool


class ColumnAnswer(BaseModel):
    """One of the versions that are compared."""

    version: str
    in_service: bool
    created_at: str | None
    shelfwise: str | None
    commit: str | None
    data: Facts
    seconds: float | None
    measured: EvaluationAnswer | None = Field(description="On the questions that most of the versions were asked.")


class DifferenceAnswer(BaseModel):
    """A version against the first one, asked the same questions."""

    version: str
    against: str
    metric: str
    n_users: int
    mean: float = Field(description="`version - against`, with its 95 % interval.")
    low: float
    high: float
    relative: float | None
    p_value: float
    p_adjusted: float = Field(description="Corrected for the number of comparisons (Holm).")


class ComparisonAnswer(BaseModel):
    """Versions side by side, as `shelfwise models compare` says it."""

    columns: list[ColumnAnswer]
    configuration: dict[str, list[str | int | float | bool | None]] = Field(
        description="Keys of shop.toml in which they differ; values in the order of the columns."
    )
    differences: list[DifferenceAnswer]
    notes: list[str] = Field(description="What could not be compared, and what to do about it.")


@router.get("/models/compare", response_model=ComparisonAnswer, responses=documentation.problems(400, 404, 422))
@needs(KeyScope.ADMIN)
async def get_comparison(
    service: Current,
    version: Annotated[
        list[Annotated[str, Field(max_length=MAX_ID_CHARS)]],
        Query(
            min_length=2, max_length=8, description="Names, each as a parameter of its own; the first is the baseline."
        ),
    ],
) -> Response:
    """Versions side by side: data, configuration, metrics, and whether one is better than another."""

    def found() -> dict[str, Any]:
        versions = [known(service, name) for name in version]
        return compare(versions, _evaluations(service), service.config.evaluate).as_document()

    return Json(ComparisonAnswer.model_validate(await asyncio.to_thread(found)))


@router.get("/models/{version}", response_model=ModelDetail, responses=documentation.problems(404, 422))
@needs(KeyScope.ADMIN)
async def get_model(version: Annotated[str, Path(max_length=MAX_ID_CHARS)], service: Current) -> Response:
    """One version: its data, configuration, lineage, and what evaluations of it found."""
    return Json(await asyncio.to_thread(lambda: _detail(service, known(service, version))))


def known(service: Service, name: str) -> Version:
    """A version by name.

    Raises:
        UnknownError: there is none; where it was looked for is nobody's business.
    """
    try:
        return service.versions.get(name)
    except UnknownError as error:
        raise UnknownError(error.found, hint=error.hint, code=error.code) from error


def _evaluations(service: Service) -> Evaluations:
    return Evaluations(service.versions.folder)


def _detail(service: Service, version: Version) -> ModelDetail:
    manifest = version.manifest
    lineage = manifest.get("lineage")
    return ModelDetail(
        **of_version(service, version).model_dump(),
        shelfwise=manifest.get("shelfwise"),
        commit=manifest.get("commit"),
        target=manifest.get("target"),
        seconds=manifest.get("seconds"),
        seconds_by_stage=manifest.get("seconds_by_stage", {}),
        data=manifest.get("data", {}),
        lineage=lineage,
        configuration=dict(flat(manifest.get("config", {}))),
        evaluations=[_measured(one.report) for one in _evaluations(service).of(version.name)],
        has_map=service.map.maps.drawn_at(version.name) is not None,
    )


def _measured(report: dict[str, Any]) -> EvaluationAnswer:
    return EvaluationAnswer(
        protocol=report["protocol"],
        k=report["k"],
        n_users=report["n_users"],
        evaluated_at=report["evaluated_at"],
        questions=report["questions"],
        metrics=report["rows"][0]["metrics"],
    )
