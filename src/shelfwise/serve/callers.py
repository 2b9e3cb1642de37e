"""Who asks, and which routes are open to whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from shelfwise.errors import AccessError, NotAllowedError
from shelfwise.schemas.keys import KeyKind, KeyScope
from shelfwise.serve.measured import ROUTE
from shelfwise.serve.problems import of_error
from shelfwise.serve.visitors import Visitor

CALLER = "shelfwise.caller"
"""Where a request carries who asks."""

SESSION = "shelfwise.session"
"""Where a request carries the session by which its caller signed in; absent with a key."""

PREFIX = "/v1"
"""Of all routes but `/metrics`; a route does not know it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        name: For the audit log.
        scopes: What the key may do.
        kind: Who holds the key.
        visitor: Whom a browser's signed token proves; None without one.
    """

    name: str
    scopes: frozenset[KeyScope]
    kind: KeyKind = KeyKind.SERVER
    visitor: Visitor | None = None


LOCAL = Caller("this machine", frozenset(KeyScope))
"""Somebody on this machine, where no key is asked for."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a route asks of its callers.

    Attributes:
        scopes: One of them is enough; `admin` always is.
        browsers: Whether browser keys are let in too: the route sees to it that they touch their own visitor only.
        anybody: Whether it answers without a key; it tells nothing of the shop then.
        own: Scopes of which a browser key needs one, where it is let in to less than a server's key is: to what is its
            own visitor's. Empty: those of everybody.
    """

    scopes: frozenset[KeyScope]
    browsers: bool = False
    anybody: bool = False
    own: frozenset[KeyScope] = frozenset()

    def is_met_by(self, caller: Caller) -> bool:
        """Whether somebody may use the route."""
        if self.anybody or KeyScope.ADMIN in caller.scopes:
            return True
        if caller.kind is KeyKind.BROWSER:
            return self.browsers and not (self.own or self.scopes).isdisjoint(caller.scopes)
        return not self.scopes.isdisjoint(caller.scopes)


_NEED = "__shelfwise_need__"

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def needs(
    *scopes: KeyScope, browsers: bool = False, anybody: bool = False, own: tuple[KeyScope, ...] = ()
) -> Callable[[Endpoint], Endpoint]:
    """Declare what an endpoint asks of its callers; stands between the router's line and the function.

    See `Need`; `own` lets browser keys in.
    """

    def declared(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _NEED, Need(frozenset(scopes), browsers or bool(own), anybody, frozenset(own)))
        return endpoint

    return declared


class GuardedRoute(APIRoute):
    """A route that lets in whom it declares, and cannot be made without declaring it."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        need = getattr(endpoint, _NEED, None)
        if need is None:
            raise TypeError(f"{path}: the endpoint does not say what it asks of its callers; see `needs`")
        self.need: Need = need
        super().__init__(path, endpoint, **options)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse who may not, and pass on."""
        scope.get(ROUTE, []).append(f"{PREFIX if scope['path'].startswith(PREFIX) else ''}{self.path_format}")
        caller: Caller | None = scope.get(CALLER)
        if self.need.anybody or (caller is not None and self.need.is_met_by(caller)):
            await self.let_in(scope, receive, send)
            return
        if caller is not None and caller.kind is KeyKind.BROWSER and not self.need.browsers:
            error = NotAllowedError("keys that stand in pages may not do that", expected="a key of a server")
        else:
            expected = " or ".join(scope.value for scope in KeyScope if scope in self.need.scopes | {KeyScope.ADMIN})
            error = NotAllowedError("this key may not do that", expected=f"a key with the scope {expected}")
        await of_error(error)(scope, receive, send)

    async def let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer somebody who may ask."""
        await super().handle(scope, receive, send)


def caller_of(request: Request) -> Caller:
    """Who sent a request."""
    return request.scope[CALLER]


def proven(caller: Caller) -> Visitor:
    """The visitor for whom a page asks.

    Raises:
        AccessError: it sent no token.
    """
    if caller.visitor is None:
        raise AccessError(
            "a browser key comes with a visitor's token",
            hint="ask `POST /v1/visitors` for one, and send it as `Shelfwise-Visitor`",
            code="no_visitor",
        )
    return caller.visitor
