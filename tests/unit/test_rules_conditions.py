"""Conditions read as they are meant, and say what is wrong where they cannot be read."""

from __future__ import annotations

import pytest

from shelfwise.errors import ConfigError, QueryError
from shelfwise.rules.conditions import UNSAID, holds
from shelfwise.rules.fields import Fields, typed
from shelfwise.rules.parse import parse

ITEMS = Fields.of_items({"colour", "stock", "Shoe size"}, {"stock", "Shoe size"})


def test_or_binds_looser_than_and_and_not_binds_closest() -> None:
    condition = parse("a = 1 or b = 1 and not c = 1", where="filter")
    assert str(condition) == "a = 1 or (b = 1 and not c = 1)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("price <", r"the condition ends after 'price <'; expected \"text\", a number"),
        ("brand = Acme", r"(?s)'Acme' at character 9.*write it in quotation marks: \"Acme\""),
        ("price < 3 brand = 'x'", "'brand' at character 11.*expected `and`, `or` or the end"),
        ("(price < 3", "the condition ends.*expected `\\)`"),
        ("price like 3", "'like' at character 7.*expected a comparison"),
        ("brand in 'x'", "expected `\\(` and values"),
        ("", "the condition ends after ''; expected the name of a field"),
        ("price < 1e999", "a number that fits"),
        ("price ~ 3", "'~' at character 7"),
        ("not " * 30 + "price < 3", "at most 20 levels"),
        ("(" * 30 + "price < 3" + ")" * 30, "at most 20 levels"),
        (" or ".join(["price < 3"] * 101), "at most 100 tests"),
        ("x" * 5_000, "5,000 characters; expected 4,000 at most"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(text: str, message: str) -> None:
    with pytest.raises(QueryError, match=message) as caught:
        parse(text, where="filter", error=QueryError)
    assert caught.value.where == "filter"
    assert caught.value.code == "bad_condition"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("color = 'red'", r"(?s)no item has a field 'color'.*did you mean 'colour'\?"),
        ("Brand = 'Acme'", r"(?s)no item has a field 'Brand'.*did you mean 'brand'\?"),
        ("colour < 3", "no item's 'colour' is a number; expected `=`"),
        ("price = 'cheap'", "'price' is a number; expected a number without quotation marks"),
        ("price under 'Home'", "'price' is a number; expected one of = !="),
        ("brand = 3", "'brand' is text; expected text in quotation marks"),
        ("category under ' > '", "expected a path"),
        ("created_at > 'yesterday'", "expected a date"),
        ("available = 'yes'", "expected true or false"),
    ],
)
def test_a_test_that_makes_no_sense_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        typed(parse(text, where="rules.x.block"), ITEMS, where="rules.x.block")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("colour = 'red'", True),
        ("colour = 'Red'", False),
        ("colour contains 'RE'", True),
        ("stock >= 12 and stock < 12.5", True),
        ("stock = 12", True),
        ("'Shoe size' is missing", True),
        ("'Shoe size' != 40", True),
        ("'Shoe size' > 1", False),
        ("not 'Shoe size' > 1", True),
        ("category under 'Home>Kitchen'", True),
        ("category under 'Home > Kit'", False),
        ("category = 'Home'", False),
        ("created_at < '2026-01-02' and created_at >= '2026-01-01T00:00:00+00:00'", True),
        ("available = true", True),
        ("price in (1, 2, 3.5)", True),
        ("price not in (1, 2)", True),
        ("brand is known or price > 100", False),
    ],
)
def test_what_is_true_of_an_item(text: str, expected: bool) -> None:
    facts = {
        "colour": "red",
        "stock": "12.0",
        "category": ("Home", "Kitchen", "Mugs"),
        "created_at": 1_767_225_600_000.0,  # 2026-01-01
        "available": True,
        "price": 3.5,
    }
    assert holds(typed(parse(text, where="filter"), ITEMS, where="filter"), facts.get) is expected


def test_what_nobody_knows_yet_leaves_open_only_what_hangs_on_it() -> None:
    def answer(text: str) -> bool | None:
        return holds(parse(text, where="filter"), lambda name: UNSAID if name == "user" else "home")

    assert answer("user = 'a'") is None
    assert answer("scenario = 'home' or user = 'a'") is True
    assert answer("scenario = 'cart' and user = 'a'") is False
    assert answer("scenario = 'home' and user = 'a'") is None
    assert answer("not user = 'a'") is None
