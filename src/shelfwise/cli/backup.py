"""`shelfwise backup`: one file of everything that a shop cannot do without, made while it serves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shelfwise.cli.output import HERE, JsonOption, ShopOption, people, print_json, steps


def command(
    file: Annotated[Path, typer.Argument(help="To be made, as in backups/monday.tar.")],
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Back up records, models, vectors, shop.toml and rules into one file, and read it back."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened, steps() as show:
        made = opened.back_up(file, show)
    if as_json:
        print_json({"file": str(file), **made.as_document()})
        return
    people.print(
        f"{made.items:,} items, {made.events:,} events, version {made.version or 'none'}: "
        f"{made.files:,} files, {made.size_bytes / 1e6:,.1f} MB in {file}",
        markup=False,
    )
    if made.data_keys:
        people.print(
            f"the data keys {', '.join(made.data_keys)} are not in it: keep a copy of them, apart from it", markup=False
        )
    people.print("whoever reads it reads all that the shop knows of people: keep it as the shop itself", markup=False)
