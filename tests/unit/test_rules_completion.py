"""What is offered while somebody writes a condition or a text of rules."""

from __future__ import annotations

import pytest

from shelfwise.rules.completion import Counted, Suggestions, suggestions
from shelfwise.rules.fields import Fields
from shelfwise.rules.parse import parse
from shelfwise.rules.rule_text import RuleText, read_each

ITEMS = Fields.of_items({"colour", "stock", "Shoe size"}, {"stock"})
VALUES: dict[str, Counted] = {
    "brand": [("Acme", 7), ("Nordhaus", 3), ('The "Best"', 1)],
    "category": [("Home", 9), ("Home > Kitchen", 4)],
    "colour": [("red", 5), ("dark red", 2), ("wine", 1)],
}


def offered(prefix: str, limit: int = 50) -> Suggestions:
    return suggestions(prefix, ITEMS, lambda name: VALUES.get(name, []), limit)


def texts(prefix: str) -> list[str]:
    return [one.text for one in offered(prefix).several]


@pytest.mark.parametrize(
    ("prefix", "expected", "some"),
    [
        ("", "field", ["brand", "colour", '"Shoe size"', "not"]),
        ("br", "field", ["brand"]),
        ("not (co", "field", ["colour"]),
        ("brand ", "operator", ["=", "!=", "in", "not in", "contains", "is known", "is missing"]),
        ("price ", "operator", ["<", ">="]),
        ("category un", "operator", ["under"]),
        ("price <", "operator", ["<", "<="]),
        ("brand = ", "value", ['"Acme"', '"Nordhaus"', '"The \\"Best\\""']),
        ('brand = "nor', "value", ['"Nordhaus"']),
        ("brand = 'nor", "value", ['"Nordhaus"']),
        ('"Shoe size" ', "operator", ["=", "contains"]),
        ("brand in ", "open", ["("]),
        ("brand not ", "in", ["in"]),
        ('brand in ("Acme", ', "value", ['"Nordhaus"']),
        ('brand in ("Acme" ', "list", [",", ")"]),
        ("available = ", "value", ["true", "false"]),
        ("brand is ", "presence", ["known", "missing"]),
        ('category under "home > ', "value", ['"Home > Kitchen"']),
        ("price < 20 ", "join", ["and", "or"]),
        ("(price < 20 ", "join", ["and", "or", ")"]),
        ("price < 20 and ", "field", ["brand"]),
        ("(price < 20) o", "join", ["or"]),
    ],
)
def test_what_may_stand_next(prefix: str, expected: str, some: list[str]) -> None:
    found = offered(prefix)
    assert found.expected == expected
    assert set(some) <= {one.text for one in found.several}


def test_what_starts_so_comes_before_what_contains_it_and_the_frequent_first() -> None:
    assert texts('colour = "red') == ['"red"', '"dark red"']
    assert [one.count for one in offered("brand = ").several] == [7, 3, 1]
    assert texts('brand = "x') == [] and texts("nonsense ~ ") == [] and texts(") ") == []


@pytest.mark.parametrize("prefix", ['price < 20 and brand = "No', "brand in (", "category under 'Ho", "colour i", "br"])
def test_whoever_takes_what_is_offered_ends_with_a_condition_that_can_be_read(prefix: str) -> None:
    for place in range(len(offered(prefix).several)):
        text, found = prefix, offered(prefix)
        while len(text) < 200 and found.expected != "join":
            several = [one.text for one in found.several if one.text != "not"]
            taken = several[min(place, len(several) - 1)] if found.expected != "list" else ")"
            text = text[: found.start] + taken + " "
            found = offered(text)
        parse(text, where="filter")


def test_a_text_of_rules_names_every_problem_at_its_line() -> None:
    text = RuleText(
        'time_zone = "Mars/Base"\n\n[rules.good]\nboost = "price < 3"\n\n[rules.two]\nblok = "price < 3"\n\n'
        '[rules."three"]\npin = "a"\nposition = 0\n'
    )
    rules, problems = read_each(text.document(), text)
    assert list(rules.rules) == ["good"]
    assert [(one.where, one.rule, one.line) for one in problems] == [
        ("time_zone", None, 1),
        ("rules.two.blok", "two", 7),
        ("rules.three.position", "three", 11),
    ]
    assert "did you mean 'block'?" in str(problems[1].hint)
