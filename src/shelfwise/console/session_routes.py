"""`POST|DELETE /console/session`: sign in with an administrator's key, and sign out."""

from __future__ import annotations

import math
import time
from functools import partial

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shelfwise.console.page_routes import next_path
from shelfwise.errors import NotAllowedError
from shelfwise.schemas.keys import KeyKind, KeyScope
from shelfwise.serve.answers import NEVER_KEPT, Json
from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.credentials import Credentials
from shelfwise.serve.pace import Buckets
from shelfwise.serve.problems import problem
from shelfwise.serve.service import Current, Keys
from shelfwise.serve.sessions import COOKIE, VALID_S
from shelfwise.store import server_secrets

router = APIRouter(route_class=GuardedRoute)

ADDRESS = "/console/session"
ATTEMPTS_PER_S = 2.0
"""From one address; a burst of five seconds' worth is let through."""

_attempts = Buckets(ATTEMPTS_PER_S)


class SignIn(BaseModel):
    """What the form sends."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=1, max_length=500)
    next: str | None = Field(default=None, max_length=2_000)


@router.post(ADDRESS)
@needs(anybody=True)
async def post_session(sent: SignIn, request: Request, service: Current, keys: Keys) -> Response:
    """Sign in: the answer sets the session's cookie, which scripts cannot read, and says where to go."""
    credentials = Credentials.of(request.scope)
    if not credentials.is_own_page:
        raise NotAllowedError("only pages of this server may sign people in", code="other_origin")
    wait_s = _attempts.wait_s(request.client.host if request.client else "", time.monotonic())
    if wait_s:
        return problem(
            429,
            "too_many_attempts",
            "too many attempts to sign in",
            hint="wait for as many seconds as `Retry-After` says",
            headers={"Retry-After": str(math.ceil(wait_s))},
        )
    opened = keys.sessions
    if opened is None:
        find_or_make = partial(server_secrets.find_or_make, name=server_secrets.SESSIONS)
        opened = keys.open_sessions_with(await service.writer.run(find_or_make))
    caller, token = keys.open_session(sent.key.strip(), opened)
    if caller.kind is KeyKind.BROWSER or KeyScope.ADMIN not in caller.scopes:
        raise NotAllowedError("this key may not see the console", expected="a key with the scope admin")
    answer = Json({"next": next_path(sent.next)}, headers=NEVER_KEPT)
    # A proxy in front may speak TLS where we do not: the page's own origin tells by which way the browser came.
    is_encrypted = request.url.scheme == "https" or (credentials.origin or "").startswith("https://")
    answer.set_cookie(COOKIE, token, max_age=VALID_S, path="/", httponly=True, samesite="strict", secure=is_encrypted)
    return answer


@router.delete(ADDRESS)
@needs(anybody=True)
async def delete_session() -> Response:
    """Sign out of this browser."""
    answer = Response(status_code=204, headers=NEVER_KEPT)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer
