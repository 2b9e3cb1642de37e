"""Keys over HTTP: made, listed, revoked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from shelfwise.schemas.keys import KeyKind, KeyScope, KeyWanted
from shelfwise.serve import documentation
from shelfwise.serve.answers import NEVER_KEPT, Json
from shelfwise.serve.callers import GuardedRoute, caller_of, needs
from shelfwise.serve.service import Current, Keys
from shelfwise.store import api_keys, audit_log
from shelfwise.store.api_keys import StoredKey

router = APIRouter(tags=["keys"], route_class=GuardedRoute)


class KeyAnswer(BaseModel):
    """A key without its secret."""

    key_id: str
    name: str
    kind: KeyKind
    scopes: list[KeyScope]
    origins: list[str]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    holds: bool = Field(description="Neither ended nor revoked.")


class NewKeyAnswer(KeyAnswer):
    """A key that was made just now."""

    key: str = Field(description="The key itself: shown this once, and kept nowhere.")


class KeysAnswer(BaseModel):
    """Every key that was ever made, oldest first."""

    keys: list[KeyAnswer]


@router.get("/keys", response_model=KeysAnswer)
@needs(KeyScope.ADMIN)
async def get_keys(service: Current) -> Response:
    """All keys, without their secrets. The key of the server's environment is none of them."""
    with service.records.glance() as connection:
        return Json(KeysAnswer(keys=[_answer(key) for key in api_keys.read_all(connection)]))


@router.post(
    "/keys", status_code=201, response_model=NewKeyAnswer, responses=documentation.problems(400, 413, 415, 422)
)
@needs(KeyScope.ADMIN)
async def post_keys(sent: KeyWanted, request: Request, service: Current, keys: Keys) -> Response:
    """Make a key. From the first one on every request to this shop needs one."""
    actor = caller_of(request).name

    def made(connection: Connection) -> tuple[StoredKey, str]:
        stored, key = api_keys.create(connection, sent)
        audit_log.note(connection, actor, "key.create", stored.key_id, **_facts(stored))
        return stored, key

    stored, key = await service.writer.run(made)
    keys.refresh()
    return Json(NewKeyAnswer(**_answer(stored).model_dump(), key=key), 201, headers=NEVER_KEPT)


@router.delete("/keys/{key_id}", status_code=204, response_class=Response, responses=documentation.problems(404, 422))
@needs(KeyScope.ADMIN)
async def delete_key(
    key_id: Annotated[str, Path(max_length=64)], request: Request, service: Current, keys: Keys
) -> Response:
    """End a key: at once here, within a second in other processes of the shop."""
    actor = caller_of(request).name

    def revoked(connection: Connection) -> None:
        audit_log.note(connection, actor, "key.revoke", api_keys.revoke(connection, key_id).key_id)

    await service.writer.run(revoked)
    keys.refresh()
    return Response(status_code=204)


def _facts(key: StoredKey) -> dict[str, object]:
    found = key.as_document()
    return {name: found[name] for name in ("name", "kind", "scopes", "origins", "expires_at")}


def _answer(key: StoredKey) -> KeyAnswer:
    has_ended = key.expires_at is not None and key.expires_at <= datetime.now(UTC)
    return KeyAnswer.model_validate({**key.as_document(), "holds": key.revoked_at is None and not has_ended})
