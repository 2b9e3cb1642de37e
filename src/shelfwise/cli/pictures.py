"""What became of the items' pictures, for people."""

from __future__ import annotations

from typing import Any

from shelfwise.cli.output import people, table


def show_pictures(report: dict[str, Any]) -> None:
    """Counts, and which pictures cannot be used and why; on standard error, as it accompanies other answers.

    Args:
        report: `PictureReport` as a document.
    """
    people.print(
        f"{report['with_picture']:,} of {report['items']:,} items have a picture, {report['encoded']:,} encoded"
    )
    if not report["problems"]:
        return
    shown = table("without", "why", "for example", "which says", right=(0,))
    for problem, n in report["problems"].items():
        one = next(example for example in report["examples"] if example["problem"] == problem)
        shown.add_row(f"{n:,}", problem, f"{one['item_id']}: {one['image']}"[:60], one["why"][:70])
    people.print(shown)
