"""What a request's headers say of who sends it."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope

from shelfwise.serve.sessions import session_in


@dataclass(slots=True)
class Credentials:
    """The headers that tell who asks, and for which site a browser takes this server.

    Attributes:
        method: Of the request.
        authorization: A key.
        visitor_token: A visitor's proof.
        session: The cookie of somebody who signed in.
        csrf_token: What pages of this server add to requests that change something.
        origin: Of the page that asks.
        host: Name and port by which this server was asked.
        is_encrypted: Whether the request came by TLS: to us, or to the proxy in front of us, as far as that says so.
        is_preflight: Whether a browser only asks what its page may send.
    """

    method: str
    authorization: str | None = None
    visitor_token: str | None = None
    session: str | None = None
    csrf_token: str | None = None
    origin: str | None = None
    host: str | None = None
    is_encrypted: bool = False
    is_preflight: bool = False

    @classmethod
    def of(cls, scope: Scope) -> Credentials:
        """Those of a request."""
        found = cls(scope["method"], is_encrypted=scope.get("scheme") == "https")
        for name, value in scope["headers"]:
            if name == b"authorization":
                found.authorization = value.decode("latin-1")
            elif name == b"shelfwise-visitor":
                found.visitor_token = value.decode("latin-1")
            elif name == b"cookie":
                found.session = session_in(value.decode("latin-1")) or found.session
            elif name == b"shelfwise-csrf":
                found.csrf_token = value.decode("latin-1")
            elif name == b"host":
                found.host = value.decode("latin-1")
            elif name == b"origin":
                found.origin = value.decode("latin-1")
            elif name == b"x-forwarded-proto":  # of several proxies the first is the one that the browser spoke to
                first = value.decode("latin-1").partition(",")[0].strip().lower()
                found.is_encrypted = found.is_encrypted or first == "https"
            elif name == b"access-control-request-method":
                found.is_preflight = found.method == "OPTIONS"
        return found

    @property
    def is_own_page(self) -> bool:
        """Whether no page asks, or one of this very server.

        `Origin: null` names no page, but hides one. A page that came without TLS is none of a server that is asked by
        TLS: somebody on the way may have written it. The other way round a proxy may have ended TLS and not say so.
        """
        if self.origin is None:
            return True
        scheme, _, place = self.origin.partition("://")
        if not place or place != self.host:
            return False
        return scheme == "https" or (scheme == "http" and not self.is_encrypted)
