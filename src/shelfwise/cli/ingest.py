"""`shelfwise ingest`: read the shop's files into its store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shelfwise.cli.output import HERE, JsonOption, ShopOption, answers, people, print_json, steps, table

if TYPE_CHECKING:
    from shelfwise.ingest.report import IngestReport


def command(
    shop: ShopOption = HERE,
    quarantine: Annotated[
        Path | None,
        typer.Option(help="Also write all refused lines to this file (.csv or .jsonl), with their reasons."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read items, users and events; refuse what is wrong with its reason, store the rest; a file is read once."""
    from shelfwise.ingest.quarantine import export_quarantine
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened:
        with steps() as show:
            reports = opened.ingest(lambda name, lines, total, *_: show(name, lines, total))
        if quarantine is not None:
            export_quarantine(opened.records, quarantine, "jsonl" if quarantine.suffix == ".jsonl" else "csv")
    if as_json:
        print_json([report.as_document() for report in reports])
        return
    for report in reports:
        show_report(report)
    if quarantine is not None:
        people.print(f"refused lines: {quarantine}", markup=False)


def show_report(report: IngestReport) -> None:
    """One file's counts, and why lines were refused."""
    again = " (ingested before: nothing changed)" if report.skipped else f" in {report.seconds:.1f} s"
    answers.print(
        f"\n[bold]{report.table}[/] {report.lines:,} lines: {report.stored:,} stored, "
        f"{report.already_stored:,} known before, {report.quarantined:,} refused{again}"
    )
    if report.by_reason:
        shown = table("refused", "why", "first on line", "which says", right=(0,))
        for found in report.by_reason:
            shown.add_row(f"{found.count:,}", found.explanation, str(found.sample.line), found.sample.message[:70])
        answers.print(shown)
