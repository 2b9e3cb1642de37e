"""`shelfwise serve`: answer over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from shelfwise.cli.output import HERE, ShopOption, people


def command(
    shop: ShopOption = HERE,
    host: Annotated[str | None, typer.Option(help="Address to listen on; shop.toml's where omitted.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; shop.toml's where omitted.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes that answer; shop.toml's where omitted.")
    ] = None,
) -> None:
    """Serve the API and the console until stopped; outside localhost it wants the environment's SHELFWISE_API_KEY."""
    from shelfwise.shop import Shop

    opened = Shop.open(shop)
    serve = opened.config.serve
    origin = f"http://{host or serve.host}:{port or serve.port}"
    people.print(
        f"serving {shop}: the API on {origin}/v1, the console on {origin}/console", markup=False, soft_wrap=True
    )
    opened.serve(host, port, workers)
