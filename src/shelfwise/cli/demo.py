"""`shelfwise demo`: two real shops, one of pictures and one of raw invoices, to answers in minutes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shelfwise.cli.demo_beside import served_beside
from shelfwise.cli.demo_shops import FASHION, GIFTS, MadeShop, Progress, make_fashion, make_gifts, unpack
from shelfwise.cli.evaluate import show_report
from shelfwise.cli.ingest import show_report as show_ingest
from shelfwise.cli.output import JsonOption, answers, people, print_json, steps, table

if TYPE_CHECKING:
    from shelfwise.shop import Shop

SHOPPERS = ("12748", "16931", "14911")
SHOWN = 5
FASHION_FOLDER = "fashion"


class Which(StrEnum):
    """What is made and served."""

    BOTH = "both"
    FASHION = "fashion"
    GIFTS = "gifts"


def command(
    folder: Annotated[
        Path, typer.Argument(help="Folder of the gift shop, with the fashion shop in `fashion`; made where absent.")
    ] = Path("demo-shop"),
    which: Annotated[Which, typer.Option("--shop", help="The shops that are made.")] = Which.BOTH,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve them at the end.")] = True,
    port: Annotated[int, typer.Option(help="Port of the gift shop; the fashion shop takes the next one.")] = 8080,
    as_json: JsonOption = False,
) -> None:
    """Make a fashion shop in which nobody has done anything yet, and a gift shop of a year of invoices; serve both.

    The fashion shop is served while the gift shop is being made.
    """
    fashion_folder, fashion_port = folder / FASHION_FOLDER, port + 1
    is_linked = serve and which is Which.BOTH
    told: dict[str, Any] = {}
    with ExitStack() as beside:
        if which is not Which.GIFTS:
            unpack(FASHION, fashion_folder, _pages(port) if is_linked else "")
            told["fashion"] = _made(fashion_folder, make_fashion, quiet=as_json)
            if is_linked:
                beside.enter_context(served_beside(fashion_folder, fashion_port))
                _show_pages("the fashion shop is open", fashion_port)
                people.print("the gift shop follows in some minutes\n")
        if which is not Which.FASHION:
            unpack(GIFTS, folder, _pages(fashion_port) if is_linked else "")
            told |= _made(folder, make_gifts, quiet=as_json)
        if as_json:
            print_json(told)
        elif which is not Which.FASHION:
            _show_shoppers(folder)
        if serve and which is Which.FASHION:
            _serve(fashion_folder, fashion_port)
        elif serve:
            _show_requests(port)
            if which is Which.BOTH:
                _draw_map_meanwhile(fashion_folder)
            _serve(folder, port)


def _made(folder: Path, make: Callable[[Shop, Progress], MadeShop], *, quiet: bool) -> dict[str, Any]:
    """Make a shop, tell of it, and say what `--json` prints."""
    from shelfwise.shop import Shop

    started = time.perf_counter()
    with Shop.open(folder) as shop, steps() as show:
        made = make(shop, show)
    seconds = round(time.perf_counter() - started, 1)
    if not quiet:
        for report in made.ingested:
            show_ingest(report)
        if made.evaluation is not None:
            show_report(made.evaluation)
        people.print(f"[dim]{seconds:.0f} s for {made.version.manifest['n_items']:,} items[/]")
    return {
        "ingest": [report.as_document() for report in made.ingested],
        "encoded": made.n_encoded,
        "version": made.version.name,
        **({} if made.evaluation is None else {"evaluation": made.evaluation.as_document()}),
        "seconds": seconds,
    }


def _serve(folder: Path, port: int) -> None:
    from shelfwise.shop import Shop

    _show_pages("the shop is open", port)
    _draw_map_meanwhile(folder)
    with Shop.open(folder) as shop:
        shop.serve(port=port)


def _pages(port: int) -> str:
    return f"http://127.0.0.1:{port}/shop"


def _show_pages(what: str, port: int) -> None:
    people.print(
        f"{what}: {_pages(port)}, its console at http://127.0.0.1:{port}/console", markup=False, soft_wrap=True
    )


def _show_shoppers(folder: Path) -> None:
    from shelfwise.shop import Shop

    with Shop.open(folder) as shop:
        for user in SHOPPERS:
            _show_shopper(shop, user)


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
