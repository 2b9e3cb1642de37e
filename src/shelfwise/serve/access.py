"""Who may call: on this machine everybody while the shop has no key, else who has one; and pages of other origins.

Which keys open which routes, the routes say: see `callers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shelfwise.errors import NotAllowedError, ShelfwiseError
from shelfwise.serve.address_keys import authorization_in_address, require_browser_key
from shelfwise.serve.callers import CALLER, LOCAL
from shelfwise.serve.keys import is_loopback
from shelfwise.serve.problems import of_error, problem

if TYPE_CHECKING:
    from shelfwise.serve.service import Opening

OPEN_PATHS = frozenset({"/v1/health/live", "/v1/client.js"})
"""What a supervisor, and a page before it has a key, may ask for; it tells nothing of the shop."""

VISITOR_HEADER = "Shelfwise-Visitor"
"""Carries a visitor's token."""

PREFLIGHT_S = 600
"""How long a browser may remember what a page may send."""

ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
    "Access-Control-Allow-Headers": f"Authorization, Content-Type, {VISITOR_HEADER}",
    "Access-Control-Max-Age": str(PREFLIGHT_S),
}


class Access:
    """Lets a request through where it carries a key (`Authorization: Bearer …`) or none is asked for.

    A page of another origin is answered in a form that its browser lets it read where some browser key was made for
    that origin; whether the key that it sends was, is asked then.
    """

    def __init__(self, app: ASGIApp, opening: Opening) -> None:
        self.app = app
        self._opening = opening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, and pass on."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self.app(scope, receive, send)
            return
        authorization = visitor_token = origin = asked_method = host = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value.decode("latin-1")
            elif name == b"shelfwise-visitor":
                visitor_token = value.decode("latin-1")
            elif name == b"host":
                host = value.decode("latin-1")
            elif name == b"origin":
                origin = value.decode("latin-1")
            elif name == b"access-control-request-method":
                asked_method = value
        try:
            keyring = self._opening.keyring()
            if origin is not None and keyring.is_origin(origin):
                send = _readable_by(origin, send)
                if scope["method"] == "OPTIONS" and asked_method is not None:
                    await Response(status_code=204, headers=ALLOWED)(scope, receive, send)
                    return
            elif scope["method"] == "OPTIONS" and asked_method is not None:
                answer = problem(403, "other_origin", "no key was made for pages of that origin")
                await answer(scope, receive, send)
                return
            in_address = None if authorization else authorization_in_address(scope)
            caller = keyring.caller(authorization or in_address, visitor_token, origin, host)
            if in_address is not None:
                require_browser_key(caller)
            if caller is LOCAL and not is_loopback(_name_in(host)):
                # A page of another site may have its name point here: its browser then thinks this to be that site.
                raise NotAllowedError(
                    "without a key this server answers to names of this machine only",
                    expected="localhost, 127.0.0.1 or [::1] as the host",
                    hint="make a key: `shelfwise keys create`",
                    code="other_host",
                )
            scope[CALLER] = caller
        except ShelfwiseError as error:
            await of_error(error)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _name_in(host: str | None) -> str:
    """The name in a `Host` header, without its port."""
    if not host:
        return ""
    return host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]


def _readable_by(origin: str, send: Send) -> Send:
    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = "Retry-After"
            headers.add_vary_header("Origin")
        await send(message)

    return told
