"""What pages may filter by."""

from __future__ import annotations

import pytest

from shelfwise.config.storefront import StorefrontSpec
from shelfwise.errors import NotAllowedError, QueryError
from shelfwise.schemas.keys import KeyKind, KeyScope
from shelfwise.serve.callers import LOCAL, Caller
from shelfwise.serve.page_filters import require_readable

PAGE = Caller("a page", frozenset({KeyScope.RECOMMEND}), KeyKind.BROWSER)
SHOP = StorefrontSpec(attributes=["colour", "image"])


@pytest.mark.parametrize(
    "condition", [None, "price < 5 and colour = 'red'", "'colour' is known or not available = true"]
)
def test_pages_filter_by_what_they_may_read(condition: str | None) -> None:
    require_readable(condition, PAGE, SHOP)


@pytest.mark.parametrize("field", ["margin", "'a b'", "image", "group_id", "item_id", "Colour", "PRICE"])
@pytest.mark.parametrize("around", ["{} = 'x'", "price < 5 or not (colour = 'red' and {} is missing)"])
def test_pages_do_not_filter_by_anything_else(field: str, around: str) -> None:
    condition = around.format(field)
    with pytest.raises(NotAllowedError, match=field.strip("'")):
        require_readable(condition, PAGE, SHOP)
    require_readable(condition, LOCAL, SHOP)


def test_what_cannot_be_read_is_told_as_ever() -> None:
    with pytest.raises(QueryError):
        require_readable("price <", PAGE, SHOP)
