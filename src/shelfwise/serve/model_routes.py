"""Model versions over HTTP: listed, put in service, taken back."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shelfwise.errors import UnknownError
from shelfwise.schemas.events import MAX_ID_CHARS
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import Json
from shelfwise.serve.callers import GuardedRoute, caller_of, needs
from shelfwise.serve.service import Current, Service
from shelfwise.store import audit_log
from shelfwise.store.versions import Version

router = APIRouter(tags=["models"], route_class=GuardedRoute)


class Nothing(BaseModel):
    """An empty object: a body that no form on somebody else's page can send."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})


class ModelAnswer(BaseModel):
    """A model version."""

    version: str
    in_service: bool = Field(description="Whether it is the one that servers recommend with.")
    is_loaded: bool = Field(description="Whether the process that answers recommends with it.")
    created_at: str | None = None
    n_items: int | None = None
    n_events: int | None = None
    ranker: str | None = None
    held_out_ndcg: float | None = Field(default=None, description="Of that ranker, on what was held out.")
    continues: str | None = Field(default=None, description="The version that it goes on from; null if fitted anew.")
    format: int | None = Field(default=None, description="Of its files; servers load the format of their release.")


class ModelsAnswer(BaseModel):
    """All versions, oldest first."""

    models: list[ModelAnswer]


@router.get("/models", response_model=ModelsAnswer)
@needs(KeyScope.ADMIN)
async def get_models(service: Current) -> Response:
    """All model versions."""
    found = await asyncio.to_thread(service.versions.list)
    return Json(ModelsAnswer(models=[of_version(service, version) for version in found]))


@router.post(
    "/models/{version}/promote", response_model=ModelAnswer, responses=documentation.problems(400, 404, 413, 415, 422)
)
@needs(KeyScope.ADMIN)
async def post_promote(
    version: Annotated[str, Path(max_length=MAX_ID_CHARS)], _: Nothing, request: Request, service: Current
) -> Response:
    """Put a version in service; every server process takes it up by itself, within a second or two."""
    try:
        promoted = await asyncio.to_thread(service.versions.promote, version)
    except UnknownError as error:  # where it was looked for is nobody's business
        raise UnknownError(error.found, hint=error.hint, code=error.code) from error
    return await _noted(service, request, promoted, "model.promote")


@router.post("/models/rollback", response_model=ModelAnswer, responses=documentation.problems(400, 409, 413, 415, 422))
@needs(KeyScope.ADMIN)
async def post_rollback(_: Nothing, request: Request, service: Current) -> Response:
    """Put the version in service that was there before; every server process takes it up by itself."""
    before = await asyncio.to_thread(service.versions.roll_back)
    return await _noted(service, request, before, "model.roll-back")


async def _noted(service: Service, request: Request, version: Version, action: audit_log.Action) -> Response:
    note = partial(audit_log.note, actor=caller_of(request).name, action=action, subject=version.name)
    await service.writer.run(note)
    return Json(of_version(service, version))


def of_version(service: Service, version: Version) -> ModelAnswer:
    """What stands of a version in the list."""
    manifest: dict[str, Any] = version.manifest
    ranker: dict[str, Any] = manifest.get("learned", {}).get("ranker", {})
    name = ranker.get("model")
    return ModelAnswer(
        version=version.name,
        in_service=version.is_current,
        is_loaded=service.has_model and service.recommender.model.name == version.name,
        created_at=manifest.get("created_at"),
        n_items=manifest.get("n_items"),
        n_events=manifest.get("data", {}).get("n_events"),
        ranker=name,
        held_out_ndcg=ranker.get("held_out_ndcg", {}).get(name),
        continues=(manifest.get("lineage") or {}).get("continues"),
        format=manifest.get("format"),
    )
