"""`shelfwise models`: list, compare, promote and roll back model versions; draw their maps."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from shelfwise.cli.compared import show_comparison
from shelfwise.cli.output import HERE, JsonOption, ShopOption, answers, people, print_json, steps, table
from shelfwise.cli.stopping import stoppable

app = typer.Typer(help="Model versions: list, compare, promote, roll back, map.", no_args_is_help=True)


@app.command("list")
def list_versions(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """All versions, oldest first; the one in service is marked."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        versions = opened.versions.list()
    if as_json:
        print_json(
            [{"version": version.name, "in_service": version.is_current, **version.manifest} for version in versions]
        )
        return
    columns = ("", "version", "trained", "fitted", "events", "items", "ranker", "held-out NDCG@10")
    shown = table(*columns, right=(4, 5, 7))
    for version in versions:
        manifest = version.manifest
        ranker = manifest["learned"]["ranker"]
        held_out = ranker.get("held_out_ndcg", {}).get(ranker["model"])
        shown.add_row(
            "→" if version.is_current else "",
            version.name,
            manifest["created_at"],
            _fitted(manifest.get("lineage")),
            f"{manifest['data']['n_events']:,}",
            f"{manifest['n_items']:,}",
            ranker["model"],
            "–" if held_out is None else f"{held_out:.4f}",
        )
    answers.print(shown)


@app.command()
def compare(
    versions: Annotated[list[str], typer.Argument(help="Names of two or more versions; the first is the baseline.")],
    overlap: Annotated[
        bool, typer.Option("--overlap", help="Also ask 200 users' lists of each, and say how many items they share.")
    ] = False,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Versions side by side: data, configuration, training, metrics, and tested differences."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened, steps() as show:
        found = opened.compare(*versions, overlap=overlap, progress=show)
    if as_json:
        print_json(found.as_document())
    else:
        show_comparison(found)


@app.command()
def promote(
    version: Annotated[str, typer.Argument(help="Name of the version.")],
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Put a version in service."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        _say(opened.promote(version).name, as_json)


@app.command("rollback")
def roll_back(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """Put the version in service that was there before."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        _say(opened.roll_back().name, as_json)


@app.command("map")
def draw_map(
    version: Annotated[
        str | None, typer.Argument(help="Name of the version; the one in service where omitted.")
    ] = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Draw the catalogue's map of a version, as `shelfwise train` does at its end; the console shows it."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened, stoppable(), steps() as show:
        drawn = opened.draw_map(version, show)
    if as_json:
        print_json(drawn.about)
    else:
        people.print(f"map of {drawn.version}: {drawn.about['n_placed']:,} items", markup=False)


def _fitted(lineage: dict[str, Any] | None) -> str:
    return "in full" if lineage is None else f"{lineage['n_times']} × on"


def _say(name: str, as_json: bool) -> None:
    if as_json:
        print_json({"in_service": name})
    else:
        people.print(f"in service: {name}; a running server takes it up by itself", markup=False)
