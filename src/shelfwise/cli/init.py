"""`shelfwise init DIR --items F --events F`: draft DIR/shop.toml from the shop's own files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from shelfwise.cli.output import JsonOption, answers, people, print_json, table

SURE = 0.7


def command(
    folder: Annotated[Path, typer.Argument(help="Folder of the new shop.")],
    items: Annotated[
        Path | None, typer.Option(help="The catalogue: CSV, JSON Lines or Parquet, plain or compressed.")
    ] = None,
    events: Annotated[Path | None, typer.Option(help="What shoppers did.")] = None,
    users: Annotated[Path | None, typer.Option(help="What is known of shoppers.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Train no network: a fraction of the time, a few per cent less accurate.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Take the guess without asking.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Draft a shop's configuration from its own files, showing what each column was taken for."""
    from shelfwise.shop import draft

    found = draft.look(folder, items, events, users)
    if not as_json:
        for name in ("items", "events", "users"):
            columns = [column for column in found.columns if column.table == name]
            if columns:
                shown = table("your column", "is", "sure", "because", "for example", title=f"\n{name}")
                for column in columns:
                    mark = "" if column.ours is None else "yes" if column.confidence >= SURE else "please check"
                    shown.add_row(
                        column.theirs,
                        column.ours or "–",
                        mark,
                        column.why,
                        ", ".join(column.examples[:2])[:50],
                    )
                answers.print(shown)
        for note in found.notes:
            answers.print(f"note: {note}", markup=False)
        if not yes and sys.stdin.isatty():
            typer.confirm("\nWrite this to shop.toml?", default=True, abort=True, err=True)
    path = draft.write(folder, found, quick=quick)
    if as_json:
        print_json({"shop": str(folder), "config": str(path), **found.as_document()})
    else:
        people.print(f"\nwrote {path}: look it through, then run", markup=False)
        people.print(f"  shelfwise ingest --shop {folder}", markup=False)
