"""The browser key of the pages that this server shows itself.

It is derived from a secret of the shop, so that every process and every start hands out the same one, and it is no key
of the store: a shop on loopback that asks for none stays so. It opens what any browser key opens, for pages of the
server's own origin.
"""

from __future__ import annotations

import base64
import hmac

from sqlalchemy import Connection

from shelfwise.schemas.keys import BROWSER_SCOPES, KeyKind
from shelfwise.serve.callers import Caller
from shelfwise.store import server_secrets
from shelfwise.store.api_keys import PREFIX, digest_of

NAME = "storefront"

CALLER = Caller("the storefront's pages", BROWSER_SCOPES, KeyKind.BROWSER)


class StorefrontKey:
    """The key, and whether somebody sent it.

    Args:
        secret: The shop's; see `find_or_make`.
    """

    def __init__(self, secret: bytes) -> None:
        drawn = base64.urlsafe_b64encode(hmac.digest(secret, NAME.encode(), "sha256")).rstrip(b"=").decode()
        self.key = f"{PREFIX}_{NAME}_{drawn}"
        self._digest = digest_of(self.key.encode())

    @classmethod
    def find_or_make(cls, connection: Connection) -> StorefrontKey:
        """The shop's, its secret made now where there is none; inside a write transaction."""
        return cls(server_secrets.find_or_make(connection, server_secrets.STOREFRONT))

    def is_sent(self, digest: bytes) -> bool:
        """Whether this is the digest of the key."""
        return hmac.compare_digest(digest, self._digest)
