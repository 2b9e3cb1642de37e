"""Where a client sends its calls, and with which key: the key is in no `repr`, no error and no log."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import httpx

from shelfwise.client.calls import Call
from shelfwise.errors import ConfigError

KEY_VARIABLE = "SHELFWISE_API_KEY"
LOCAL = "http://127.0.0.1:8080"
TIMEOUT_S = 5.0
CONNECT_TIMEOUT_S = 2.0


class Connection:
    """A server's URL, and what goes with every call to it.

    Args:
        url: Of the server, without `/v1`.
        api_key: As `shelfwise keys create` tells it; `SHELFWISE_API_KEY` of the environment where omitted.
        timeout_s: How long an answer may take.

    Raises:
        ConfigError: one of them cannot be used.
    """

    def __init__(self, url: str, api_key: str | None, timeout_s: float) -> None:
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, TypeError) as cause:
            raise _bad_url() from cause
        if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.userinfo:
            raise _bad_url()
        if not timeout_s > 0:
            raise ConfigError(f"timeout_s is {timeout_s}", expected="seconds above 0", where="timeout_s")
        self.url = url.rstrip("/")
        self.timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_TIMEOUT_S))
        self._key = api_key if api_key is not None else os.environ.get(KEY_VARIABLE) or None
        # Looked at here: a key that no header can carry would be quoted in the error of whoever sends it.
        if self._key is not None and not (self._key.isascii() and self._key.isprintable() and " " not in self._key):
            raise ConfigError(
                "the API key holds blanks, line ends or letters that no key has",
                expected="one as `shelfwise keys create` tells it",
                where=KEY_VARIABLE if api_key is None else "api_key",
            )

    @property
    def headers(self) -> Mapping[str, str]:
        """Of every call."""
        key = {} if self._key is None else {"Authorization": f"Bearer {self._key}"}
        return {**key, "Accept": "application/json", "User-Agent": "shelfwise-client"}

    def request(self, http: httpx.Client | httpx.AsyncClient, call: Call[Any]) -> httpx.Request:
        """A call as it is sent."""
        media_type = {} if call.body is None else {"Content-Type": call.media_type}
        return http.build_request(
            call.method,
            f"{self.url}/v1{call.path}",
            params=dict(call.params) or None,
            content=call.body,
            headers={**self.headers, **media_type, **call.headers},
        )

    def __repr__(self) -> str:
        return f"{self.url!r}, {'without a key' if self._key is None else 'with a key'}"


def _bad_url() -> ConfigError:
    # Not quoted: people put passwords into URLs.
    return ConfigError("this is no URL of a server", expected=f"one as in {LOCAL!r}", where="url")
