"""Keys and addresses."""

from __future__ import annotations

import pytest

from shelfwise.errors import ConfigError
from shelfwise.serve.keys import MIN_KEY_CHARS, VARIABLE, is_loopback, key_from_environment, require_key_for


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback_needs_no_key(host: str) -> None:
    assert is_loopback(host)
    require_key_for(host, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "shop.example", "localhost.example", ""])
def test_every_other_address_needs_one(host: str) -> None:
    with pytest.raises(ConfigError, match=f"lets other machines in.*\n*.*{VARIABLE}"):
        require_key_for(host, None)
    require_key_for(host, "x" * MIN_KEY_CHARS)


def test_a_key_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert key_from_environment() is None
    monkeypatch.setenv(VARIABLE, "")
    assert key_from_environment() is None
    monkeypatch.setenv(VARIABLE, "k" * MIN_KEY_CHARS)
    assert key_from_environment() == "k" * MIN_KEY_CHARS


@pytest.mark.parametrize(
    "key", ["short", "k" * (MIN_KEY_CHARS - 1), "with a space in it", "schlüssel-zum-laden", "a" * 20 + "\n"]
)
def test_a_weak_key_is_refused_without_saying_it(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv(VARIABLE, key)
    with pytest.raises(ConfigError) as caught:
        key_from_environment()
    assert caught.value.code == "weak_key"
    assert key not in str(caught.value)
