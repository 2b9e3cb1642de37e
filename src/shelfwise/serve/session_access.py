"""What a session may be used for: reading, and changing from a page of this server."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from shelfwise.errors import NotAllowedError
from shelfwise.serve import sessions
from shelfwise.serve.callers import Caller
from shelfwise.serve.credentials import Credentials
from shelfwise.serve.sessions import CSRF_HEADER, Session

if TYPE_CHECKING:
    from shelfwise.serve.keyring import Keyring

READING = frozenset({"GET", "HEAD"})


def session_caller(sent: Credentials, keyring: Keyring) -> tuple[Caller, Session]:
    """Who sends a session's cookie.

    The browser adds the cookie by itself; that a page of ours wants the change, the token shows.

    Raises:
        AccessError: the session does not hold.
        NotAllowedError: a page of another origin asks, or something is to change and the token is not sent.
    """
    session = sessions.read(sent.session or "")
    caller = keyring.session_caller(session)
    if not sent.is_own_page:
        raise NotAllowedError("a session answers to pages of its own server only", code="other_origin")
    if sent.method not in READING:
        opened = keyring.sessions
        expected = "" if opened is None else opened.csrf_token(session)
        if not expected or not hmac.compare_digest(expected.encode(), (sent.csrf_token or "").encode("latin-1")):
            raise NotAllowedError(
                "the request does not come from a page of this session",
                expected=f"the session's token as `{CSRF_HEADER}`",
                hint="load the page again",
                code="no_csrf_token",
            )
    return caller, session
