"""The API key: when one is needed, and what it must be. No web framework here: the supervisor asks too."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable

from shelfwise.errors import ConfigError

VARIABLE = "SHELFWISE_API_KEY"
MIN_KEY_CHARS = 16


def key_from_environment() -> str | None:
    """The API key, or None where none is set.

    Raises:
        ConfigError: it is too short to be a secret, or cannot be sent in a header.
    """
    key = os.environ.get(VARIABLE, "")
    if not key:
        return None
    if len(key) < MIN_KEY_CHARS:
        raise ConfigError(
            f"the key has {len(key)} characters",
            expected=f"at least {MIN_KEY_CHARS}",
            where=VARIABLE,
            hint="make one with `openssl rand -hex 32`",
            code="weak_key",
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ConfigError(
            "the key holds characters that no header can carry",
            expected="printable ASCII without spaces",
            where=VARIABLE,
            code="weak_key",
        )
    return key


def require_key_for(host: str, key: str | None, has_stored: Callable[[], bool] = lambda: False) -> None:
    """Refuse to listen to other machines without a key.

    Args:
        host: Address to listen on.
        key: That of the environment; None without one.
        has_stored: Whether the shop ever made a key, so that every request needs one; asked where it matters.

    Raises:
        ConfigError: `host` is no loopback address and there is no key.
    """
    if key is None and not is_loopback(host) and not has_stored():
        raise ConfigError(
            f"listening on {host!r} lets other machines in, and no API key is set",
            expected=f"the environment variable {VARIABLE} with at least {MIN_KEY_CHARS} characters",
            where="serve.host",
            hint="set the key, make one with `shelfwise keys create`, or listen on 127.0.0.1",
            code="no_api_key",
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address.

    Examples:
        >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "shop.example")]
        [True, True, True, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
