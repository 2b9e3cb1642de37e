"""Who may call: on this machine everybody while the shop has no key, else who has one or signed in with one.

Which keys open which routes, the routes say: see `callers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shelfwise.errors import AccessError, NotAllowedError, ShelfwiseError
from shelfwise.serve.address_keys import authorization_in_address, require_browser_key
from shelfwise.serve.callers import CALLER, LOCAL, SESSION
from shelfwise.serve.credentials import Credentials
from shelfwise.serve.keys import is_loopback
from shelfwise.serve.problems import of_error, problem
from shelfwise.serve.session_access import session_caller

if TYPE_CHECKING:
    from shelfwise.serve.keyring import Keyring
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
    """Lets a request through where it carries a key (`Authorization: Bearer …`), a session, or none is asked for.

    A page of another origin is answered in a form that its browser lets it read where some browser key was made for
    that origin; whether the key that it sends was, is asked then.

    Args:
        app: What is behind.
        opening: Knows the keys.
        pages: Paths, with everything below them, whose routes say themselves what somebody without a key sees there.
    """

    def __init__(self, app: ASGIApp, opening: Opening, pages: tuple[str, ...] = ()) -> None:
        self.app = app
        self._opening = opening
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, and pass on."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self.app(scope, receive, send)
            return
        sent = Credentials.of(scope)
        try:
            keyring = self._opening.keyring()
            if sent.origin is not None and keyring.is_origin(sent.origin):
                send = _readable_by(sent.origin, send)
                if sent.is_preflight:
                    await Response(status_code=204, headers=ALLOWED)(scope, receive, send)
                    return
            elif sent.is_preflight:
                answer = problem(403, "other_origin", "no key was made for pages of that origin")
                await answer(scope, receive, send)
                return
            self._tell_caller(scope, sent, keyring)
        except ShelfwiseError as error:
            is_unknown = isinstance(error, AccessError) and not isinstance(error, NotAllowedError)
            if not (is_unknown and self._is_page(scope["path"])):
                await of_error(error)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _is_page(self, path: str) -> bool:
        return any(path == page or path.startswith(f"{page}/") for page in self._pages)

    @staticmethod
    def _tell_caller(scope: Scope, sent: Credentials, keyring: Keyring) -> None:
        in_address = None if sent.authorization else authorization_in_address(scope)
        authorization = sent.authorization or in_address
        if sent.session is not None and authorization is None and not keyring.is_open:
            scope[CALLER], scope[SESSION] = session_caller(sent, keyring)
            return
        caller = keyring.caller(authorization, sent.visitor_token, sent.origin, is_own_page=sent.is_own_page)
        if in_address is not None:
            require_browser_key(caller)
        if caller is LOCAL and not is_loopback(_name_in(sent.host)):
            # A page of another site may have its name point here: its browser then thinks this to be that site.
            raise NotAllowedError(
                "without a key this server answers to names of this machine only",
                expected="localhost, 127.0.0.1 or [::1] as the host",
                hint="make a key: `shelfwise keys create`",
                code="other_host",
            )
        scope[CALLER] = caller


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
