"""The key of the pages that the server shows itself."""

from __future__ import annotations

from shelfwise.serve.storefront_key import StorefrontKey
from shelfwise.store.api_keys import digest_of


def test_the_same_secret_gives_the_same_key_and_another_one_another() -> None:
    first, again, other = StorefrontKey(b"a" * 32), StorefrontKey(b"a" * 32), StorefrontKey(b"b" * 32)
    assert first.key == again.key != other.key
    assert first.is_sent(digest_of(again.key.encode())) and not first.is_sent(digest_of(other.key.encode()))
