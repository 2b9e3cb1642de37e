"""Sessions of people who signed in to the console with a key, proven by a signed cookie.

A session is `v1.<key>.<end>.<nonce>.<signature>`: which key opened it, the second in which it ends, a random part, and
an HMAC-SHA-256 over these and the key's own digest, with a secret that the shop's processes share. Nothing is stored of
it, and it holds no longer than its key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from shelfwise.errors import AccessError

FORM = "v1"
VALID_S = 12 * 3_600
MAX_CHARS = 500

COOKIE = "shelfwise-session"
"""Carries the session."""

CSRF_HEADER = "Shelfwise-CSRF"
"""Carries the session's second half, which only pages of this server can read, with whatever changes something."""

ENVIRONMENT_KEY = "environment"
"""Stands for the key of the process's environment, which has no id."""


@dataclass(frozen=True, slots=True)
class Session:
    """What a cookie says, before its signature is checked.

    Attributes:
        key_id: Of the key that opened it.
        ends_s: The second in which it ends.
        token: As the cookie has it.
    """

    key_id: str
    ends_s: int
    token: str


class Sessions:
    """Opens sessions and checks them.

    Args:
        secret: Shared by all processes of the shop.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def open(self, key_id: str, digest: bytes, now_s: float) -> str:
        """A session of a key from now on."""
        body = f"{FORM}.{key_id}.{int(now_s) + VALID_S}.{secrets.token_urlsafe(12)}"
        return f"{body}.{self._signature(body, digest)}"

    def check(self, session: Session, digest: bytes, now_s: float) -> None:
        """See that a session was opened here with this very key, and has not ended.

        Raises:
            AccessError: it was not, or has.
        """
        body, _, signature = session.token.rpartition(".")
        if not hmac.compare_digest(self._signature(body, digest), signature):
            raise ended("wrong_session")
        if session.ends_s <= now_s:
            raise ended("expired_session")

    def csrf_token(self, session: Session) -> str:
        """What requests of this session that change something have to carry."""
        return _text(hmac.digest(self._secret, b"csrf." + session.token.encode(), hashlib.sha256))

    def _signature(self, body: str, digest: bytes) -> str:
        return _text(hmac.digest(self._secret, body.encode() + b"." + digest, hashlib.sha256))


def read(token: str) -> Session:
    """What a cookie says.

    Raises:
        AccessError: it is no session.
    """
    parts = token.split(".")
    if len(token) > MAX_CHARS or not token.isascii() or len(parts) != 5 or parts[0] != FORM:
        raise ended("wrong_session")
    _, key_id, ends, _, _ = parts
    if not ends.isdecimal():
        raise ended("wrong_session")
    return Session(key_id, int(ends), token)


def session_in(cookies: str) -> str | None:
    """The session in a `Cookie` header.

    Examples:
        >>> session_in("language=zh; shelfwise-session=v1.a.b.c.d")
        'v1.a.b.c.d'
    """
    for cookie in cookies.split(";"):
        name, _, value = cookie.strip().partition("=")
        if name == COOKIE:
            return value or None
    return None


def ended(code: str) -> AccessError:
    """What is answered to a session that does not hold."""
    return AccessError("the session has ended", hint="sign in again", code=code)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
