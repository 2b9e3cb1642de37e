"""`shelfwise rules`: check, preview, apply, list, and roll back what the merchandiser says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shelfwise.cli.output import HERE, JsonOption, ShopOption, answers, people, print_json, steps, table

if TYPE_CHECKING:
    from shelfwise.rules.conflicts import Findings
    from shelfwise.store.rule_versions import RuleVersion

app = typer.Typer(help="Rules: check, preview, apply, list, roll back.", no_args_is_help=True)

FileArgument = Annotated[Path | None, typer.Argument(help="The rules; rules.toml of the shop's folder where omitted.")]
NoteOption = Annotated[str, typer.Option(help="Why, for the history.")]
ByOption = Annotated[str | None, typer.Option("--by", help="Who, for the history; the system's user where omitted.")]


@app.command()
def check(file: FileArgument = None, shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """Whether the rules can be applied: conflicts, and what looks like a slip."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        rules = opened.rules.read(file)
        found = opened.rules.check(rules)
    if as_json:
        print_json({"n_rules": len(rules.rules), **found.as_document()})
    else:
        _show(found)
        people.print(f"{len(rules.rules)} rules, {len(found.conflicts)} conflicts, {len(found.warnings)} warnings")
    if found.conflicts:
        raise typer.Exit(2)


@app.command()
def preview(
    file: FileArgument = None,
    slates: Annotated[int, typer.Option(min=1, max=100_000, help="Slates that are made again.")] = 1_000,
    scenario: Annotated[str | None, typer.Option(help="Only of this place.")] = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """How many slates the rules would change, with examples; nothing is applied."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened, steps() as show:
        found = opened.rules.preview(opened.rules.read(file), show, slates, scenario)
    if as_json:
        print_json(found.as_document())
        return
    answers.print(f"changes {found.n_changed:,} of {found.n_replayed:,} replayed slates", markup=False)
    if found.n_logged < found.n_replayed:
        people.print(
            f"{found.n_replayed - found.n_logged:,} of them were not asked so far: the latest users stand in",
            markup=False,
        )
    shown = table("rule", "slates", right=(1,))
    for name, n_slates in found.by_rule.items():
        shown.add_row(name, f"{n_slates:,}")
    answers.print(shown)
    for one in found.examples:
        answers.print(
            f"\n{one.user_id or 'somebody unknown'}, {one.scenario} ({', '.join(one.rules) or 'by what made room'})\n"
            f"  before  {' '.join(one.before)}\n  after   {' '.join(one.after)}",
            markup=False,
        )


@app.command("apply")
def apply_rules(
    file: FileArgument = None,
    note: NoteOption = "",
    by: ByOption = None,
    accept_conflicts: Annotated[
        bool, typer.Option("--accept-conflicts", help="Apply rules that are in each other's way.")
    ] = False,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Put the rules in force; a running server follows within a second."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        version, found = opened.rules.apply(
            opened.rules.read(file), author=by, note=note, accept_conflicts=accept_conflicts
        )
    if as_json:
        print_json({**version.as_document(), **found.as_document()})
        return
    _show(found)
    people.print(f"version {version.version} is in force: {_n_rules(version)}", markup=False)


@app.command("list")
def list_rules(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """The rules in force, as a file that could be applied again."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        version, rules = opened.rules.in_force()
    if as_json:
        print_json({"version": 0 if version is None else version.version, "document": rules.as_document()})
        return
    if version is None:
        people.print("no rules were applied yet")
        return
    people.print(
        f"version {version.version}, {version.at:%Y-%m-%d %H:%M} UTC by {version.author}: {version.note or '–'}",
        markup=False,
    )
    answers.print(rules.as_toml().rstrip(), markup=False, soft_wrap=True)


@app.command()
def history(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """Who put which rules in force, newest first."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        versions = opened.rules.history()
    if as_json:
        print_json([one.as_document() for one in versions])
        return
    shown = table("version", "at (UTC)", "by", "", "rules", "note", right=(0, 4))
    for one in versions:
        shown.add_row(
            str(one.version), f"{one.at:%Y-%m-%d %H:%M}", one.author, one.action,
            str(len(one.document.get("rules", {}))), one.note,
        )  # fmt: skip
    answers.print(shown)


@app.command("rollback")
def roll_back(
    version: Annotated[int | None, typer.Argument(help="To go back to; the one before where omitted.")] = None,
    note: NoteOption = "",
    by: ByOption = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Put earlier rules in force again; the history keeps both."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        made = opened.rules.roll_back(version, author=by, note=note)
    if as_json:
        print_json(made.as_document())
    else:
        people.print(f"version {made.version} is in force ({made.note}): {_n_rules(made)}", markup=False)


def _n_rules(version: RuleVersion) -> str:
    n = len(version.document.get("rules", {}))
    return f"{n} rule{'' if n == 1 else 's'}"


def _show(found: Findings) -> None:
    for title, style, several in (("conflict", "red", found.conflicts), ("warning", "yellow", found.warnings)):
        for one in several:
            people.print(f"[{style}]{title}[/] [dim]{one.code}[/]", end=" ")
            people.print(one.message, markup=False, soft_wrap=True)
