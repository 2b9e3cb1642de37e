"""How a sealed value is written, and what it is bound to.

`sealed:1:KEY:…`: the id of its key, then nonce, text and tag of AES-256-GCM in base64. It is bound to its place (column
and whose it is), so that nobody can move it to another.
"""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement, func

from shelfwise.store.data_keys import ID_CHARS, DataKey

MARK = "sealed:"
SEALED = f"{MARK}1:"
PLAIN = f"{MARK}0:"
"""Before a plain text that begins as a sealed one does."""


def sealed(key: DataKey, text: str, place: str) -> str:
    """A text as it is written under a key."""
    return f"{SEALED}{key.key_id}:{key.seal(text, place)}"


def as_plain(text: str, _place: str = "") -> str:
    """A text as it is written where nothing is sealed."""
    return PLAIN + text if text.startswith(MARK) else text


def key_of(written: str) -> str | None:
    """The id of the key that a value is sealed under; None of one that is plain."""
    return written[len(SEALED) :].partition(":")[0] if written.startswith(SEALED) else None


def is_under(column: Column[str], key_id: str) -> ColumnElement[bool]:
    """Whether a column's value is sealed under a key, as a condition of SQL."""
    prefix = f"{SEALED}{key_id}:"
    return func.substr(column, 1, len(prefix)) == prefix


def is_sealed(column: Column[str]) -> ColumnElement[bool]:
    """Whether a column's value is sealed."""
    return func.substr(column, 1, len(SEALED)) == SEALED


def key_in(column: Column[str]) -> ColumnElement[str]:
    """The id of the key that a column's value is sealed under; of plain values some of their own letters."""
    return func.substr(column, len(SEALED) + 1, ID_CHARS)


def attributes_place(user_id: str) -> str:
    """Where a user's attributes stand."""
    return f"users.attributes\x1f{user_id}"


def quarantine_place(column: str, source: int, line: int) -> str:
    """Where a column of a refused line stands."""
    return f"quarantine.{column}\x1f{source}\x1f{line}"


def column_of(place: str) -> str:
    """The column of a place; of whom it tells is left out, for messages and logs."""
    return place.partition("\x1f")[0]
