"""The keys of a shop as one process knows them: who asks is told from memory.

What is remembered holds for a second; then the store is asked whether any key was made or ended since, one look at one
number. So a key that is revoked is dead at once in the process that did it, and within a second in every other, and a
request pays a few microseconds. While the store cannot be read, the keys known last hold on.
"""

from __future__ import annotations

import hmac
import logging
import time

from shelfwise.errors import AccessError, NotAllowedError, ServiceError
from shelfwise.schemas.keys import KeyKind, KeyScope
from shelfwise.serve import sessions
from shelfwise.serve.callers import LOCAL, Caller
from shelfwise.serve.sessions import ENVIRONMENT_KEY, Session, Sessions
from shelfwise.serve.storefront_key import CALLER as STOREFRONT
from shelfwise.serve.storefront_key import StorefrontKey
from shelfwise.serve.visitors import VisitorTokens, wrong_token
from shelfwise.store import api_keys, server_secrets
from shelfwise.store.api_keys import StoredKey, digest_of
from shelfwise.store.records import Records

LOOK_EVERY_S = 1.0
"""How often the store is asked whether keys were made or ended."""

ENVIRONMENT = Caller("the environment's key", frozenset(KeyScope))

log = logging.getLogger("shelfwise.serve")


class Keyring:
    """Tells who asks.

    Args:
        records: The shop's.
        environment_key: That of the process's environment, which may do everything; None where it has none.
        storefront: The key of the pages that the server shows itself; None where it shows none.
    """

    def __init__(self, records: Records, environment_key: str | None, storefront: StorefrontKey | None = None) -> None:
        self.storefront = storefront
        self._records = records
        self._environment = None if environment_key is None else digest_of(environment_key.encode())
        self._keys: dict[str, StoredKey] = {}
        self._callers: dict[str, Caller] = {}
        self._origins: frozenset[str] = frozenset()
        self._change = -1
        self._looked_at = 0.0
        self._tokens: VisitorTokens | None = None
        self._sessions: Sessions | None = None
        self.refresh()

    @property
    def tokens(self) -> VisitorTokens | None:
        """Makes and reads visitors' tokens; None before the shop issued any, see `sign_with`."""
        if self._tokens is None:
            with self._records.glance() as connection:
                secret = server_secrets.find(connection, server_secrets.VISITOR_TOKENS)
            if secret is not None:
                self.sign_with(secret)
        return self._tokens

    def sign_with(self, secret: bytes) -> VisitorTokens:
        """Make and read visitors' tokens by the shop's secret."""
        self._tokens = VisitorTokens(secret)
        return self._tokens

    @property
    def sessions(self) -> Sessions | None:
        """Opens and checks sessions; None before anybody signed in, see `open_sessions_with`."""
        if self._sessions is None:
            with self._records.glance() as connection:
                secret = server_secrets.find(connection, server_secrets.SESSIONS)
            if secret is not None:
                self.open_sessions_with(secret)
        return self._sessions

    def open_sessions_with(self, secret: bytes) -> Sessions:
        """Open and check sessions by the shop's secret."""
        self._sessions = Sessions(secret)
        return self._sessions

    def refresh(self) -> None:
        """Take up keys that were made or ended."""
        self._looked_at = time.monotonic()
        with self._records.glance() as connection:
            change = api_keys.newest_change(connection)
            if change == self._change:
                return
            found = api_keys.read_all(connection)
        self._change = change
        self._keys = {key.key_id: key for key in found}
        self._callers = {key.key_id: Caller(f"key {key.key_id} ({key.name})", key.scopes, key.kind) for key in found}
        self._origins = frozenset(
            origin for key in found if key.revoked_at is None and not _has_ended(key) for origin in key.origins
        )

    def caller(
        self,
        authorization: str | None,
        visitor_token: str | None,
        origin: str | None,
        *,
        is_own_page: bool = False,
    ) -> Caller:
        """Who sends these headers.

        Args:
            authorization: The key.
            visitor_token: A visitor's proof.
            origin: Of the page that asks; None where none does.
            is_own_page: Whether that is a page of this server.

        Raises:
            AccessError: no key where one is asked for, a wrong one, one that ended or was revoked, or a visitor's
                token that is wrong or ended.
            NotAllowedError: a page uses a key that was not made for it.
        """
        self._look()
        if authorization is None and self.is_open:
            return LOCAL
        scheme, _, sent = (authorization or "").partition(" ")
        sent = sent.strip()
        if scheme.lower() != "bearer" or not sent:
            raise _refused("no_key" if not authorization else "wrong_key")
        if self.storefront is not None and self.storefront.is_sent(digest_of(sent.encode())):
            if origin is not None and not is_own_page:
                raise _other_origin()
            return self._with_visitor(STOREFRONT, visitor_token)
        key, caller = self._holder(sent)
        if key is None:
            return caller
        if key.kind is KeyKind.SERVER:
            return caller
        if origin is not None and origin not in key.origins:
            raise _other_origin()
        return self._with_visitor(caller, visitor_token)

    def _with_visitor(self, caller: Caller, visitor_token: str | None) -> Caller:
        if not visitor_token:
            return caller
        tokens = self.tokens
        if tokens is None:
            raise wrong_token()
        return Caller(caller.name, caller.scopes, caller.kind, tokens.read(visitor_token, time.time()))

    def session_caller(self, session: Session) -> Caller:
        """Who signed in.

        Raises:
            AccessError: the session was not opened here, has ended, or its key has.
        """
        self._look()
        opened = self.sessions
        digest = self._digest(session.key_id)
        if opened is None or digest is None:
            raise sessions.ended("wrong_session")
        opened.check(session, digest, time.time())
        if session.key_id == ENVIRONMENT_KEY:
            return ENVIRONMENT
        self._require_holding(self._keys[session.key_id])
        return self._callers[session.key_id]

    def open_session(self, sent: str, opened: Sessions) -> tuple[Caller, str]:
        """Sign in with a key.

        Returns:
            Whose key it is, and the session.

        Raises:
            AccessError: it is none of the shop's keys, has ended or was revoked.
        """
        self._look()
        key, caller = self._holder(sent)
        key_id = ENVIRONMENT_KEY if key is None else key.key_id
        return caller, opened.open(key_id, digest_of(sent.encode()), time.time())

    @property
    def is_open(self) -> bool:
        """Whether no key is asked for, since there is none."""
        return self._environment is None and not self._keys

    def _digest(self, key_id: str) -> bytes | None:
        if key_id == ENVIRONMENT_KEY:
            return self._environment
        key = self._keys.get(key_id)
        return None if key is None else key.digest

    def _holder(self, sent: str) -> tuple[StoredKey | None, Caller]:
        """The key as it is kept, which that of the environment is not, and whose it is."""
        digest = digest_of(sent.encode())
        if self._environment is not None and hmac.compare_digest(digest, self._environment):
            return None, ENVIRONMENT
        key = self._keys.get(api_keys.id_in(sent) or "")
        if key is None or not hmac.compare_digest(digest, key.digest):
            raise _refused("wrong_key")
        self._require_holding(key)
        return key, self._callers[key.key_id]

    @staticmethod
    def _require_holding(key: StoredKey) -> None:
        if key.revoked_at is not None:
            raise _refused("revoked_key")
        if _has_ended(key):
            raise _refused("expired_key")

    def is_origin(self, origin: str) -> bool:
        """Whether some browser key that holds was made for pages of an origin."""
        self._look()
        return origin in self._origins

    def _look(self) -> None:
        if time.monotonic() - self._looked_at > LOOK_EVERY_S:
            try:
                self.refresh()
            except ServiceError as error:
                log.warning("keys are those known last: %s", error.found)


_FOUND = {
    "no_key": "this server asks for an API key",
    "wrong_key": "the API key is wrong",
    "expired_key": "the API key has ended",
    "revoked_key": "the API key was revoked",
}


def _other_origin() -> NotAllowedError:
    return NotAllowedError("this key was not made for pages of that origin", code="other_origin")


def _refused(code: str) -> AccessError:
    return AccessError(_FOUND[code], hint="send one as `Authorization: Bearer …`", code=code)


def _has_ended(key: StoredKey) -> bool:
    return key.expires_at is not None and key.expires_at.timestamp() <= time.time()
