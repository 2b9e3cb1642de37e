"""`shelfwise tune`: let the text encoder learn from the shop's behaviour, or search the ranker's settings."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from shelfwise.cli.output import HERE, JsonOption, ShopOption, answers, people, print_json, steps, table

if TYPE_CHECKING:
    from shelfwise.train.ranker_search.points import Front
    from shelfwise.train.tuning.report import TuningReport


class Part(StrEnum):
    """What is tuned."""

    ENCODER = "encoder"
    RANKER = "ranker"


def command(
    part: Annotated[Part, typer.Argument(help="The text encoder, or the settings of the ranker.")] = Part.ENCODER,
    shop: ShopOption = HERE,
    search: Annotated[
        int, typer.Option(min=0, help="Settings to try; of the ranker 0 shows what was found before.")
    ] = 0,
    minutes: Annotated[float, typer.Option(min=0, help="Time for these trials.")] = 60.0,
    scenario: Annotated[str, typer.Option(help="Whose weights are searched, with the ranker.")] = "home",
    point: Annotated[
        int | None, typer.Option(help="Trial whose lines for shop.toml are printed; the goal's best where omitted.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tune the text encoder as [encode.tune] says, or search the ranker's settings over all objectives.

    Neither changes the model in service.
    """
    from shelfwise.shop import Shop

    if part is Part.RANKER:
        with Shop.open(shop) as opened, steps() as show:
            front = opened.search_ranker(search, minutes, scenario, show)
        if as_json:
            print_json(front.as_document())
        else:
            show_front(front, point)
        return
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


def show_front(found: Front, number: int | None) -> None:
    """The settings that nothing beats, and the lines of one of them."""
    chosen = found.best if number is None else found.point(number)
    shown = table(
        "trial",
        *found.objectives,
        "",
        "settings",
        title=f"\nNDCG@10 on {found.n_judged:,} later visits, learned from {found.n_learned:,} earlier ones",
        right=tuple(range(len(found.objectives) + 1)),
    )
    for one in sorted((found.own, *found.points), key=lambda each: -each.figures[found.goal]):
        if one.is_on_front or one is found.own:
            note = "own, beaten" if not one.is_on_front else "own" if one is found.own else "front"
            name = "own" if one is found.own else str(one.number)
            shown.add_row(name, *(f"{one.figures[each]:.4f}" for each in found.objectives), note, one.in_words())
    answers.print(shown)
    own, every = found.volume((found.own,)), found.volume((found.own, *found.points))
    if own is not None and every is not None:
        people.print(f"hypervolume {every:.3g} with {len(found.points):,} trials, {own:.3g} of the own settings alone")
    if found.not_judged:
        people.print(f"not judged, as the later visits tell nothing of it yet: {', '.join(found.not_judged)}")
    if chosen is found.own:
        people.print(f"no trial serves {found.goal} better than the shop's own settings")
        return
    people.print(f"\ntrial {chosen.number}, for these tables of shop.toml:\n")
    answers.print(chosen.toml(found.scenario), markup=False)
    people.print("`shelfwise evaluate` says what the whole funnel gains by it")
