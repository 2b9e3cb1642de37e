"""`shelfwise tune`: let the text encoder learn from the shop's behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from shelfwise.cli.output import HERE, JsonOption, ShopOption, answers, people, print_json, steps, table

if TYPE_CHECKING:
    from shelfwise.train.tuning.report import TuningReport


def command(
    shop: ShopOption = HERE,
    search: Annotated[int, typer.Option(min=0, help="Settings to try first, by held-out choices.")] = 0,
    minutes: Annotated[float, typer.Option(min=0, help="Time for these trials.")] = 60.0,
    as_json: JsonOption = False,
) -> None:
    """Tune the text encoder as [encode.tune] says, and measure what that brings on items it never saw."""
    from shelfwise.shop import Shop

    with Shop.open(shop) as opened, steps() as show:
        report = opened.tune(search, minutes, show)
    if as_json:
        print_json(report.as_document())
    else:
        show_report(report)


def show_report(report: TuningReport) -> None:
    """What was tuned, what it brought, what to do next."""
    about = report.about
    pool = about["mrr_in_pool"]
    people.print(
        f"\n{about['method']}: {about['n_trainable']:,} of {about['n_parameters']:,} parameters, "
        f"{about['n_pairs']:,} pairs, {about['step']:,} steps, {about['seconds']:.0f} s"
    )
    people.print(
        f"held-out choices among {pool['pool']:,} items: MRR {pool['frozen']:.4f} untuned, "
        f"{pool['tuned']:.4f} at its best (step {about['best_step']:,})"
    )
    if "quality" in about:
        shown = table("nearest texts, all items ranked", "users", "Recall@20", "NDCG@10", right=(1, 2, 3))
        for part, models in about["quality"].items():
            for model, found in sorted(models.items()):
                shown.add_row(
                    f"{'items that tuning never saw' if part == 'cold' else 'other items'}, {model}",
                    f"{found['n']:,}",
                    f"{found['recall_at_20']:.4f}",
                    f"{found['ndcg_at_10']:.4f}",
                )
        answers.print(shown)
    if report.search is not None and report.search.chosen:
        people.print(f"\nbest of {len(report.search.trials)} trials, for shop.toml:\n")
        answers.print(report.search.snippet, markup=False)
    if not report.about["is_better"]:
        people.print("tuning brought nothing here: leave \\[encode.tune] use = false")
    elif report.in_use:
        people.print("`shelfwise train` uses this encoder")
    else:
        people.print("to use it set \\[encode.tune] use = true; `shelfwise evaluate` says what the whole funnel gains")
