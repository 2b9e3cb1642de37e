"""`shelfwise users`: export what is known of a person, or erase it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shelfwise.cli.output import HERE, JsonOption, ShopOption, people, print_json

app = typer.Typer(help="People: export what is known of one, or erase it.", no_args_is_help=True)

UserArgument = Annotated[str, typer.Argument(help="The shop's id; 'visitor:' and the session's for a visitor.")]


@app.command()
def export(
    user: UserArgument,
    output: Annotated[Path | None, typer.Option(help="File to write; standard output where omitted.")] = None,
    shop: ShopOption = HERE,
) -> None:
    """Everything that a person gave and everything that was made of it, as one JSON document."""
    import json

    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        found = opened.export_user(user)
    if output is None:
        print_json(found)
        return
    output.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    people.print(f"{len(found['given']['events']):,} events, {len(found['shown']):,} answers: {output}", markup=False)


@app.command()
def erase(
    user: UserArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Erase a person from records, vectors and model versions, and rebuild the store; there is no way back."""
    from shelfwise.shop import Shop

    if not yes:
        typer.confirm("Erase everything that is known of this person?", abort=True, err=True)
    with Shop.open(shop) as opened:
        receipt = opened.erase_user(user)
    if as_json:
        print_json(receipt.as_document())
        return
    rows = receipt.rows
    people.print(
        f"erased: {rows.events:,} events, {rows.attributes} attributes, {rows.slates:,} answers, "
        f"{receipt.n_vectors} vectors; receipt {receipt.receipt}",
        markup=False,
    )
