"""`shelfwise offers`: check, list, preview, and plan who gets which within a budget."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from shelfwise.cli.output import HERE, JsonOption, ShopOption, answers, people, print_json, steps, table

app = typer.Typer(help="Offers: check, list, preview, plan within a budget.", no_args_is_help=True)


class Goal(StrEnum):
    """What a plan makes as large as can be."""

    GAIN = "gain"
    ANSWERS = "answers"


@app.command()
def check(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """Whether offers.toml can be used: what is misspelt, and what looks like a slip."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        offers = opened.offers.read()
        found = opened.offers.check(offers)
    if as_json:
        print_json({"n_offers": len(offers.offers), "warnings": [one._asdict() for one in found]})
        return
    for one in found:
        people.print(f"[yellow]warning[/] [dim]{one.code}[/]", end=" ")
        people.print(one.message, markup=False, soft_wrap=True)
    people.print(f"{len(offers.offers)} offers, {len(found)} warnings")


@app.command("list")
def list_offers(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """Every offer as it stands now: its state, what was answered, what is left of its money."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        found = opened.offers.list()
    if as_json:
        print_json(found)
        return
    shown = table("offer", "state", "items", "answers", "sendings", "spent", "left", right=(2, 3, 4, 5, 6))
    for one in found:
        left = "–" if one["left"] is None else f"{one['left']:,.2f}"
        numbers = (f"{one[name]:,}" for name in ("n_items", "answers", "sendings"))
        shown.add_row(one["offer"], one["state"], *numbers, f"{one['spent']:,.2f}", left)
    answers.print(shown)


@app.command()
def preview(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """What each running offer would bring, were it made to all of its audience."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        found = opened.offers.preview()
    if as_json:
        print_json([one.as_document() for one in found])
        return
    shown = table(
        "offer", "items", "users", "mean chance", "answers", "cost", "gain", "likeliest", right=(1, 2, 3, 4, 5, 6)
    )
    for one in found:
        likeliest = ", ".join(f"{user_id} {chance:.1%}" for user_id, chance in one.likeliest)
        money = (f"{number:,.2f}" for number in (one.answers, one.cost, one.gain))
        shown.add_row(one.offer, f"{one.n_items:,}", f"{one.n_users:,}", f"{one.mean_chance:.2%}", *money, likeliest)
    answers.print(shown)


@app.command()
def plan(
    budget: Annotated[
        float | None, typer.Option(help="Money for all of it; the offers' own budgets where omitted.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Parquet file: user_id, offer, chance, expected_cost, expected_gain.")
    ] = None,
    goal: Annotated[Goal, typer.Option(help="What is made as large as can be.")] = Goal.GAIN,
    per_user: Annotated[int, typer.Option("--per-user", help="Offers of one user at most.")] = 1,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Who should get which offer, so that most is gained within the budgets."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened, steps() as show:
        found = opened.offers.plan(budget, goal=goal.value, per_user=per_user, output=output, progress=show)
    if as_json:
        print_json({**found.as_document(), "output": None if output is None else str(output)})
        return
    shown = table("offer", "users", "answers", "cost", "gain", right=(1, 2, 3, 4))
    for one in found.by_offer:
        shown.add_row(one.offer, f"{one.n_users:,}", *(f"{of:,.2f}" for of in (one.answers, one.cost, one.gain)))
    answers.print(shown)
    share = f"{found.value / found.bound:.2%} of" if found.bound > 0 else "all of"
    answers.print(
        f"{len(found.user_ids):,} sendings, expected cost {found.costs.sum():,.2f}, expected gain "
        f"{found.gains.sum():,.2f}, expected answers {found.chances.sum():,.1f}; {share} what any plan could bring",
        markup=False,
    )
    people.print(f"chances are of {found.chance_of}, not of what the offers add to it")
    if output is not None:
        people.print(f"{len(found.user_ids):,} sendings: {output}", markup=False)
