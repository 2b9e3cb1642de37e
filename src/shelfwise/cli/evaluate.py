"""`shelfwise evaluate`: compare with tuned baselines on held-out events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from shelfwise.cli.output import HERE, JsonOption, ShopOption, answers, people, print_json, steps, table

if TYPE_CHECKING:
    from shelfwise.evaluate.off_policy import OffPolicyReport
    from shelfwise.evaluate.report import EvaluationReport


def command(
    shop: ShopOption = HERE,
    protocol: Annotated[
        Literal["leave-one-out", "time-split"] | None,
        typer.Option(help="How to split; a time split where the log has a clock, else leave-one-out."),
    ] = None,
    k: Annotated[int | None, typer.Option(help="Length of the lists.")] = None,
    version: Annotated[
        str | None, typer.Option(help="Measure this version's configuration instead of shop.toml's; kept with it.")
    ] = None,
    off_policy: Annotated[
        bool, typer.Option("--off-policy", help="Judge the shop's order by its own logged slates instead.")
    ] = False,
    reward: Annotated[str, typer.Option(help="With --off-policy: kind of event that is counted.")] = "click",
    scenario: Annotated[str | None, typer.Option(help="With --off-policy: only this place.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit on the past, ask about the rest, rank the whole catalogue; baselines tuned and asked in the same run."""
    from shelfwise.shop import Shop

    if off_policy:
        with Shop.open(shop) as opened:
            judged = opened.off_policy(reward, scenario)
        if as_json:
            print_json(judged.as_document())
        else:
            show_off_policy(judged)
        return
    with Shop.open(shop) as opened, steps() as show:
        report = opened.evaluate(protocol, k, show, version)
    if as_json:
        print_json(report.as_document())
    else:
        show_report(report)


def _show_exposure(report: EvaluationReport) -> None:
    """Who is shown: the head, the mix, and each grouping's attention beside its merit."""
    groupings = list(report.rows[0].exposure)
    shown = table(
        "",
        "head",
        "entropy",
        *(heading for name in groupings for heading in (f"{name}: gap", "least ratio")),
        title="\nWho is shown: places of the most popular fifth; attention beside merit",
        right=tuple(range(1, 3 + 2 * len(groupings))),
    )
    for row in report.rows:
        parts = [row.exposure[name] for name in groupings]
        shown.add_row(
            row.model,
            "–" if row.head_share is None else f"{row.head_share:.1%}",
            "–" if row.entropy is None else f"{row.entropy:.2f}",
            *(
                number
                for one in parts
                for number in (f"{one.gap:.1%}", "–" if one.least_ratio is None else f"{one.least_ratio:.2f}")
            ),
        )
    answers.print(shown)


def _tell_set_apart(report: EvaluationReport) -> None:
    """Places where shoppers see other lists than these, since somebody turned something while the shop serves."""
    if not report.set_apart:
        return
    places = "; ".join(
        f"{place}: {', '.join(f'{name} {_said(value)}' for name, value in settings.items())}"
        for place, settings in report.set_apart.items()
    )
    first = next(iter(report.set_apart))
    answers.print(
        f"\nnot in these numbers: what places are set to while the shop serves ({places}). Lists here are the ranker's "
        f"own; what such settings bring, `shelfwise tradeoff --scenario {first}` and the console's playground show",
        markup=False,
    )


def _said(value: Any) -> str:
    if isinstance(value, dict):
        weights = cast("dict[str, float]", value)
        return " ".join(f"{name}={worth:g}" for name, worth in weights.items()) or "as learned"
    return f"{value:g}" if isinstance(value, float) else str(value)


def show_off_policy(report: OffPolicyReport) -> None:
    """What the shop's order is worth with and without exploring."""
    answers.print(
        f"\n{report.n_slates:,} logged slates, {report.n_drawn:,} of them with something tried out, "
        f"{report.n_rewards:,} {report.reward}s"
    )
    shown = table("policy", "estimator", f"{report.reward}s a slate", "95 % interval", right=(2, 3))
    rows = [("as it is, exploring", "counted", report.logged)]
    rows += [("its order alone", name, value) for name, value in report.without_exploring.items()]
    for policy, estimator, found in rows:
        shown.add_row(policy, estimator, f"{found.value:.4f}", f"{found.low:.4f} – {found.high:.4f}")
    answers.print(shown)
    people.print(
        f"the log is worth {report.effective_slates:,.0f} slates of the order alone; largest weight "
        f"{report.largest_weight:.2f}",
        markup=False,
    )


def show_report(report: EvaluationReport) -> None:
    """The table, the comparison, the slices."""
    k = report.k
    answers.print(
        f"\n[bold]{report.protocol}[/]: {report.n_users:,} users, all {report.n_items:,} items ranked for each, "
        f"items had before {report.seen_items}\nasked: {report.asked}"
    )
    shown = table(
        "",
        f"NDCG@{k}",
        "95 % interval",
        f"Recall@{k}",
        f"Precision@{k}",
        f"MRR@{k}",
        "coverage",
        "Gini",
        "distance",
        "novelty",
        "tried",
        right=(1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
    )
    for row in report.rows:
        metrics = row.metrics
        shown.add_row(
            row.model,
            f"{metrics['ndcg'].mean:.4f}",
            f"{metrics['ndcg'].low:.4f} – {metrics['ndcg'].high:.4f}",
            f"{metrics['recall'].mean:.4f}",
            f"{metrics['precision'].mean:.4f}",
            f"{metrics['mrr'].mean:.4f}",
            f"{row.coverage:.1%}",
            f"{row.gini:.2f}",
            "–" if row.intra_list_distance is None else f"{row.intra_list_distance:.2f}",
            f"{row.novelty:.1f}",
            str(row.n_tried),
        )
    answers.print(shown)
    _show_exposure(report)
    ahead = report.comparison
    answers.print(
        f"against the best baseline ({ahead.against}): NDCG@{k} {ahead.relative:+.1%}, 95 % interval "
        f"{ahead.low:+.1%} to {ahead.high:+.1%}, p {'<' if ahead.p_value < 0.001 else '='} "
        f"{max(ahead.p_value, 0.001):.3f}"
    )
    parts = table("", "users", *(row.model for row in report.rows), title=f"\nNDCG@{k} by part", right=(1, 2, 3, 4, 5))
    for part in report.slices:
        parts.add_row(part.name, f"{part.n:,}", *(f"{part.ndcg[row.model]:.4f}" for row in report.rows))
    answers.print(parts)
    _tell_set_apart(report)
    if report.version is None:
        people.print(
            "\nkept with no version: none in service was trained as shop.toml says now; "
            "`shelfwise evaluate --version NAME` measures one",
            markup=False,
        )
    else:
        people.print(f"\nkept with {report.version}, for `shelfwise models compare`", markup=False)
