"""`shelfwise records`: copy the records store into another database, or take it back to an earlier release's schema."""

from __future__ import annotations

from typing import Annotated

import typer

from shelfwise.cli.output import HERE, JsonOption, ShopOption, people, print_json

app = typer.Typer(help="The records store: copy it, take its schema back.", no_args_is_help=True)


@app.command()
def copy(
    url: Annotated[str, typer.Argument(help="Of an empty database, as [store] records says it; '${NAME}' works too.")],
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Copy everything into another database; then write its URL into shop.toml. Models stay right."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        copied = opened.copy_records(url)
    if as_json:
        print_json(copied)
        return
    people.print(", ".join(f"{n:,} {table}" for table, n in copied.items()) + " copied")
    people.print("now let [store] records in shop.toml name the copy, and restart the server", markup=False)


@app.command()
def downgrade(
    revision: Annotated[str, typer.Argument(help="A number such as 0003, as an earlier release's notes name it.")],
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Take the schema back for an earlier release: stop all servers first, install that release next."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        opened.downgrade_records(revision)
    if as_json:
        print_json({"revision": revision})
        return
    people.print(f"the records store is at {revision}; the next command of this release would bring it up again")
