"""Sets and brands in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shelfwise.cli import recommend
from shelfwise.schemas.queries import BrandEntry, Bundle, Slate, SlateItem
from shelfwise.shop import Shop

ITEM = SlateItem(item_id="i1", position=1, score=1.0, title="Jam [red]", sources=["basket"], reason="Because")


class FakeShop:
    def __init__(self, **parts: Any) -> None:
        self.asked: dict[str, Any] = {}
        self._slate = Slate(slate_id="s", scenario="cart", model_version="v", degraded=["so it is"], **parts)

    def __enter__(self) -> FakeShop:
        return self

    def __exit__(self, *_: object) -> None: ...

    def recommend(self, *_: object, **query: Any) -> Slate:
        self.asked = query
        return self._slate


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"items": [], "bundles": [Bundle(position=1, score=0.5, items=[ITEM])]}, "set 1, joint score 0.50"),
        (
            {
                "items": [],
                "brands": [BrandEntry(brand="[Acme]", position=1, score=0.5, reason="You did", items=[ITEM])],
            },
            "1. [Acme]: You did",
        ),
        ({"items": [ITEM]}, "Jam [red]"),
    ],
)
def test_in_words(
    parts: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = FakeShop(**parts)
    monkeypatch.setattr(Shop, "open", lambda _: shop)
    recommend.command(Path(), scenario="cart", item=["a"], bundle=True)
    out, err = capsys.readouterr()
    assert told in out
    assert "Jam [red]" in out
    assert "note: so it is" in err
    assert shop.asked["items"] == ["a"] and shop.asked["bundle"] is True
