"""`shelfwise keys`: create, list and revoke the keys of the shop's API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from pydantic import ValidationError

from shelfwise.cli.output import HERE, JsonOption, ShopOption, answers, people, print_json, table
from shelfwise.schemas.keys import KeyKind, KeyScope

app = typer.Typer(help="Keys of the API: create, list, revoke.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    scope: Annotated[list[KeyScope], typer.Option("--scope", help="What it may do; admin may do everything.")],
    browser: Annotated[
        bool, typer.Option("--browser", help="May stand in a page: of its own, proven visitor only.")
    ] = False,
    origin: Annotated[
        list[str] | None,
        typer.Option("--origin", help="Of the pages that a browser key stands in: https://shop.example"),
    ] = None,
    days: Annotated[float | None, typer.Option(min=0.001, max=36_500, help="Days until it ends.")] = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Make a key and show it: this once."""
    from shelfwise.config.problems import as_config_error
    from shelfwise.schemas.keys import KeyWanted
    from shelfwise.shop import Shop

    try:
        wanted = KeyWanted(
            name=name,
            kind=KeyKind.BROWSER if browser else KeyKind.SERVER,
            scopes=scope,
            origins=origin or [],
            expires_at=None if days is None else datetime.now(UTC) + timedelta(days=days),
        )
    except ValidationError as cause:
        raise as_config_error(cause, KeyWanted) from cause
    with Shop.open(shop) as opened:
        stored, key = opened.keys.create(wanted)
    if as_json:
        print_json({**stored.as_document(), "key": key})
        return
    people.print(f"key {stored.key_id} is made; it is shown this once, and kept nowhere:", markup=False)
    answers.print(key, markup=False, soft_wrap=True)


@app.command("list")
def list_keys(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """All keys that were ever made, without their secrets."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        found = opened.keys.list()
    if as_json:
        print_json([key.as_document() for key in found])
        return
    shown = table("key", "name", "kind", "scopes", "origins", "made (UTC)", "ends", "")
    for key in found:
        shown.add_row(
            key.key_id,
            key.name,
            key.kind.value,
            ", ".join(sorted(key.scopes)),
            ", ".join(sorted(key.origins)) or "–",
            f"{key.created_at:%Y-%m-%d %H:%M}",
            "never" if key.expires_at is None else f"{key.expires_at:%Y-%m-%d %H:%M}",
            "" if key.revoked_at is None else "revoked",
        )
    answers.print(shown)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="As `shelfwise keys list` names it.")],
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """End a key; running servers follow within a second."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        revoked = opened.keys.revoke(key_id)
    if as_json:
        print_json(revoked.as_document())
    else:
        people.print(f"key {revoked.key_id} ({revoked.name}) is revoked", markup=False)
