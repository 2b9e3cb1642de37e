"""Who may call: on this machine everybody, unless a key is set; from elsewhere only who has the key."""

from __future__ import annotations

import hmac

from starlette.types import ASGIApp, Receive, Scope, Send

from shelfwise.serve.problems import problem

OPEN_PATHS = frozenset({"/v1/health/live"})
"""What a supervisor may ask without a key; it tells nothing of the shop."""


class Access:
    """Lets a request through where it carries the key (`Authorization: Bearer …`) or none is asked for."""

    def __init__(self, app: ASGIApp, key: str | None) -> None:
        self.app = app
        self._key = None if key is None else key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, and pass on."""
        if scope["type"] != "http" or self._key is None or scope["path"] in OPEN_PATHS:
            await self.app(scope, receive, send)
            return
        sent = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        scheme, _, token = sent.partition(b" ")
        if scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self._key):
            await self.app(scope, receive, send)
            return
        answer = problem(
            401,
            "wrong_key" if sent else "no_key",
            "the API key is wrong" if sent else "this server asks for an API key",
            hint="send it as `Authorization: Bearer …`",
            headers={"WWW-Authenticate": "Bearer"},
        )
        await answer(scope, receive, send)
