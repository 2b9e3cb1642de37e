"""Cursors: where a list that is read page by page goes on. Opaque to who reads, so that what is inside may change."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, cast

from shelfwise.errors import QueryError

FORM = "r1:"
PARTS_FORM = "p1:"


def cursor_after(row: int) -> str:
    """A cursor that goes on behind a row."""
    return _packed(f"{FORM}{row}")


def cursor_behind(*parts: int | str) -> str:
    """A cursor that goes on behind an entry of a list which is ordered by these."""
    return _packed(f"{PARTS_FORM}{json.dumps(parts, ensure_ascii=False)}")


def parts_of(cursor: str, *kinds: type[int] | type[str]) -> Any:
    """What a list goes on behind, as a tuple.

    Args:
        cursor: As it was sent.
        kinds: Of its parts.

    Raises:
        QueryError: it was not made here, or for another list.

    Examples:
        >>> parts_of(cursor_behind(17, "ü"), int, str)
        (17, 'ü')
    """
    try:
        written = _unpacked(cursor)
        if not written.startswith(PARTS_FORM):
            raise ValueError("no cursor")
        parts = cast("list[Any]", json.loads(written.removeprefix(PARTS_FORM)))
        if [type(part) for part in parts] != list(kinds):
            raise ValueError("another list's cursor")
        if any(isinstance(part, int) and abs(part) >= 2**63 for part in parts):
            raise ValueError("no number of a store")
        if any(isinstance(part, str) and ("\0" in part or not part.encode()) for part in parts):
            raise ValueError("no text of a store")  # half a character cannot even be encoded
    except (ValueError, TypeError, binascii.Error) as cause:
        raise _no_cursor() from cause
    return tuple(parts)


def row_of(cursor: str) -> int:
    """The row behind which a cursor goes on.

    Raises:
        QueryError: it was not made here.

    Examples:
        >>> row_of(cursor_after(17))
        17
    """
    try:
        written = _unpacked(cursor)
        digits = written.removeprefix(FORM)
        if not written.startswith(FORM) or not digits.isdecimal() or len(digits) > 10:
            raise ValueError("no cursor")
        return int(digits)
    except (ValueError, binascii.Error) as cause:
        raise _no_cursor() from cause


def _packed(written: str) -> str:
    return base64.urlsafe_b64encode(written.encode()).rstrip(b"=").decode()


def _unpacked(cursor: str) -> str:
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()


def _no_cursor() -> QueryError:
    return QueryError("this is no cursor", expected="the `next` of an earlier answer", where="after", code="bad_cursor")
