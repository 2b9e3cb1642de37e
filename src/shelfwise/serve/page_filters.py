"""What keys that stand in pages may filter by: what pages may read of items anyway.

A filter that names a field tells its value, by halves: `margin < 0.5`, `margin < 0.25` and so on.
"""

from __future__ import annotations

from shelfwise.config.storefront import StorefrontSpec
from shelfwise.errors import NotAllowedError, QueryError
from shelfwise.rules.conditions import tests
from shelfwise.rules.fields import ITEM_FIELDS
from shelfwise.rules.parse import parse
from shelfwise.schemas.keys import KeyKind
from shelfwise.serve.callers import Caller

OPEN_FIELDS = frozenset({"title", "category", "brand", "price", "available", "created_at", "age_d"})
"""Of every item; `age_d` is `created_at`, counted from now."""


def require_readable(condition: str | None, caller: Caller, storefront: StorefrontSpec) -> None:
    """See to it that a page filters by nothing that it may not read.

    Args:
        condition: A query's filter; None for none.
        caller: Who sends it; servers filter by everything.
        storefront: Names the attributes that pages may read.

    Raises:
        NotAllowedError: it names another field, whether any item has that or not.
        QueryError: it cannot be read.
    """
    if condition is None or caller.kind is not KeyKind.BROWSER:
        return
    readable = OPEN_FIELDS | (frozenset(storefront.attributes) - ITEM_FIELDS.keys())
    for test in tests(parse(condition, where="filter", error=QueryError)):
        if test.field not in readable:
            raise NotAllowedError(
                f"keys that stand in pages may not filter by {test.field!r}",
                expected=f"one of {', '.join(sorted(readable))}",
                where="filter",
                hint="`[storefront] attributes` in shop.toml names the attributes that pages may read",
            )
