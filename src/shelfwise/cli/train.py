"""`shelfwise train`: fit a model version and put it in service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from shelfwise.cli.output import HERE, JsonOption, ShopOption, people, print_json, steps
from shelfwise.cli.pictures import show_pictures

if TYPE_CHECKING:
    from shelfwise.store.versions import Version


def command(
    shop: ShopOption = HERE,
    go_on: Annotated[
        bool, typer.Option("--continue", help="Learn only what is new since the version in service, which takes less.")
    ] = False,
    start: Annotated[
        str | None, typer.Option("--from", metavar="VERSION", help="Continue this version instead.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit retrievers and ranker on everything in the store; the new version is in service at once."""
    from shelfwise.shop import Shop

    if start is not None and not go_on:
        raise typer.BadParameter("names what to continue: add --continue", param_hint="--from")
    with Shop.open(shop) as opened, steps() as show:
        if go_on:
            before = opened.versions.current() if start is None else opened.versions.get(start)
            version = opened.train(show, continue_from=before.name)
            is_new = version.name != before.name
        else:
            version, is_new = opened.train(show), True
    if as_json:
        print_json({"version": version.name, "is_new": is_new, **version.manifest})
    elif is_new:
        _show(version)
    else:
        people.print(f"\nnothing is new since [bold]{version.name}[/]: no event, no item, no setting; nothing was done")


def _show(version: Version) -> None:
    manifest = version.manifest
    learned, lineage = manifest["learned"], manifest["lineage"]
    if "pictures" in manifest:
        show_pictures(manifest["pictures"])
    people.print(
        f"\nmodel [bold]{version.name}[/] is in service: {manifest['data']['n_events']:,} events, "
        f"{manifest['n_items']:,} items, {manifest['seconds']:.0f} s\n"
        f"predicts {manifest['target']}s; items had before are "
        f"{'kept' if manifest['repeats'] else 'left out'} ({learned['repeat_share']:.0%} of what came next were "
        f"repeats); ranked by {learned['ranker']['model']}"
    )
    if lineage is None:
        return
    people.print(
        f"continues {lineage['continues']} with {lineage['n_new_events']:,} new events, {lineage['n_new_items']:,} new "
        f"items and {lineage['n_new_users']:,} new users; everything was fitted for {lineage['full']}, "
        f"{_times(lineage['n_times'])} ago"
    )
    if lineage["full_is_due"] is not None:
        people.print(f"[yellow]{lineage['full_is_due']}[/]: run `shelfwise train` when there is time")


def _times(n: int) -> str:
    return "one training" if n == 1 else f"{n} trainings"
