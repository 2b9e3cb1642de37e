"""Entity tags of items: who changes an item can say which state of it was looked at (RFC 9110)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import orjson
from fastapi import Request

from shelfwise.errors import PreconditionError
from shelfwise.schemas.items import Item

TAG_BYTES = 12


def tag_of(item: Item) -> str:
    """An item's tag, quoted as headers have it: equal where everything about the item is equal."""
    written = orjson.dumps(item.model_dump(), option=orjson.OPT_SORT_KEYS)
    return f'"{hashlib.blake2b(written, digest_size=TAG_BYTES).hexdigest()}"'


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a request asks of the item as it is stored.

    Attributes:
        match: Tags of which the item must have one; `*` for any item; None where nothing is asked.
        none_match: Tags of which it must have none; `*`: there must be no item.
    """

    match: frozenset[str] | None
    none_match: frozenset[str] | None

    @classmethod
    def of(cls, request: Request) -> Conditions:
        """Those of a request's headers."""
        return cls(_tags(request.headers.get("if-match")), _tags(request.headers.get("if-none-match")))

    def require(self, item: Item | None) -> None:
        """Refuse to change what is not as the caller thinks.

        Args:
            item: As it is stored; None where there is none.

        Raises:
            PreconditionError: it is not.
        """
        if self.match is not None and (item is None or not _has(self.match, lambda: tag_of(item))):
            raise PreconditionError(
                "there is no such item" if item is None else "the item changed since it was looked at",
                hint="look at it again, then decide" if item is not None else None,
                code="item_changed",
            )
        if self.none_match is not None and item is not None and _has(self.none_match, lambda: tag_of(item)):
            raise PreconditionError("there is such an item already", code="item_exists")

    def is_known(self, tag: str) -> bool:
        """Whether the caller has this state already."""
        return self.none_match is not None and _has(self.none_match, lambda: tag)


def _tags(header: str | None) -> frozenset[str] | None:
    if header is None:
        return None
    return frozenset(part.strip().removeprefix("W/") for part in header.split(","))


def _has(tags: frozenset[str], tag: Callable[[], str]) -> bool:
    return "*" in tags or tag() in tags
