"""The key of the pages that the server shows itself."""

from __future__ import annotations

import pytest

from shelfwise.serve.storefront_key import StorefrontKey, is_own_origin
from shelfwise.store.api_keys import digest_of


def test_the_same_secret_gives_the_same_key_and_another_one_another() -> None:
    first, again, other = StorefrontKey(b"a" * 32), StorefrontKey(b"a" * 32), StorefrontKey(b"b" * 32)
    assert first.key == again.key != other.key
    assert first.is_sent(digest_of(again.key.encode())) and not first.is_sent(digest_of(other.key.encode()))


@pytest.mark.parametrize(
    ("origin", "host", "is_own"),
    [
        ("http://127.0.0.1:8081", "127.0.0.1:8081", True),
        ("https://shop.example", "shop.example", True),  # behind a proxy that ends TLS
        ("http://Shop.example", "shop.EXAMPLE", True),
        ("http://127.0.0.1:8081", "127.0.0.1:8080", False),
        ("http://shop.example.evil.example", "shop.example", False),
        ("http://evil.example/shop.example", "shop.example", False),
        ("null", "null", False),
        ("null", "", False),
        ("", "", False),
        ("http://127.0.0.1:8081", None, False),
    ],
)
def test_a_page_of_another_origin_is_another(origin: str, host: str | None, is_own: bool) -> None:
    assert is_own_origin(origin, host) is is_own
