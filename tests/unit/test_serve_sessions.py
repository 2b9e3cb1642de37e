"""Sessions: opened with a key, checked by signature, key and time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.errors import AccessError
from shelfwise.serve.sessions import COOKIE, MAX_CHARS, VALID_S, Sessions, read, session_in

SECRET, DIGEST, NOW_S = b"s" * 32, b"d" * 32, 1_800_000_000.0


def refused(token: str, digest: bytes = DIGEST, now_s: float = NOW_S, secret: bytes = SECRET) -> str:
    with pytest.raises(AccessError) as told:
        Sessions(secret).check(read(token), digest, now_s)
    return told.value.code


def test_a_session_names_its_key_and_holds_for_half_a_day() -> None:
    token = Sessions(SECRET).open("0a1b", DIGEST, NOW_S)
    session = read(token)
    assert (session.key_id, session.ends_s) == ("0a1b", int(NOW_S) + VALID_S)
    Sessions(SECRET).check(session, DIGEST, NOW_S + VALID_S - 1)
    assert refused(token, now_s=NOW_S + VALID_S) == "expired_session"


def test_another_key_or_another_shop_did_not_open_it() -> None:
    token = Sessions(SECRET).open("0a1b", DIGEST, NOW_S)
    assert refused(token, digest=b"e" * 32) == "wrong_session"
    assert refused(token, secret=b"t" * 32) == "wrong_session"
    assert refused(token.replace("0a1b", "0a1c")) == "wrong_session"
    later = token.replace(str(int(NOW_S) + VALID_S), str(int(NOW_S) + 9 * VALID_S))
    assert later != token and refused(later) == "wrong_session"


@given(st.one_of(st.text(max_size=40), st.lists(st.text(max_size=8), min_size=5, max_size=5).map(".".join)))
def test_whatever_else_is_sent_is_no_session(token: str) -> None:
    assert refused(token) == "wrong_session"
    assert refused(f"v1.{token}") == "wrong_session"


def test_a_long_cookie_is_not_looked_at() -> None:
    assert refused("v1.k.1800000000.n." + "s" * MAX_CHARS) == "wrong_session"


def test_each_session_has_a_token_of_its_own_against_forged_requests() -> None:
    sessions = Sessions(SECRET)
    one, other = (read(sessions.open("0a1b", DIGEST, NOW_S)) for _ in range(2))
    assert sessions.csrf_token(one) == Sessions(SECRET).csrf_token(one) != sessions.csrf_token(other)
    assert sessions.csrf_token(one) not in one.token


@pytest.mark.parametrize(
    ("cookies", "found"),
    [
        ("", None),
        (f"{COOKIE}=", None),
        (f"a=b; {COOKIE}=v1.x", "v1.x"),
        (f"x{COOKIE}=v1.x", None),
        (f"{COOKIE}=v1.x; {COOKIE}=v1.y", "v1.x"),
    ],
)
def test_the_session_among_other_cookies(cookies: str, found: str | None) -> None:
    assert session_in(cookies) == found
