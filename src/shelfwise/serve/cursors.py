"""Cursors: where a list that is read page by page goes on. Opaque to who reads, so that what is inside may change."""

from __future__ import annotations

import base64
import binascii

from shelfwise.errors import QueryError

FORM = "r1:"


def cursor_after(row: int) -> str:
    """A cursor that goes on behind a row."""
    return base64.urlsafe_b64encode(f"{FORM}{row}".encode()).rstrip(b"=").decode()


def row_of(cursor: str) -> int:
    """The row behind which a cursor goes on.

    Raises:
        QueryError: it was not made here.

    Examples:
        >>> row_of(cursor_after(17))
        17
    """
    try:
        written = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        digits = written.removeprefix(FORM)
        if not written.startswith(FORM) or not digits.isdecimal() or len(digits) > 10:
            raise ValueError("no cursor")
        return int(digits)
    except (ValueError, binascii.Error) as cause:
        raise QueryError(
            "this is no cursor", expected="the `next` of an earlier answer", where="after", code="bad_cursor"
        ) from cause
