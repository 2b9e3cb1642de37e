"""`shelfwise encryption`: keys that seal what users say of themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shelfwise.cli.output import HERE, JsonOption, ShopOption, answers, people, print_json, steps, table

app = typer.Typer(help="What users say of themselves, sealed: keys, sealing, rotation.", no_args_is_help=True)

RebuildOption = Annotated[
    bool,
    typer.Option(
        "--rebuild/--no-rebuild",
        help="Rebuild the store, so that nothing of what stood there before lies in its gaps; writers wait that long.",
    ),
]


@app.command("new-key")
def new_key(
    file: Annotated[
        Path | None, typer.Option(help="Put it first into this file; shop.toml's data_key_file where omitted.")
    ] = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Make a key; `seal` then brings everything under it. Without a file it is shown this once, and kept nowhere."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        made = opened.encryption.new_key(file)
    if as_json:
        print_json(made.as_document())
        return
    if made.file is not None:
        people.print(f"key {made.key_id} stands first in {made.file}", markup=False, soft_wrap=True)
        people.print(
            "keep a copy of it apart from the shop and its backups: without it nothing that is sealed can be read"
        )
        if made.is_read:
            people.print("`shelfwise encryption seal` brings everything under it")
        else:
            people.print(
                "this shop does not take its keys from that file: it does from SHELFWISE_DATA_KEY in the environment, "
                "else from the file that shop.toml names as store.data_key_file",
                markup=False,
                soft_wrap=True,
            )
        return
    people.print(f"key {made.key_id} is made; it is shown this once, and kept nowhere:", markup=False)
    answers.print(made.key, markup=False, soft_wrap=True)
    people.print("put it before others: export SHELFWISE_DATA_KEY=NEW,OLD; then run `shelfwise encryption seal`")


@app.command()
def seal(rebuild: RebuildOption = True, shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """Bring everything under the newest key while servers run: what is in plain, and what stands under older keys."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened, steps() as show:
        brought = opened.encryption.seal(show, rebuild=rebuild)
    if as_json:
        print_json(brought.as_document())
        return
    people.print(f"{brought.n:,} values were brought under the key {brought.key_id}", markup=False)
    _tell_altered(brought.altered.n, brought.altered.rows)
    for key_id in brought.unused:
        people.print(f"nothing stands under the key {key_id} any more: backups may still need it", markup=False)


@app.command()
def unseal(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    rebuild: RebuildOption = True,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Bring everything into plain, for an earlier release: stop all servers first, then take the key away."""
    from shelfwise.shop import Shop

    if not yes:
        typer.confirm("Write everything that is sealed in plain?", abort=True, err=True)
    with Shop.open(shop) as opened, steps() as show:
        brought = opened.encryption.unseal(show, rebuild=rebuild)
    if as_json:
        print_json(brought.as_document())
        return
    people.print(f"{brought.n:,} values stand in plain now; take the key away, or the next ones are sealed again")
    _tell_altered(brought.altered.n, brought.altered.rows)


@app.command()
def status(
    check: Annotated[bool, typer.Option("--check", help="Open everything, too, and name what was changed.")] = False,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say how many values stand under which key, and whether each key is at hand."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        found = opened.encryption.status(check=check)
    if as_json:
        print_json(found.as_document())
        return
    shown = table("key", "values", "", right=(1,))
    first = [] if found.sealing is None else [found.sealing]
    for key_id in dict.fromkeys([*first, *found.at_hand, *found.values]):
        word = "seals" if key_id == found.sealing else "opens"
        if key_id not in found.at_hand:
            word = "not at hand" if key_id in found.missing else "altered: there never was such a key"
        shown.add_row(key_id, f"{found.values.get(key_id, 0):,}", word)
    if found.plain or not found.sealing:
        shown.add_row("none", f"{found.plain:,}", "in plain")
    answers.print(shown)
    if found.to_seal and not found.missing:
        people.print(f"`shelfwise encryption seal` brings {found.to_seal:,} values under the key {found.sealing}")
    for warning in found.warnings:
        people.print(warning, markup=False, soft_wrap=True)
    if found.altered is not None and not found.altered.n:
        people.print("everything that is sealed can be opened")
    if found.altered is not None:
        _tell_altered(found.altered.n, found.altered.rows)


@app.command()
def drop(
    key_id: Annotated[str | None, typer.Argument(help="As `shelfwise encryption status` names it.")] = None,
    altered: Annotated[
        bool, typer.Option("--altered", help="Instead, what was changed or moved since it was sealed.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Let go of what stands under a key that is lost for good, or was altered; there is no way back."""
    from shelfwise.shop import Shop

    if (key_id is None) != altered:
        raise typer.BadParameter("name a key, or say --altered")
    what = "that was altered since it was sealed" if key_id is None else f"that is sealed under the key {key_id}"
    if not yes:
        typer.confirm(f"Delete everything {what}?", abort=True, err=True)
    with Shop.open(shop) as opened:
        n = opened.encryption.drop_altered() if key_id is None else opened.encryption.drop(key_id)
    if as_json:
        print_json({"key_id": key_id, "altered": altered, "rows": n})
        return
    told = "that were altered" if key_id is None else f"under the key {key_id}"
    people.print(f"{n:,} values {told} are deleted; ingest these users again", markup=False)


def _tell_altered(n: int, rows: list[str]) -> None:
    if n:
        more = f" and {n - len(rows):,} more" if n > len(rows) else ""
        people.print(
            f"{n:,} values were changed or moved since they were sealed and stay closed: {', '.join(rows)}{more}",
            markup=False,
            soft_wrap=True,
        )
