"""`shelfwise train`: fit a model version and put it in service."""

from __future__ import annotations

from shelfwise.cli.output import HERE, JsonOption, ShopOption, people, print_json, steps
from shelfwise.cli.pictures import show_pictures


def command(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """Fit retrievers and ranker on everything in the store; the new version is in service at once."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened, steps() as show:
        version = opened.train(show)
    manifest = version.manifest
    if as_json:
        print_json({"version": version.name, **manifest})
        return
    learned = manifest["learned"]
    if "pictures" in manifest:
        show_pictures(manifest["pictures"])
    people.print(
        f"\nmodel [bold]{version.name}[/] is in service: {manifest['data']['n_events']:,} events, "
        f"{manifest['n_items']:,} items, {manifest['seconds']:.0f} s\n"
        f"predicts {manifest['target']}s; items had before are "
        f"{'kept' if manifest['repeats'] else 'left out'} ({learned['repeat_share']:.0%} of what came next were "
        f"repeats); ranked by {learned['ranker']['model']}"
    )
