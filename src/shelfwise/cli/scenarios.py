"""`shelfwise scenarios`: what was chosen for the places of the shop above shop.toml; look back, take back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from shelfwise.cli.output import HERE, JsonOption, ShopOption, answers, people, print_json, table

if TYPE_CHECKING:
    from shelfwise.schemas.scenario_settings import ScenarioSettings

app = typer.Typer(help="Settings of scenarios: list, history, undo.", no_args_is_help=True)

ScenarioArgument = Annotated[str, typer.Argument(help="As in [scenarios.…].")]


@app.command("list")
def list_scenarios(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """What holds above shop.toml, and who chose it."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        found = opened.scenarios.in_force()
        names = list(dict.fromkeys([*opened.config.scenarios, *found]))
    if as_json:
        print_json([found[name].as_document() if name in found else {"version": 0, "scenario": name} for name in names])
        return
    shown = table("scenario", "version", "at (UTC)", "by", "settings", right=(1,))
    for name in names:
        one = found.get(name)
        if one is None:
            shown.add_row(name, "0", "", "", "as shop.toml has it")
        else:
            shown.add_row(name, str(one.version), f"{one.at:%Y-%m-%d %H:%M}", one.author, said(one.settings))
    answers.print(shown)


@app.command()
def history(scenario: ScenarioArgument, shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """Who set a scenario to what, newest first."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        versions = opened.scenarios.history(scenario)
    if as_json:
        print_json([one.as_document() for one in versions])
        return
    if not versions:
        people.print("nothing was chosen yet: shop.toml counts")
        return
    shown = table("version", "at (UTC)", "by", "settings", "note", right=(0,))
    for one in versions:
        shown.add_row(str(one.version), f"{one.at:%Y-%m-%d %H:%M}", one.author, said(one.settings), one.note)
    answers.print(shown)


@app.command()
def undo(
    scenario: ScenarioArgument,
    version: Annotated[
        int | None, typer.Argument(min=0, help="To go back to, 0 for shop.toml; the one before where omitted.")
    ] = None,
    note: Annotated[str, typer.Option(help="Why, for the history.")] = "",
    by: Annotated[
        str | None, typer.Option("--by", help="Who, for the history; the system's user where omitted.")
    ] = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Let earlier settings hold again; the history keeps both."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        made = opened.scenarios.undo(scenario, version, author=by, note=note)
    if as_json:
        print_json(made.as_document())
    else:
        people.print(
            f"version {made.version} of {scenario} is in force ({made.note}): {said(made.settings)}", markup=False
        )


def said(settings: ScenarioSettings) -> str:
    """Settings in one line."""
    parts: list[str] = []
    if settings.weights is not None:
        weighed = ", ".join(f"{name} {weight:g}" for name, weight in settings.weights.items())
        parts.append(f"weights {weighed or 'of the training'}")
    if settings.diversity is not None:
        parts.append(f"diversity {settings.diversity}")
    if settings.exploration is not None:
        parts.append(f"exploration {settings.exploration:g}")
    if settings.latency_budget_ms is not None:
        budget = f"at most {settings.latency_budget_ms:g} ms" if settings.latency_budget_ms else "as long as it takes"
        parts.append(f"answers take {budget}")
    return "; ".join(parts) or "as shop.toml has it"
