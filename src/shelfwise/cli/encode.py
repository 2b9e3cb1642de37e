"""`shelfwise encode`: turn item texts into vectors."""

from __future__ import annotations

from shelfwise.cli.output import HERE, JsonOption, ShopOption, people, print_json, steps


def command(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """Encode the items whose text changed; `train` does it too."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened, steps() as show:
        outcome = opened.encode(show)
    if as_json:
        print_json({"items": outcome.n_items, "encoded": outcome.n_encoded})
    else:
        people.print(f"{outcome.n_items:,} items, {outcome.n_encoded:,} texts encoded")
