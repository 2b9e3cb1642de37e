"""Visitors of the shop's pages, and the signed tokens by which each proves who it is.

A token is `v1.<whom>.<end>.<signature>`: whom it proves, the second in which it ends, and an HMAC-SHA-256 over all of
it with a secret that the shop's processes share. Nothing is stored of it.

Whom: a letter, then an id. `s` is a browser, `u` somebody who is signed in. What the token may beside that stands in
front, as in `v1-erase`, where the shop's server lets that person's page erase the person. An earlier release beside
this one reads whom alone, so that somebody who is signed in stays who they are there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any, cast

from shelfwise.errors import AccessError, NotAllowedError
from shelfwise.schemas.ids import VISITOR_PREFIX
from shelfwise.schemas.queries import Query

FORM = "v1"
MAY_ERASE = "v1-erase"
VALID_S = 90 * 86_400
"""How long a token holds; asking for another one in time goes on with the same visitor."""

MAX_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whom a token proves.

    Attributes:
        user_id: Somebody who is signed in, as the shop's server said.
        session_id: A browser.
        may_erase_user: Whether the shop's server lets pages erase this user. A browser alone may always be forgotten.
    """

    user_id: str | None = None
    session_id: str | None = None
    may_erase_user: bool = False

    @classmethod
    def new(cls) -> Visitor:
        """A browser that was never seen."""
        return cls(session_id=secrets.token_urlsafe(16))

    @property
    def owner(self) -> str:
        """Whose events these are, as the store names people."""
        return self.user_id if self.user_id is not None else f"{VISITOR_PREFIX}{self.session_id}"

    def require_may_erase(self) -> None:
        """See to it that no page erases a customer whom the shop's server did not put into its hands.

        Raises:
            NotAllowedError: the token is a user's, and was not made for that.
        """
        if self.user_id is not None and not self.may_erase_user:
            raise NotAllowedError(
                "this visitor's token may not erase the user whom it proves",
                expected="the token of a browser, or one that was made with may_erase",
                hint="have the shop's server ask `DELETE /v1/users/{id}`, or make the token with `may_erase`",
                code="may_not_erase",
            )

    def require_own(self, user_id: object, session_id: object) -> None:
        """Refuse what names somebody else.

        Raises:
            NotAllowedError: it does.
        """
        if user_id not in (None, self.user_id) or (self.user_id is None and session_id not in (None, self.session_id)):
            raise NotAllowedError(
                "the request is about somebody else than the visitor's token",
                expected="the token's own visitor, or neither user_id nor session_id",
                code="other_visitor",
            )

    def own_query(self, query: Query) -> Query:
        """A query as the visitor's own.

        Raises:
            NotAllowedError: it is about somebody else.
        """
        self.require_own(query.user_id, query.session_id)
        return query.model_copy(update={"user_id": self.user_id, "session_id": self.session_id or query.session_id})

    def own_event(self, sent: Any) -> Any:
        """An event as it came, as the visitor's own.

        Raises:
            NotAllowedError: it names somebody else.
        """
        if not isinstance(sent, dict):
            return sent
        event = cast("dict[str, Any]", sent)
        self.require_own(event.get("user_id"), event.get("session_id"))
        own = {"user_id": self.user_id, "session_id": self.session_id or event.get("session_id")}
        return {**event, **{name: value for name, value in own.items() if value is not None}}


class VisitorTokens:
    """Makes tokens and reads them.

    Args:
        secret: Shared by all processes of the shop.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def issue(self, visitor: Visitor, now_s: float) -> tuple[str, int]:
        """A token, and the second in which it ends."""
        ends_s = int(now_s) + VALID_S
        is_user = visitor.user_id is not None
        whom = f"u{visitor.user_id}" if is_user else f"s{visitor.session_id}"
        form = MAY_ERASE if is_user and visitor.may_erase_user else FORM
        body = f"{form}.{_text(whom.encode())}.{ends_s}"
        return f"{body}.{_text(self._signature(body))}", ends_s

    def read(self, token: str, now_s: float) -> Visitor:
        """Whom a token proves.

        Raises:
            AccessError: it was not made here, or it ended.
        """
        body, _, signature = token.rpartition(".")
        if len(token) > MAX_CHARS or not hmac.compare_digest(_text(self._signature(body)), _ascii(signature)):
            raise wrong_token()
        try:
            form, whom, ends = body.split(".")
            ends_s = int(ends)
            named = base64.urlsafe_b64decode(whom + "=" * (-len(whom) % 4)).decode()
        except ValueError as cause:  # signed, so made by another release
            raise wrong_token() from cause
        if ends_s <= now_s:
            raise AccessError(
                "the visitor's token has ended", hint="ask `POST /v1/visitors` for another", code="expired_visitor"
            )
        kind, name = named[:1], named[1:]
        if kind == "u" and form in (FORM, MAY_ERASE):
            return Visitor(user_id=name, may_erase_user=form == MAY_ERASE)
        if kind == "s" and form == FORM:
            return Visitor(session_id=name)
        raise wrong_token()  # signed too: what it stands for this release does not know

    def _signature(self, body: str) -> bytes:
        return hmac.digest(self._secret, _ascii(body).encode(), hashlib.sha256)


def wrong_token() -> AccessError:
    """What a token is answered that was not made here."""
    return AccessError("the visitor's token is wrong", hint="ask `POST /v1/visitors` for one", code="wrong_visitor")


def _ascii(text: str) -> str:
    # What is no ASCII was not made here; comparing in constant time wants ASCII.
    return text if text.isascii() else "?"


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
