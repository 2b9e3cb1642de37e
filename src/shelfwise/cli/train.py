"""`shelfwise train`: fit a model version and put it in service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from shelfwise.cli.output import HERE, JsonOption, ShopOption, people, print_json, steps
from shelfwise.cli.pictures import show_pictures
from shelfwise.cli.stopping import stoppable
from shelfwise.errors import MissingExtraError, StateError

if TYPE_CHECKING:
    from shelfwise.cli.output import Steps
    from shelfwise.shop import Shop
    from shelfwise.store.versions import Version

LEAST_ITEMS = 200
"""A catalogue that fits on one page needs no map."""


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
    with Shop.open(shop) as opened, stoppable():
        with steps() as show:
            version, is_new = _trained(opened, show, go_on, start)
        if as_json:
            print_json({"version": version.name, "is_new": is_new, **version.manifest})
        elif is_new:
            _show(version)
        else:
            people.print(
                f"\nnothing is new since [bold]{version.name}[/]: no event, no item, no setting; nothing was done"
            )
        if is_new:
            draw_map_after(opened, version)


def _trained(shop: Shop, show: Steps, go_on: bool, start: str | None) -> tuple[Version, bool]:
    """The version, and whether it is new."""
    if not go_on:
        return shop.train(show), True
    before = shop.versions.current() if start is None else shop.versions.get(start)
    version = shop.train(show, continue_from=before.name)
    return version, version.name != before.name


def draw_map_after(shop: Shop, version: Version) -> None:
    """Draw the map of a version that was just published, where the shop wants one.

    The version is in service already: a map that cannot be drawn is said, and no reason to fail.
    """
    if not shop.config.train.map or version.manifest["n_items"] < LEAST_ITEMS:
        return
    try:
        with steps() as show:
            shop.draw_map(version.name, show)
    except (MissingExtraError, StateError) as error:
        people.print(f"[dim]no map was drawn: {escape(error.found)}[/]")


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
