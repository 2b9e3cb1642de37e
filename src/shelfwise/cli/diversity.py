"""What `shelfwise tradeoff --diversity` shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from shelfwise.cli.output import answers, people, print_json, table

if TYPE_CHECKING:
    from shelfwise.evaluate.diversity import DiversityTradeOffs


def show_diversity(found: DiversityTradeOffs, output: Path | None, *, as_json: bool) -> None:
    """The table, what to set, and the plots where a folder is named."""
    paths: list[Path] = []
    if output is not None:
        from shelfwise.evaluate.diversity_plot import draw

        paths = draw(found, output)
    if as_json:
        print_json({**found.as_document(), "plots": [str(path) for path in paths]})
        return
    shown = table(
        "reranker",
        "diversity",
        f"NDCG@{found.k}",
        "loss",
        "distance",
        "entropy",
        "off the user's mix",
        "coverage",
        "Gini",
        "head",
        "",
        title=f"\nWhat diversity costs in {found.scenario}: {found.n_requests} held-out questions; {found.asked}",
        right=tuple(range(1, 10)),
    )
    for one in found.settings:
        note = "suggested" if one == found.suggested else "knee" if one.is_knee else ""
        numbers = (one.distance, one.entropy, one.miscalibration, one.coverage, one.gini, one.head_share)
        shown.add_row(
            one.reranker,
            f"{one.diversity:g}",
            f"{one.ndcg:.4f}",
            f"{one.ndcg_loss:.1%}",
            *("–" if number != number else f"{number:.3f}" for number in numbers),
            note,
        )
    answers.print(shown)
    if found.suggested is None:
        answers.print("\nNo setting makes slates more varied at a cost of 1 % of NDCG or less: leave diversity at 0.")
    else:
        best, plain = found.suggested, found.settings[0]
        answers.print(
            f"\nSuggested: use = '{best.reranker}' with diversity = {best.diversity:g}: "
            f"{best.distance / plain.distance - 1:+.1%} distance for {best.ndcg_loss:.1%} of NDCG."
        )
    for path in paths:
        people.print(f"wrote {path}", markup=False)
