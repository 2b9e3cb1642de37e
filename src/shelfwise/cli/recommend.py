"""`shelfwise recommend`: one user's slate, or every user's list as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from shelfwise.cli.output import HERE, JsonOption, ShopOption, answers, people, print_json, steps, table
from shelfwise.errors import InputError
from shelfwise.schemas.queries import SlateItem


def command(
    shop: ShopOption = HERE,
    user: Annotated[str | None, typer.Option(help="Who; an unknown user gets what a stranger sees.")] = None,
    scenario: Annotated[str, typer.Option(help="The place of the shop that asks.")] = "home",
    k: Annotated[int | None, typer.Option(help="Items; the scenario's number where omitted.")] = None,
    item: Annotated[
        list[str] | None, typer.Option(help="Context: the item looked at, or in the cart; repeatable.")
    ] = None,
    weight: Annotated[
        list[str] | None, typer.Option(help="What one happening of an objective is worth: purchase=6; repeatable.")
    ] = None,
    floor: Annotated[
        list[str] | None, typer.Option(help="Share of the best attainable to be kept: purchase=0.95; repeatable.")
    ] = None,
    diversity: Annotated[
        str | None, typer.Option(help="0: by relevance alone, to 1: as varied as can be; or auto.")
    ] = None,
    relation: Annotated[
        str | None, typer.Option(help="alternatives to the context items, or complements of them.")
    ] = None,
    bundle: Annotated[bool, typer.Option("--bundle", help="Sets that go together and with the context items.")] = False,
    category: Annotated[str | None, typer.Option(help="Only items under this category path.")] = None,
    brand: Annotated[str | None, typer.Option(help="Only items of this brand.")] = None,
    region: Annotated[str | None, typer.Option(help="Whose trends: a region; the user's own where omitted.")] = None,
    only: Annotated[
        str | None,
        typer.Option("--filter", help="Only items of which this is true: 'price < 20 and colour = \"red\"'."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="What the shopper holds: desktop, mobile, tablet, tv.")] = None,
    all_users: Annotated[bool, typer.Option("--all-users", help="Every user's list, written to --output.")] = False,
    output: Annotated[Path | None, typer.Option(help="Parquet file: user_id, item_id, position, score.")] = None,
    as_json: JsonOption = False,
) -> None:
    """What a user should see, and why."""
    from shelfwise.shop import Shop

    if all_users and output is None:
        raise InputError("--all-users needs --output FILE.parquet", where="--output", code="no_output")
    with Shop.open(shop) as opened:
        if all_users and output is not None:
            with steps() as show:
                n_users = opened.recommend_all(output, scenario, k, show)
            if as_json:
                print_json({"users": n_users, "output": str(output)})
            else:
                people.print(f"{n_users:,} users' lists: {output}", markup=False)
            return
        slate = opened.recommend(
            user,
            scenario,
            k,
            items=item or [],
            relation=relation,
            bundle=bundle,
            category=category,
            brand=brand,
            region=region,
            filter=only,
            device=device,
            weights=_numbers(weight, "--weight"),
            floors=_numbers(floor, "--floor"),
            diversity=None if diversity is None else _diversity(diversity),
        )
    if as_json:
        print_json(slate.model_dump())
        return
    for entry in slate.brands:
        answers.print(f"{entry.position}. {entry.brand}: {entry.reason}", markup=False)
        _show(entry.items)
    for offer in slate.offers:
        off = f"{offer.discount:.0%}" if offer.discount is not None else f"{offer.amount_off:g}"
        answers.print(
            f"{offer.position}. {offer.offer}, {off} off: {offer.reason}\n   chance of {offer.chance_of} "
            f"{offer.chance:.1%}, expected cost {offer.cost:.2f}, expected gain {offer.gain:.2f}",
            markup=False,
        )
        _show(offer.items)
    for made in slate.bundles:
        answers.print(f"set {made.position}, joint score {made.score:.2f}", markup=False)
        _show(made.items)
    if slate.items or not (slate.brands or slate.bundles or slate.offers):
        _show(slate.items)
    if slate.expected:
        brought = table("", "this slate", "by default", "best possible", title="\nExpected", right=(1, 2, 3))
        for name, one in slate.expected.items():
            brought.add_row(name, *(f"{number:.4g}" for number in (one.value, one.by_default, one.best)))
        answers.print(brought)
    for note in slate.degraded:
        people.print(f"note: {note}", markup=False)


def _diversity(told: str) -> float | str:
    if told == "auto":
        return told
    try:
        return float(told)
    except ValueError:
        raise InputError(
            f"{told!r} is no diversity",
            expected="a number from 0 to 1, or auto",
            where="--diversity",
            code="bad_number",
        ) from None


def _numbers(told: list[str] | None, option: str) -> dict[str, float]:
    """`name=number`, repeated."""
    found: dict[str, float] = {}
    for one in told or []:
        name, _, number = one.partition("=")
        try:
            found[name] = float(number)
        except ValueError:
            raise InputError(
                f"{one!r} is no NAME=NUMBER", expected="as in purchase=6", where=option, code="bad_number"
            ) from None
    return found


def _show(items: list[SlateItem]) -> None:
    shown = table("", "item", "title", "because", right=(0,))
    for entry in items:
        because = "; ".join([entry.reason, *entry.steps])
        shown.add_row(str(entry.position), *map(escape, (entry.item_id, entry.title or "–", because)))
    answers.print(shown)
