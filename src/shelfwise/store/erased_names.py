"""Texts that name somebody who was erased: known by hashes only, so every word that may be an id is asked about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from shelfwise.schemas.ids import VISITOR_PREFIX
from shelfwise.store import erasures
from shelfwise.store.identities import find_rows
from shelfwise.store.tables import users

_BETWEEN_FIELDS = re.compile(r"""[,;|\t\r\n"]""")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_WORD = re.compile(r"\w+")


def naming_erased(connection: Connection, texts: Sequence[str]) -> set[int]:
    """Places of the texts that name somebody who was erased and did not come back.

    An id is found as a field of CSV, as a text or number of JSON, and as a word of its own.

    Cost:
        One look at an empty table in a shop that never erased anybody; else a hash for every word.
    """
    erased = erasures.latest_of(connection, (word for text in texts for word in _candidates(text)))
    if not erased:
        return set()
    gone = erased.keys() - find_rows(connection, users, users.c.user_id, erased).keys()
    return {place for place, text in enumerate(texts) if not gone.isdisjoint(_candidates(text))}


def _candidates(text: str) -> Iterator[str]:
    plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "\\u" in text else text
    # Halves of a pair of surrogates, each escaped by itself, become their sign.
    plain = plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    for word in (*(field.strip() for field in _BETWEEN_FIELDS.split(plain)), *_WORD.findall(plain)):
        if word:
            yield word
            yield VISITOR_PREFIX + word  # a session stands in files without what we put before it
