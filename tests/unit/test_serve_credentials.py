"""For which pages a browser's request counts as one of this server's own."""

from __future__ import annotations

import pytest

from shelfwise.serve.credentials import Credentials

HERE = "shop.example:8080"


def sent(origin: str | None, host: str | None = HERE, scheme: str = "http", forwarded: str | None = None) -> bool:
    told = {b"origin": origin, b"host": host, b"x-forwarded-proto": forwarded}
    headers = [(name, value.encode()) for name, value in told.items() if value is not None]
    return Credentials.of({"type": "http", "method": "POST", "scheme": scheme, "headers": headers}).is_own_page


def test_no_page_and_pages_of_this_server_are_own() -> None:
    assert sent(None) and sent(None, host=None) and sent(None, scheme="https")
    assert sent(f"http://{HERE}") and sent(f"https://{HERE}", scheme="https")


@pytest.mark.parametrize("host", [HERE, None, ""])
@pytest.mark.parametrize("origin", ["null", "", "file://", "://", "http://other.example", "http://shop.example"])
def test_pages_of_nobody_or_of_others_are_not(origin: str, host: str | None) -> None:
    assert not sent(origin, host) and not sent(origin, host, scheme="https")


def test_a_page_that_came_in_the_clear_is_none_of_a_server_that_speaks_tls() -> None:
    assert not sent(f"http://{HERE}", scheme="https")
    assert not sent(f"http://{HERE}", forwarded="https")
    assert not sent(f"http://{HERE}", forwarded="HTTPS, http")
    assert not sent(f"ftp://{HERE}")


@pytest.mark.parametrize("forwarded", [None, "https", "https,http"])
def test_a_proxy_may_end_tls(forwarded: str | None) -> None:
    assert sent(f"https://{HERE}", forwarded=forwarded)


def test_a_proxy_may_speak_without_tls() -> None:
    assert sent(f"http://{HERE}", forwarded="http")
