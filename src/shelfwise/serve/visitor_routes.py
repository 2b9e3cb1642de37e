"""`POST /visitors`: a signed token by which a page's visitor, or somebody signed in, proves who it is."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from time import time
from typing import Self

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from shelfwise.errors import NotAllowedError
from shelfwise.schemas.events import MAX_ID_CHARS
from shelfwise.schemas.keys import KeyKind, KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import NEVER_KEPT, Json
from shelfwise.serve.callers import Caller, GuardedRoute, caller_of, needs
from shelfwise.serve.service import Current, Keys
from shelfwise.serve.visitors import Visitor
from shelfwise.store import server_secrets

router = APIRouter(tags=["visitors"], route_class=GuardedRoute)


class VisitorWanted(BaseModel):
    """Whose token is wanted; a page names nobody."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}, {"user_id": "customer-42"}]})

    user_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_ID_CHARS,
        description="Somebody who is signed in: asked for by the shop's server, handed to that person's page.",
    )
    may_erase: bool = Field(
        default=False,
        description="Whether that person's page may erase the person, by `DELETE /v1/visitors/me`.",
    )

    @model_validator(mode="after")
    def _of_a_user(self) -> Self:
        if self.may_erase and self.user_id is None:
            raise ValueError("may_erase is said of a user: name one; a visitor without may always be forgotten")
        return self


class VisitorAnswer(BaseModel):
    """A token, and whom it proves."""

    token: str = Field(description="To be sent as `Shelfwise-Visitor`.")
    expires_at: datetime
    user_id: str | None = None
    session_id: str | None = None


@router.post(
    "/visitors",
    status_code=201,
    response_model=VisitorAnswer,
    responses=documentation.problems(400, 413, 415, 422),
)
@needs(KeyScope.EVENTS, KeyScope.RECOMMEND, browsers=True)
async def post_visitors(sent: VisitorWanted, request: Request, service: Current, keys: Keys) -> Response:
    """Issue a token: for a new visitor, for the visitor of the token that is sent along, or for a user.

    A token for a user reads and writes as that person: it takes a server's key with both scopes, `events` and
    `recommend`. With `may_erase` it erases that person too, where the page asks for it.
    """
    whom = _whom(sent, caller_of(request))
    tokens = keys.tokens
    if tokens is None:
        find_or_make = partial(server_secrets.find_or_make, name=server_secrets.VISITOR_TOKENS)
        tokens = keys.sign_with(await service.writer.run(find_or_make))
    token, ends_s = tokens.issue(whom, time())
    return Json(
        VisitorAnswer(
            token=token,
            expires_at=datetime.fromtimestamp(ends_s, UTC),
            user_id=whom.user_id,
            session_id=whom.session_id,
        ),
        201,
        headers=NEVER_KEPT,
    )


def _whom(sent: VisitorWanted, caller: Caller) -> Visitor:
    if sent.user_id is None:
        return caller.visitor or Visitor.new()
    both = {KeyScope.EVENTS, KeyScope.RECOMMEND}
    if caller.kind is KeyKind.BROWSER or not (KeyScope.ADMIN in caller.scopes or both <= caller.scopes):
        raise NotAllowedError(
            "this key may not issue tokens for users", expected="a server's key with the scopes events and recommend"
        )
    return Visitor(user_id=sent.user_id, may_erase_user=sent.may_erase)
