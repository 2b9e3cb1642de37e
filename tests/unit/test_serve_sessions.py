"""Sessions: opened with a key, checked by signature, key and time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.errors import AccessError
from shelfwise.schemas.keys import KeyScope, KeyWanted
from shelfwise.serve import keyring
from shelfwise.serve.keyring import ENVIRONMENT, Keyring
from shelfwise.serve.sessions import COOKIE, MAX_CHARS, VALID_S, Sessions, read, session_in
from shelfwise.store import api_keys, server_secrets
from shelfwise.store.records import Records

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


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    found = Records.open("sqlite:///shop.db", tmp_path)
    yield found
    found.close()


def test_one_process_signs_in_and_every_other_knows_it(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "LOOK_EVERY_S", 0.0)
    one, other = Keyring(records, None), Keyring(records, None)
    assert one.sessions is None
    with records.write() as connection:
        stored, key = api_keys.create(connection, KeyWanted(name="kim", scopes=[KeyScope.ADMIN]))
        secret = server_secrets.find_or_make(connection, server_secrets.SESSIONS)
    caller, token = one.open_session(key, one.open_sessions_with(secret))
    assert other.session_caller(read(token)) == caller and caller.name == f"key {stored.key_id} (kim)"
    with records.write() as connection:
        api_keys.revoke(connection, stored.key_id)
    with pytest.raises(AccessError) as told:
        other.session_caller(read(token))
    assert told.value.code == "revoked_key"


def test_another_key_in_the_environment_ends_the_sessions_of_the_first(records: Records) -> None:
    with records.write() as connection:
        secret = server_secrets.find_or_make(connection, server_secrets.SESSIONS)
    before, after, without = (Keyring(records, key) for key in ("a" * 20, "b" * 20, None))
    caller, token = before.open_session("a" * 20, before.open_sessions_with(secret))
    assert caller is ENVIRONMENT and before.session_caller(read(token)) is ENVIRONMENT
    for later in (after, without):
        with pytest.raises(AccessError, match="the session has ended"):
            later.session_caller(read(token))
