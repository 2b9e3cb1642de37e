"""Signing in: the form, the session's cookie, what it may do and when it ends."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shelfwise.testing.console import Console, console_of, watched_page

pytestmark = pytest.mark.online

SECRET = "k" * 40
WRONG = "w" * 40


@pytest.fixture(scope="module")
def guarded(tiny_shop_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console that asks for a key."""
    folder = shutil.copytree(tiny_shop_template, tmp_path_factory.mktemp("guarded") / "shop")
    with console_of(folder, key=SECRET) as found:
        yield found


@pytest.fixture
def anybody(guarded: Console) -> Iterator[httpx.Client]:
    """A client without a key, which keeps cookies."""
    with httpx.Client(base_url=guarded.url, timeout=20) as found:
        yield found


def sign_in(client: httpx.Client, key: str = SECRET, **more: Any) -> httpx.Response:
    return client.post("/console/session", json={"key": key, **more})


def test_who_has_not_signed_in_does_so_and_comes_to_the_page_that_was_asked_for(browser: Any, guarded: Console) -> None:
    with watched_page(browser, guarded.url) as page:
        page.goto("/console/users?id=user-1")
        assert page.url.endswith("/console/sign-in?next=%2Fconsole%2Fusers%3Fid%3Duser-1")
        page.get_by_label("Key").fill(WRONG)
        page.keyboard.press("Enter")
        page.get_by_role("alert").filter(has_text="not accepted").wait_for()
        page.get_by_label("Key").fill(SECRET)
        page.keyboard.press("Enter")
        page.wait_for_url("**/console/users?id=user-1")
        assert page.evaluate("document.cookie").find("session") < 0
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/console/sign-in")
        page.goto("/console")
        assert "/console/sign-in" in page.url


def test_a_session_reads_and_changes_only_with_its_token(anybody: httpx.Client) -> None:
    assert anybody.get("/v1/keys").status_code == 401
    answer = sign_in(anybody)
    assert answer.status_code == 200, answer.text
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/" in cookie and "Secure" not in cookie
    assert anybody.get("/v1/keys").status_code == 200
    wanted = {"name": "another", "scopes": ["events"]}
    refused = anybody.post("/v1/keys", json=wanted)
    assert (refused.status_code, refused.json()["code"]) == (403, "no_csrf_token")
    token = anybody.get("/console").text.split('name="csrf-token" content="')[1].split('"')[0]
    assert anybody.post("/v1/keys", json=wanted, headers={"Shelfwise-CSRF": token[:-2] + "xx"}).status_code == 403
    assert anybody.post("/v1/keys", json=wanted, headers={"Shelfwise-CSRF": token}).status_code == 201
