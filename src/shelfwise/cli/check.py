"""`shelfwise check`: find mistakes in shop.toml before anything is computed."""

from __future__ import annotations

from shelfwise.cli.output import HERE, JsonOption, ShopOption, people, print_json


def command(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """Check the configuration, the components that it names, and that its files can be read."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        opened.check()
    if as_json:
        print_json({"ok": True})
    else:
        people.print("shop.toml is fine")
