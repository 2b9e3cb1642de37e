"""Signing in: the form, the session's cookie, what it may do and when it ends."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
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
    token = csrf_token(anybody)
    wrong = {name: value[:-2] + "xx" for name, value in token.items()}
    assert anybody.post("/v1/keys", json=wanted, headers=wrong).status_code == 403
    assert anybody.post("/v1/keys", json=wanted, headers=token).status_code == 201


def csrf_token(client: httpx.Client) -> dict[str, str]:
    return {"Shelfwise-CSRF": client.get("/console").text.split('name="csrf-token" content="')[1].split('"')[0]}


def new_key(guarded: Console, **more: Any) -> dict[str, Any]:
    answer = guarded.api.post("/keys", json={"name": "somebody", "scopes": ["admin"], **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_pages_of_other_origins_get_nothing_by_a_session(anybody: httpx.Client) -> None:
    sign_in(anybody)
    other = {"Origin": "http://elsewhere.example"}
    assert anybody.get("/v1/keys", headers=other).json()["code"] == "other_origin"
    answer = anybody.post("/v1/keys", json={}, headers={**other, **csrf_token(anybody)})
    assert (answer.status_code, answer.json()["code"]) == (403, "other_origin")
    assert sign_in(httpx.Client(base_url=anybody.base_url, headers=other)).json()["code"] == "other_origin"
    form = anybody.post("/console/session", data={"key": SECRET}, headers=csrf_token(anybody))
    assert form.status_code == 415


def test_a_revoked_key_ends_its_sessions_at_once(guarded: Console, anybody: httpx.Client) -> None:
    made = new_key(guarded)
    assert sign_in(anybody, made["key"]).status_code == 200
    assert anybody.get("/v1/keys").status_code == 200
    assert guarded.api.delete(f"/keys/{made['key_id']}").status_code == 204
    answer = anybody.get("/v1/keys")
    assert (answer.status_code, answer.json()["code"]) == (401, "revoked_key")
    assert anybody.get("/console").headers["location"].startswith("/console/sign-in")
    assert sign_in(anybody, made["key"]).json()["code"] == "revoked_key"


def test_a_session_ends_with_its_key(guarded: Console, anybody: httpx.Client) -> None:
    ends_at = datetime.now(UTC) + timedelta(seconds=2)
    made = new_key(guarded, expires_at=ends_at.isoformat())
    assert sign_in(anybody, made["key"]).status_code == 200
    time.sleep(max(0.0, (ends_at - datetime.now(UTC)).total_seconds()) + 0.1)
    assert anybody.get("/v1/keys").json()["code"] == "expired_key"


def test_a_forged_session_is_none(guarded: Console, anybody: httpx.Client) -> None:
    sign_in(anybody)
    held = anybody.cookies["shelfwise-session"]
    for forged in (
        held[:-2] + "xx",
        held.replace("environment", "0a1b2c3d4e5f"),
        "v1.environment.9.n.s",
        "nonsense",
        "",
    ):
        cookie = {"Cookie": f"shelfwise-session={forged}"}
        assert httpx.get(f"{guarded.url}/v1/keys", headers=cookie).status_code == 401
        assert httpx.get(f"{guarded.url}/console", headers=cookie).status_code == 303
    assert anybody.get("/v1/keys").status_code == 200


def test_only_administrators_come_in(guarded: Console, anybody: httpx.Client) -> None:
    made = new_key(guarded, scopes=["recommend", "events"])
    answer = sign_in(anybody, made["key"])
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert "set-cookie" not in answer.headers
    with_key = {"Authorization": f"Bearer {made['key']}"}
    assert anybody.get("/console", headers=with_key).status_code == 303


def test_who_comes_over_tls_gets_a_cookie_for_tls_only(anybody: httpx.Client) -> None:
    host = anybody.base_url.netloc.decode()
    answer = anybody.post("/console/session", json={"key": SECRET}, headers={"Origin": f"https://{host}"})
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "wanted",
    [
        "https://elsewhere.example",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "/console/../v1/keys",
        "javascript:alert(1)",
        "/v1/keys",
    ],
)
def test_signing_in_leads_to_pages_of_the_console_only(anybody: httpx.Client, wanted: str) -> None:
    shown = anybody.get("/console/sign-in", params={"next": wanted})
    assert 'name="next" value="/console"' in shown.text
    assert sign_in(anybody, next=wanted).json()["next"] == "/console"


def test_guessing_is_slowed_down(anybody: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as at_once:  # one after the other, a busy machine may be slower than what is let in
        answers = list(at_once.map(lambda _: sign_in(anybody, WRONG), range(40)))
        right = list(at_once.map(lambda _: sign_in(anybody), range(16)))
    late = [answer for answer in answers if answer.status_code == 429]
    assert late and all(int(answer.headers["retry-after"]) >= 1 for answer in late)
    assert {answer.status_code for answer in answers} <= {401, 429}  # tests before this one tried as well
    assert 429 in {answer.status_code for answer in right}  # the right key too, or guessing would still tell


def test_without_a_key_in_the_shop_the_console_is_open(console: Console) -> None:
    answer = httpx.get(f"{console.url}/console")
    assert answer.status_code == 200 and "sign-out" not in answer.text
    other = httpx.get(f"{console.url}/console", headers={"Host": "elsewhere.example", "Accept": "text/html"})
    assert other.status_code == 403 and "names of this machine only" in other.text
