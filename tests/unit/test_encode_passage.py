"""What of an item a language model is shown."""

from __future__ import annotations

import pytest

from shelfwise.encode import passage as passages
from shelfwise.encode.passage import content_hash, passage
from shelfwise.schemas.items import Item


def test_parts_stand_in_falling_order_of_what_they_tell() -> None:
    item = Item(
        item_id="1",
        title="Red mug",
        brand="Acme",
        category="Kitchen >  Mugs",
        description="Holds 300 ml.",
        attributes={"size": "L", "colour": "red"},
    )
    assert passage(item) == "Red mug. Acme. Kitchen, Mugs. colour: red. size: L. Holds 300 ml."


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, ""),
        ({"title": "  Red \n\t mug "}, "Red mug"),
        ({"brand": "Acme"}, "Acme"),
        ({"title": " ", "description": "Soft"}, "Soft"),
        ({"category": " > "}, ""),
    ],
)
def test_what_is_missing_leaves_no_trace(fields: dict[str, str], text: str) -> None:
    assert passage(Item.model_validate({"item_id": "1", **fields})) == text


def test_only_the_text_counts_for_the_hash() -> None:
    one = Item(item_id="1", title="Mug", price=1, available=False, image="a.png", group_id="g", currency="EUR")
    two = Item(item_id="2", title="Mug")
    assert content_hash(passage(one)) == content_hash(passage(two))
    assert content_hash("Mug") != content_hash("mug")
    assert len(content_hash("")) == 16


def test_attributes_in_another_order_are_the_same_text() -> None:
    one = Item(item_id="1", attributes={"a": "x", "b": "y"})
    two = Item(item_id="1", attributes={"b": "y", "a": "x"})
    assert passage(one) == passage(two)


def test_a_new_form_of_passage_encodes_everything_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    before = content_hash("Mug")
    monkeypatch.setattr(passages, "PASSAGE_VERSION", passages.PASSAGE_VERSION + 1)
    assert content_hash("Mug") != before
