"""`shelfwise tradeoff`: what one objective costs another over a grid of weights, or what diversity costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shelfwise.cli.diversity import show_diversity
from shelfwise.cli.output import HERE, JsonOption, ShopOption, answers, people, print_json, steps, table
from shelfwise.errors import InputError


def command(
    shop: ShopOption = HERE,
    scenario: Annotated[str, typer.Option(help="The place of the shop that asks.")] = "home",
    objective: Annotated[
        list[str] | None, typer.Option(help="The two that are traded; the goal and what it follows where omitted.")
    ] = None,
    diversity: Annotated[
        bool,
        typer.Option("--diversity", help="What diversity costs: every reranker over its range, on held-out questions."),
    ] = False,
    users: Annotated[
        int | None,
        typer.Option(min=1, help="Users whose requests are replayed: 200, with --diversity 2,000 of those held out."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Folder for the plot: a PNG and an interactive page.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Replay requests over a grid of weights: what a slate is expected to bring, and which settings are best."""
    from shelfwise.shop import Shop

    if diversity:
        if objective:
            raise InputError(
                "--diversity trades accuracy, not one objective for another",
                where="--objective",
                hint="leave --objective or --diversity out",
                code="either_or",
            )
        with Shop.open(shop) as opened, steps() as show:
            of_diversity = opened.diversity_tradeoff(scenario, users or 2_000, show)
        show_diversity(of_diversity, output, as_json=as_json)
        return
    with Shop.open(shop) as opened, steps() as show:
        found = opened.tradeoff(scenario, objective or [], users or 200, show)
    paths: list[Path] = []
    if output is not None:
        from shelfwise.evaluate.trade_off_plot import draw

        paths = draw(found, output)
    if as_json:
        print_json({**found.as_document(), "plots": [str(path) for path in paths]})
        return
    names = list(found.points[0].expected)
    shown = table(
        "weights",
        *names,
        "",
        title=f"\nWhat a slate of {found.k} in {found.scenario} should bring, mean of {found.n_requests} requests",
        right=tuple(range(1, len(names) + 1)),
    )
    for point in found.points:
        weights = ", ".join(f"{name} {weight:.3g}" for name, weight in point.weights.items())
        note = "own weights" if point.is_default else "front" if point.is_on_front else ""
        shown.add_row(weights, *(f"{point.expected[name]:.4g}" for name in names), note)
    answers.print(shown)
    for path in paths:
        people.print(f"wrote {path}", markup=False)
