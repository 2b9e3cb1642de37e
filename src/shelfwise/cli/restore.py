"""`shelfwise restore`: a shop of a backup, in a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shelfwise.cli.output import JsonOption, people, print_json, steps


def command(
    file: Annotated[Path, typer.Argument(help="Made by `shelfwise backup`.")],
    shop: Annotated[Path, typer.Option("--shop", help="The shop's folder: empty, or not there yet.")],
    as_json: JsonOption = False,
) -> None:
    """Check a backup and make a shop of it."""
    from shelfwise.shop.backup import restore

    with steps() as show:
        made = restore(file, shop, show)
    if as_json:
        print_json({"shop": str(shop), **made.as_document()})
        return
    people.print(
        f"{made.items:,} items, {made.events:,} events, version {made.version or 'none'}, as of {made.made_at}",
        markup=False,
    )
    for key in made.changed:
        people.print(f"{key} in shop.toml names what lies in the folder now", markup=False)
    if made.data_keys:
        people.print(
            f"values are sealed under the data keys {', '.join(made.data_keys)}: give them to the shop as before",
            markup=False,
        )
    if made.model_refused is not None:
        people.print(f"the version cannot be loaded ({made.model_refused}): run `shelfwise train`", markup=False)
