"""`shelfwise demo`: a real shop from its raw invoices to answers, in minutes."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shelfwise.cli.evaluate import show_report
from shelfwise.cli.ingest import show_report as show_ingest
from shelfwise.cli.output import JsonOption, answers, people, print_json, steps, table
from shelfwise.cli.train import draw_map_after

if TYPE_CHECKING:
    from shelfwise.shop import Shop

FILES = ("shop.toml", "online_retail.parquet", "ATTRIBUTION.md")
SHOPPERS = ("12748", "16931", "14911")
SHOWN = 5


def command(
    folder: Annotated[Path, typer.Argument(help="Folder of the demo shop; made where absent.")] = Path("demo-shop"),
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the API at the end.")] = True,
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8080,
    as_json: JsonOption = False,
) -> None:
    """Ingest, encode, train and evaluate a real gift shop's year of invoices; show three shoppers; serve."""
    from shelfwise.shop import Shop

    started = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    packed = resources.files("shelfwise.cli") / "demo_shop"
    for name in FILES:
        if not (folder / name).exists():
            with resources.as_file(packed / name) as source:
                shutil.copyfile(source, folder / name)
    shop = Shop.open(folder)
    with steps() as show:
        reports = shop.ingest(lambda name, lines, total, *_: show(name, lines, total))
    if not as_json:
        for report in reports:
            show_ingest(report)
    with steps() as show:
        encoded = shop.encode(show)
        version = shop.train(show)
        evaluation = shop.evaluate(progress=show)
    seconds = time.perf_counter() - started
    if as_json:
        print_json(
            {
                "ingest": [report.as_document() for report in reports],
                "encoded": encoded.n_encoded,
                "version": version.name,
                "evaluation": evaluation.as_document(),
                "seconds": round(seconds, 1),
            }
        )
    else:
        show_report(evaluation)
        for user in SHOPPERS:
            _show_shopper(shop, user)
        people.print(f"\n[dim]{seconds:.0f} s in all[/]")
    if serve:
        _show_requests(port)
        _draw_map_meanwhile(folder)
        shop.serve(port=port)
    else:
        draw_map_after(shop, version)
    shop.close()


def _draw_map_meanwhile(folder: Path) -> None:
    """Draw the catalogue's map in a process of its own: the first answer does not wait for it."""
    subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "shelfwise.cli.main", "models", "map", "--shop", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _show_shopper(shop: Shop, user: str) -> None:
    answers.print(f"\n[bold]Customer {user}[/] bought last:")
    for title, when in shop.history(user, SHOWN):
        answers.print(f"  [dim]{str(when)[:10]}[/]  {title}")
    slate = shop.recommend(user, k=SHOWN)
    shown = table("", "should see", "because", right=(0,))
    for item in slate.items:
        shown.add_row(str(item.position), item.title or item.item_id, item.reason)
    answers.print(shown)


def _show_requests(port: int) -> None:
    base = f"http://127.0.0.1:{port}/v1"
    headers = "-H 'content-type: application/json'"
    people.print(f"\nserving on {base}, stop with ctrl-c; try in another terminal:\n", markup=False)
    for line in (
        f'curl -s {base}/recommend {headers} -d \'{{"user_id": "12748", "k": 3}}\'',
        f'curl -s {base}/events {headers} -d \'{{"user_id": "12748", "item_id": "22423", "event": "purchase"}}\'',
        f"curl -s '{base}/items/22423/similar?k=3'",
    ):
        people.print(line, markup=False, soft_wrap=True)
    people.print("")
