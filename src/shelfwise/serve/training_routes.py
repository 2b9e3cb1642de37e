"""Trainings over HTTP: started, watched, stopped."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shelfwise.schemas.events import MAX_ID_CHARS
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import Json
from shelfwise.serve.callers import GuardedRoute, caller_of, needs
from shelfwise.serve.etags import is_known
from shelfwise.serve.service import Current
from shelfwise.serve.training_process import start_training, stop_training
from shelfwise.store import audit_log
from shelfwise.track.stage_parts import parts_of
from shelfwise.track.training_runs import State, TrainingRuns

router = APIRouter(tags=["models"], route_class=GuardedRoute)

Name = Annotated[str, Path(max_length=MAX_ID_CHARS)]


class TrainingToStart(BaseModel):
    """What is to be done."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"what": "full"}]})

    what: Literal["full", "continue", "map"] = Field(
        default="full",
        description=(
            "`full` fits everything anew, `continue` takes up what is new since the version in service, `map` draws "
            "the catalogue's map of the version in service."
        ),
    )


class StagePartAnswer(BaseModel):
    """A part of a stage's name: what stands between colons."""

    text: str = Field(description="As it was written, in English.")
    id: str | None = Field(description="Of what is meant, for other languages; null where it has none.")
    values: dict[str, str] = Field(description="What it names: numbers, a retriever, a model version.")


class StageAnswer(BaseModel):
    """A part of a training."""

    name: str
    parts: list[StagePartAnswer] = Field(description="The same name, part by part.")
    begins_s: float = Field(description="Seconds since the training began.")
    ends_s: float | None = Field(default=None, description="The same; null while it goes on.")
    done: int | None = Field(default=None, description="Steps, where they can be counted.")
    total: int | None = None


class TrainingAnswer(BaseModel):
    """A training, without its curves."""

    name: str = Field(description="Also the name of the version that it makes.")
    what: str
    by: str = Field(description="Who started it.")
    started_at: str
    state: State = Field(
        description=(
            "`unchanged`: there was nothing new to learn; `interrupted`: its process ended without a word, as when the "
            "machine was restarted."
        )
    )
    seconds: float
    stage: str | None = Field(default=None, description="What it does, or did last.")
    version: str | None = Field(default=None, description="That is in service by it.")
    code: str | None = Field(default=None, description="Of the error, where it failed.")
    error: str | None = None
    hint: str | None = None


class TrainingDetail(TrainingAnswer):
    """A training, stage by stage, with its curves."""

    stages: list[StageAnswer]
    curves: dict[str, list[tuple[int, float | None]]] = Field(
        description="Pairs of step and value by the curve's name, such as `sequence/everything/loss`; at most 400 each."
    )


class TrainingsAnswer(BaseModel):
    """The last trainings, newest first."""

    trainings: list[TrainingAnswer]


@router.get("/trainings", response_model=TrainingsAnswer)
@needs(KeyScope.ADMIN)
async def get_trainings(service: Current) -> Response:
    """The last fifty trainings, those of the command line too, newest first."""

    def found() -> list[TrainingAnswer]:
        runs = _runs(service)
        return [_answer(runs, name) for name in runs.names()]

    return Json(TrainingsAnswer(trainings=await asyncio.to_thread(found)))


@router.post(
    "/trainings",
    response_model=TrainingAnswer,
    status_code=201,
    responses=documentation.problems(400, 409, 413, 415, 422),
)
@needs(KeyScope.ADMIN)
async def post_training(wanted: TrainingToStart, request: Request, service: Current) -> Response:
    """Start a training beside the server; its version is in service once it is published. One runs at a time."""
    actor = caller_of(request).name
    shop = service.records.folder
    name = await asyncio.to_thread(start_training, shop, service.versions, wanted.what, actor)
    await service.writer.run(
        partial(audit_log.note, actor=actor, action="training.start", subject=name, what=wanted.what)
    )
    return Json(await asyncio.to_thread(_answer, _runs(service), name), status_code=201)


@router.get(
    "/trainings/{name}",
    response_model=TrainingDetail,
    responses={304: {"description": "Nothing happened since."}, **documentation.problems(404, 422)},
)
@needs(KeyScope.ADMIN)
async def get_training(name: Name, request: Request, service: Current) -> Response:
    """One training as it goes on; ask again with `If-None-Match` to hear only of what is new."""

    def found() -> tuple[str, TrainingDetail | None]:
        runs = _runs(service)
        tag = f'"{runs.tag(name)}"'
        return tag, None if is_known(request, tag) else _detail(runs, name)

    tag, detail = await asyncio.to_thread(found)
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    return Response(status_code=304, headers=headers) if detail is None else Json(detail, headers=headers)


@router.delete("/trainings/{name}", response_model=TrainingAnswer, responses=documentation.problems(404, 409, 422))
@needs(KeyScope.ADMIN)
async def delete_training(name: Name, request: Request, service: Current) -> Response:
    """Stop a training; what was in service stays. Answers when it has ended, ten seconds later at the latest."""
    await asyncio.to_thread(stop_training, service.records.folder, name)
    actor = caller_of(request).name
    await service.writer.run(partial(audit_log.note, actor=actor, action="training.stop", subject=name))
    return Json(await asyncio.to_thread(_answer, _runs(service), name))


def _runs(service: Current) -> TrainingRuns:
    return TrainingRuns(service.records.folder)


def _answer(runs: TrainingRuns, name: str) -> TrainingAnswer:
    return TrainingAnswer.model_validate(_facts(runs, name, curves=False))


def _detail(runs: TrainingRuns, name: str) -> TrainingDetail:
    return TrainingDetail.model_validate(_facts(runs, name, curves=True))


def _facts(runs: TrainingRuns, name: str, *, curves: bool) -> dict[str, Any]:
    found = runs.get(name, curves=curves)
    facts = asdict(found)
    for stage in facts["stages"]:
        stage["parts"] = [asdict(part) for part in parts_of(stage["name"])]
    return {**facts, "stage": found.stages[-1].name if found.stages else None}
