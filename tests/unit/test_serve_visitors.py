"""What a visitor's token says, to this release and to those beside it."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from shelfwise.errors import AccessError
from shelfwise.serve.visitors import Visitor, VisitorTokens

SECRET = b"s" * 32
TOKENS = VisitorTokens(SECRET)
NOW_S = 1_700_000_000.0


def read_by_an_earlier_release(token: str) -> tuple[str, str]:
    """As releases read that knew of nothing that a token may: kind and name."""
    body, _, signature = token.rpartition(".")
    assert hmac.compare_digest(signature, signed(body))
    _, whom, ends = body.split(".")
    assert int(ends) > NOW_S
    named = base64.urlsafe_b64decode(whom + "=" * (-len(whom) % 4)).decode()
    return ("user", named[1:]) if named[0] == "u" else ("session", named[1:])


def signed(body: str) -> str:
    return text(hmac.digest(SECRET, body.encode(), hashlib.sha256))


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "visitor",
    [
        Visitor(session_id="a.b-c"),
        Visitor(user_id="customer-42"),
        Visitor(user_id="customer-42", may_erase_user=True),
        Visitor(user_id="é😀", may_erase_user=True),
    ],
)
def test_a_token_proves_the_same_to_this_release_and_to_one_before_it(visitor: Visitor) -> None:
    token, _ = TOKENS.issue(visitor, NOW_S)
    assert TOKENS.read(token, NOW_S) == visitor
    known = ("session", visitor.session_id) if visitor.user_id is None else ("user", visitor.user_id)
    assert read_by_an_earlier_release(token) == known


def test_what_a_token_may_is_signed() -> None:
    token, _ = TOKENS.issue(Visitor(user_id="customer-42"), NOW_S)
    with pytest.raises(AccessError) as caught:
        TOKENS.read(token.replace("v1.", "v1-erase.", 1), NOW_S)
    assert caught.value.code == "wrong_visitor"


@pytest.mark.parametrize(
    "body",
    [
        f"v1.{text(b'ecustomer-42')}.9999999999",
        f"v1.{text(b'xsomebody')}.9999999999",
        f"v1-erase.{text(b'sbrowser')}.9999999999",
        f"v2.{text(b'ucustomer-42')}.9999999999",
        f"v1.{text(b'ucustomer-42')}.9999999999.more",
        f"v1.{text(b'ucustomer-42')}.soon",
        "v1..9999999999",
        f"v1.{text(bytes([0xFF, 0xFE]))}.9999999999",
    ],
)
def test_what_another_release_signed_and_this_one_does_not_know_is_refused(body: str) -> None:
    with pytest.raises(AccessError) as caught:
        TOKENS.read(f"{body}.{signed(body)}", NOW_S)
    assert caught.value.code == "wrong_visitor"
