"""The tables of what was found: for the terminal, and in `docs/benchmarks.md` from the committed results.

python benchmarks/tables.py            write the tables between their marks in docs/benchmarks.md
python benchmarks/tables.py --check    exit code 1 where the page does not show what the results say
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from continual_tables import QUALITY_COLUMNS, TRAINING_COLUMNS, growth_title, quality_lines, training_lines
from goal_tables import (
    BALANCE_COLUMNS,
    RETAIL_COLUMNS,
    balance_lines,
    balance_title,
    retail_lines,
    retail_notes,
    retail_title,
)
from goals.shown_tables import shown_tables
from network_tables import SEARCH_COLUMNS, rows_provenance, search_lines, search_title
from off_policy_tables import (
    REAL_COLUMNS,
    REAL_TITLE,
    SIMULATED_COLUMNS,
    real_lines,
    simulated_lines,
    simulated_title,
)
from offer_tables import (
    ANSWER_COLUMNS,
    CHANCE_COLUMNS,
    PLAN_COLUMNS,
    answer_lines,
    answer_title,
    chance_lines,
    plan_lines,
)
from record import RESULTS, ROOT
from serving_tables import SERVING_COLUMNS, serving_lines, serving_notes, serving_title

PAGE = ROOT / "docs" / "benchmarks.md"
WHOLE = "whole request"
STAGE_COLUMNS = ("stage", "p50 µs", "p99 µs", "share", "at least")
ALONE_COLUMNS = STAGE_COLUMNS[:3]
PICTURE_COLUMNS = ("predicted", "by nearest", "k", "validation", "test", "95 % interval")
COST_COLUMNS = ("command", "seconds", "CPU seconds", "peak MiB")

Lines = list[list[str]]


def size_title(found: dict[str, Any]) -> str:
    """What one size's funnel was measured on, in words."""
    return (
        f"{found['n_items']:,} items, {found['n_events']:,} events of {found['n_users']:,} shoppers; "
        f"{found['n_candidates_p50']} candidates a request, {found['n_trees']} trees"
    )


def stage_lines(found: dict[str, Any]) -> Lines:
    """One size's stages, in the order of `STAGE_COLUMNS`; shares are of the stages' summed medians."""
    summed = sum(row["p50_us"] for row in found["stages"] if row["stage"] != WHOLE)
    return [
        [
            row["stage"],
            f"{row['p50_us']:,.0f}",
            f"{row['p99_us']:,.0f}",
            "" if row["stage"] == WHOLE else f"{row['p50_us'] / summed:.0%}",
            row["floor"],
        ]
        for row in found["stages"]
    ]


def alone_title(found: dict[str, Any]) -> str:
    """What the stage that is measured on its own was given, in words."""
    return (
        f"The sequence retriever's network on its own, one thread: {found['n_events']} events, {found['dim']} "
        f"dimensions, {found['n_blocks']} blocks"
    )


def alone_lines(found: dict[str, Any]) -> Lines:
    """The stage that is measured on its own, in the order of `ALONE_COLUMNS`."""
    return [[found["stage"], f"{found['p50_us']:,.0f}", f"{found['p99_us']:,.0f}"]]


SLATE_TITLE = "The rerankers on their own, one thread: 100 candidates of 64 dimensions to a slate of 20"


def slate_lines(found: list[dict[str, Any]]) -> Lines:
    """The rerankers, in the order of `ALONE_COLUMNS`."""
    return [[one["stage"], f"{one['p50_us']:,.0f}", f"{one['p99_us']:,.0f}"] for one in found]


def rules_title() -> str:
    """What the rules that are measured on their own were given, in words."""
    return "The merchandiser's rules on their own, one thread: those that hold for the request found and applied"


def rules_lines(found: list[dict[str, Any]]) -> Lines:
    """Rules at every size of catalogue, in the order of `ALONE_COLUMNS`."""
    return [[one["stage"], f"{one['p50_us']:,.0f}", f"{one['p99_us']:,.0f}"] for one in found]


def evaluation_title(found: dict[str, Any]) -> str:
    """What one data set was asked, in words."""
    evaluation = found["evaluation"]
    return (
        f"{found['title']}, {evaluation['protocol']}: {evaluation['n_users']:,} users, all "
        f"{evaluation['n_items']:,} items ranked for each, items had before {evaluation['seen_items']}"
    )


def model_columns(evaluation: dict[str, Any]) -> list[str]:
    """Headings of `model_lines`."""
    k = evaluation["k"]
    return ["", f"NDCG@{k}", "95 % interval", f"Recall@{k}", "95 % interval", "coverage", "Gini", "tried", "fit s"]


def model_lines(evaluation: dict[str, Any]) -> Lines:
    """Ours first, then the baselines, best first."""
    lines: Lines = []
    for row in evaluation["rows"]:
        ndcg, recall = row["metrics"]["ndcg"], row["metrics"]["recall"]
        lines.append(
            [
                row["model"],
                f"{ndcg['mean']:.4f}",
                f"{ndcg['low']:.4f} – {ndcg['high']:.4f}",
                f"{recall['mean']:.4f}",
                f"{recall['low']:.4f} – {recall['high']:.4f}",
                f"{row['coverage']:.1%}",
                f"{row['gini']:.2f}",
                str(row["n_tried"]),
                f"{row['fit_s']:.1f}",
            ]
        )
    return lines


def ahead(evaluation: dict[str, Any]) -> str:
    """The comparison with the best baseline, in words."""
    found = evaluation["comparison"]
    return (
        f"Against the best baseline ({found['against']}): NDCG@{evaluation['k']} {found['relative']:+.1%}, "
        f"95 % interval {found['low']:+.1%} to {found['high']:+.1%}"
    )


def cost_lines(found: dict[str, Any]) -> Lines:
    """What each command took, in the order of `COST_COLUMNS`."""
    return [
        [f"shelfwise {command}", f"{cost['seconds']:.1f}", f"{cost['cpu_s']:.1f}", f"{cost['peak_mib']:.0f}"]
        for command, cost in found["commands"].items()
    ]


def peer_title(found: dict[str, Any]) -> str:
    """What one exam of the comparison asked, in words."""
    return (
        f"{found['data']}, {found['protocol']}: {found['n_questions']:,} users, all {found['n_items']:,} items ranked "
        f"for each, items had before {found['seen_items']}"
    )


PEER_COLUMNS = (
    *("", "NDCG@10", "95 % interval", "Recall@10", "95 % interval", "Recall@20", "MRR@10"),
    *("ours ahead", "95 % interval", "p (Holm)", "tried", "encode CPU s", "fit CPU s", "tune CPU s", "ask CPU s"),
)


def peer_lines(found: dict[str, Any]) -> Lines:
    """Ours first, then the others, best first, in the order of `PEER_COLUMNS`."""
    lines: Lines = []
    for model in found["models"]:
        metrics, seconds, ahead = model["metrics"], model["seconds"], model.get("ours_ahead")
        ndcg, recall = metrics["ndcg@10"], metrics["recall@10"]
        n_seeds = len(model["seeds"])
        lines.append(
            [
                model["model"] + (f", mean of {n_seeds} seeds ± {ndcg['seed_deviation']:.4f}" if n_seeds > 1 else ""),
                f"{ndcg['mean']:.4f}",
                f"{ndcg['low']:.4f} – {ndcg['high']:.4f}",
                f"{recall['mean']:.4f}",
                f"{recall['low']:.4f} – {recall['high']:.4f}",
                f"{metrics['recall@20']['mean']:.4f}",
                f"{metrics['mrr@10']['mean']:.4f}",
                *(
                    ("", "", "")
                    if ahead is None
                    else (
                        f"{ahead['relative']:+.1%}",
                        f"{ahead['low']:+.1%} to {ahead['high']:+.1%}",
                        f"{ahead['p_holm']:.4f}",
                    )
                ),
                str(model["n_tried"]),
                *(f"{seconds[name]['cpu']:,.1f}" for name in ("encode", "fit", "tune", "ask")),
            ]
        )
    return lines


def peer_notes(found: dict[str, Any]) -> list[str]:
    """The settings that tuning chose, and what else must be known of a line."""
    notes: list[str] = []
    for model in found["models"]:
        settings = ", ".join(f"{name} {value}" for name, value in model["settings"].items())
        parts = [part for part in (settings, model["note"]) if part]
        if parts:
            notes.append(f"{model['model']}: {'; '.join(parts)}.")
    return notes


def peer_provenance(found: dict[str, Any]) -> str:
    """When, where and with what the rows of one exam were made."""
    made = found["provenance"]
    days = sorted({made["from"][:10], made["to"][:10]})
    libraries = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    commits = ", ".join(f"`{commit}`" for commit in made["commits"])
    threads = sorted({model["n_threads"] for model in found["models"]})
    return (
        f"Rows of {' to '.join(days)}, commits {commits}, {' and '.join(made['machines'])}, "
        f"{' or '.join(map(str, threads))} thread(s) each; {libraries}."
    )


def picture_title(found: dict[str, Any]) -> str:
    """What one setting is, in words."""
    train, validation, test = found["n"]
    return (
        f"{found['title'].capitalize()}: accuracy on {test:,} test products by neighbours among {train:,}, "
        f"k chosen on {validation:,}"
    )


def picture_lines(found: dict[str, Any]) -> Lines:
    """One setting's accuracies, in the order of `PICTURE_COLUMNS`."""
    return [
        [
            row["label"],
            row["by"],
            str(row["k"]),
            f"{row['validation']:.4f}",
            f"{row['accuracy']:.4f}",
            f"{row['low']:.4f} – {row['high']:.4f}",
        ]
        for row in found["rows"]
    ]


def picture_notes(found: dict[str, Any]) -> list[str]:
    """How far fused vectors are ahead, and what encoding took."""
    notes = [
        f"{one['label']}, fused over {one['against']}: {one['difference']:+.4f}, 95 % interval {one['low']:+.4f} to "
        f"{one['high']:+.4f}, p = {one['p_holm']:.4f} (paired sign flips, Holm)."
        for one in found["comparisons"]
    ]
    report = found["report"]
    if report["encoded"]:
        notes.append(f"{report['encoded']:,} pictures encoded in {found['encode_s']:,.0f} CPU seconds.")
    return notes


OBJECTIVE_COLUMNS = (
    "",
    "NDCG@10",
    "95 % interval",
    "Recall@10",
    "± seeds",
    "ours ahead",
    "95 % interval",
    "p (Holm)",
    "CPU s",
)


def objective_title(found: dict[str, Any]) -> str:
    """Who was asked what."""
    return (
        f"retailrocket, {found['asked']}: {found['n_questions']:,} questions of {found['n_users']:,} users, all "
        f"{found['n_items']:,} items ranked; {found['reachable']:.1%} of the answers are among the candidates; "
        f"200 candidates through all objectives take {found['call_ms']:.2f} ms"
    )


def objective_lines(found: dict[str, Any]) -> Lines:
    """One line per ranker, best first."""
    lines: Lines = []
    for line in found["lines"]:
        ahead = line.get("ours_ahead")
        lines.append(
            [
                line["model"],
                f"{line['ndcg'][0]:.4f}",
                f"{line['ndcg'][1]:.4f} – {line['ndcg'][2]:.4f}",
                f"{line['recall'][0]:.4f}",
                f"{line['over_seeds']:.4f}",
                "" if ahead is None else f"{ahead[0]:+.1%}",
                "" if ahead is None else f"{ahead[1]:+.1%} to {ahead[2]:+.1%}",
                "" if ahead is None else f"{line['p_holm']:.4f}",
                f"{sum(line['seconds']) / len(line['seconds']):.0f}",
            ]
        )
    return lines


def objective_notes(found: dict[str, Any]) -> list[str]:
    """What each ranker's tuning chose, by seed."""
    return [f"{line['model']}: {'; '.join(line['chosen'])}." for line in found["lines"]]


def objectives_section(document: dict[str, Any]) -> str:
    """What `objectives.py` found."""
    parts = [provenance(document)]
    for found in document["results"].values():
        parts += [
            f"{objective_title(found)}:",
            markdown(OBJECTIVE_COLUMNS, objective_lines(found)),
            "\n".join(f"- {note}" for note in objective_notes(found)),
        ]
    return "\n\n".join([*parts, promises(document)])


EXPOSURE_COLUMNS = (
    "terms",
    "seeds",
    "NDCG@10, validation",
    "NDCG@10",
    "plain",
    "against plain",
    "95 % interval",
    "Gini",
    "plain",
    "against plain",
    "items shown",
)


def exposure_lines(lines: list[dict[str, Any]]) -> Lines:
    """One line per setting of the training, as measured on the test part, beside the plain one with the same seeds."""
    return [
        [
            line["setting"],
            f"{line['seeds']}",
            f"{line['validation_ndcg_change']:+.1%}",
            f"{line['ndcg']:.4f}",
            f"{line['plain_ndcg']:.4f}",
            f"{line['ndcg_change'][0]:+.1%}",
            f"{line['ndcg_change'][1]:+.1%} to {line['ndcg_change'][2]:+.1%}",
            f"{line['gini']:.3f}",
            f"{line['plain_gini']:.3f}",
            f"{line['gini_change']:+.1%}",
            f"{line['shown']:,}",
        ]
        for line in lines
    ]


def retail_section(document: dict[str, Any]) -> str:
    """What `objectives.py --data online-retail` found."""
    found = document["results"]["online-retail"]
    return "\n\n".join(
        [
            provenance(document),
            f"{retail_title(found)}:",
            markdown(RETAIL_COLUMNS, retail_lines(found)),
            "\n".join(f"- {note}" for note in retail_notes(found)),
            promises(document),
        ]
    )


def balances_section(document: dict[str, Any]) -> str:
    """What `balances.py` found."""
    parts = [provenance(document)]
    for found in document["results"].values():
        parts += [f"{balance_title(found)}:", markdown(BALANCE_COLUMNS, balance_lines(found))]
    return "\n\n".join(parts)


def show(console: Console, title: str, columns: Sequence[str], lines: Lines) -> None:
    """A table on the terminal; every column but words is a number."""
    console.print(f"\n[bold]{title}[/]")
    table = Table(box=None, header_style="dim", pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if _is_number(place, columns) else "left")
    for line in lines:
        table.add_row(*line)
    console.print(table)


def markdown(columns: Sequence[str], lines: Lines) -> str:
    """A table on the page."""
    rule = ["---:" if _is_number(place, columns) else "---" for place in range(len(columns))]
    return "\n".join(f"| {' | '.join(line)} |" for line in ([*columns], rule, *lines))


def _is_number(place: int, columns: Sequence[str]) -> bool:
    return place > 0 and columns[place] not in ("at least", "verdict", "by nearest")


def funnel_section(document: dict[str, Any]) -> str:
    """The page's part on the funnel."""
    parts = [provenance(document)]
    for found in document["results"]["sizes"]:
        parts += [f"{size_title(found)}:", markdown(STAGE_COLUMNS, stage_lines(found))]
    if "alone" in document["results"]:
        alone = document["results"]["alone"]
        parts += [f"{alone_title(alone)}:", markdown(ALONE_COLUMNS, alone_lines(alone))]
    if slates := document["results"].get("slates"):
        parts += [f"{SLATE_TITLE}:", markdown(ALONE_COLUMNS, slate_lines(slates))]
    if "rules" in document["results"]:
        parts += [f"{rules_title()}:", markdown(ALONE_COLUMNS, rules_lines(document["results"]["rules"]))]
    return "\n\n".join([*parts, promises(document)])


def serving_section(document: dict[str, Any]) -> str:
    """The page's part on what a server takes."""
    parts = [provenance(document)]
    for found in document["results"]["sizes"]:
        parts += [
            f"{serving_title(found)}:",
            markdown(SERVING_COLUMNS, serving_lines(found)),
            "\n".join(f"- {note}" for note in serving_notes(found)),
        ]
    return "\n\n".join([*parts, promises(document)])


def accuracy_section(document: dict[str, Any]) -> str:
    """The page's part on accuracy."""
    parts = [provenance(document)]
    for found in document["results"].values():
        evaluation = found["evaluation"]
        parts += [
            f"{evaluation_title(found)}:",
            markdown(model_columns(evaluation), model_lines(evaluation)),
            f"{ahead(evaluation)}.",
            markdown(COST_COLUMNS, cost_lines(found)),
        ]
    return "\n\n".join([*parts, promises(document)])


def peers_section(document: dict[str, Any]) -> str:
    """The page's part on ours beside other recommenders."""
    parts: list[str] = []
    for found in document["results"].values():
        parts += [
            f"{peer_title(found)}. Asked is {found['asked']}:",
            markdown(PEER_COLUMNS, peer_lines(found)),
            "\n".join(f"- {note}" for note in peer_notes(found)),
            peer_provenance(found),
        ]
    if document["promises"]:
        parts.append(promises(document))
    return "\n\n".join(parts)


def pictures_section(document: dict[str, Any]) -> str:
    """The page's part on pictures."""
    parts = [provenance(document)]
    for found in document["results"].values():
        parts += [
            f"{picture_title(found)}:",
            markdown(PICTURE_COLUMNS, picture_lines(found)),
            "\n".join(f"- {note}" for note in picture_notes(found)),
        ]
    return "\n\n".join([*parts, promises(document)])


def provenance(document: dict[str, Any]) -> str:
    """Where, when and on what."""
    machine, versions = document["machine"], document["versions"]
    libraries = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"{document['date'][:10]}, commit `{document['commit']}`, {machine['cores']} cores of {machine['cpu']}, "
        f"{machine['memory_gib']} GiB, load {machine['load_at_start']} at the start; {libraries}."
    )


def promises(document: dict[str, Any]) -> str:
    """Every promised number with its verdict."""
    return markdown(
        ("promised", "value", "bar", "verdict"),
        [
            [
                found["name"].replace("-", " "),
                f"{found['value']:.4g}",
                f"{found['side']} {found['bar']:.4g}",
                "ok" if found["kept"] else "**short**",
            ]
            for found in document["promises"]
        ],
    )


def continual_section(document: dict[str, Any]) -> str:
    """The page's part on continuing a model version."""
    parts = [provenance(document)]
    for name, found in document["results"].items():
        parts += [
            f"{growth_title(name, found)}:",
            *([provenance(found["ran"])] if "ran" in found else []),
            markdown(QUALITY_COLUMNS, quality_lines(found)),
            markdown(TRAINING_COLUMNS, training_lines(found)),
        ]
    return "\n\n".join([*parts, promises(document)])


ABLATION_COLUMNS = ("", "NDCG@10", "95 % interval", "Recall@10", "against", "gain", "95 % interval", "p", "fit CPU s")


def ablation_lines(found: dict[str, Any]) -> Lines:
    """The steps in their order, in the order of `ABLATION_COLUMNS`."""
    lines: Lines = []
    for step in found["steps"]:
        ndcg, gain = step["ndcg@10"], step["gain"]
        lines.append(
            [
                step["title"],
                f"{ndcg['mean']:.4f}",
                f"{ndcg['low']:.4f} – {ndcg['high']:.4f}",
                f"{step['recall@10']['mean']:.4f}",
                *(
                    ("", "", "", "")
                    if gain is None
                    else (
                        gain["against"],
                        f"{gain['relative']:+.1%}",
                        f"{gain['low']:+.1%} to {gain['high']:+.1%}",
                        f"{gain['p']:.4f}",
                    )
                ),
                f"{step['fit_cpu_s']:,.0f}",
            ]
        )
    return lines


def ablation_section(document: dict[str, Any]) -> str:
    """The page's part on what each step adds."""
    parts = [provenance(document)]
    for title, found in document["results"].items():
        parts += [f"{title}, {found['n_questions']:,} users:", markdown(ABLATION_COLUMNS, ablation_lines(found))]
    return "\n\n".join(parts)


BASKET_COLUMNS = (
    *("", "Recall@10", "95 % interval", "NDCG@10", "95 % interval", "ours ahead in Recall@10", "95 % interval"),
    *("p (Holm)", "validation", "tried", "fit CPU s"),
)


def basket_title(found: dict[str, Any]) -> str:
    """What the completion of baskets asked, in words."""
    return (
        f"{found['n_questions']:,} items hidden from the baskets of {found['n_households']:,} households in the last "
        f"{found['window_d']:g} days, all {found['n_items']:,} items ranked for each; settings chosen on "
        f"{found['n_validation']:,} of the {found['window_d']:g} days before"
    )


def basket_lines(found: dict[str, Any]) -> Lines:
    """Ours first, then the others, best first, in the order of `BASKET_COLUMNS`."""
    ahead = {one["against"]: one for one in found["comparisons"]}
    lines: Lines = []
    for row in [found["rows"][0], *sorted(found["rows"][1:], key=lambda row: -row["recall"]["mean"])]:
        recall, ndcg, one = row["recall"], row["ndcg"], ahead.get(row["model"])
        lines.append(
            [
                row["model"],
                f"{recall['mean']:.4f}",
                f"{recall['low']:.4f} – {recall['high']:.4f}",
                f"{ndcg['mean']:.4f}",
                f"{ndcg['low']:.4f} – {ndcg['high']:.4f}",
                *(
                    ("", "", "")
                    if one is None
                    else (
                        f"{one['recall']['difference']:+.4f}",
                        f"{one['recall']['low']:+.4f} to {one['recall']['high']:+.4f}",
                        f"{one['recall']['p_holm']:.4f}",
                    )
                ),
                f"{row['validation']['recall']:.4f}",
                str(row["n_tried"]),
                f"{row['fit_cpu_s']:.1f}",
            ]
        )
    return lines


def basket_notes(found: dict[str, Any]) -> list[str]:
    """The settings that were chosen, and what nobody can know."""
    notes = [
        f"{row['model']}: {', '.join(f'{name} {value}' for name, value in row['setting'].items())}."
        for row in found["rows"]
    ]
    notes.append(
        f"{found['n_unseen'] / found['n_questions']:.0%} of the hidden items were never bought before the window; "
        f"{found['other_kind_share']:.0%} are of another kind than everything else in their basket."
    )
    return notes


def overlap_note(found: dict[str, Any]) -> str:
    """How far alternatives and complements are the same, in words."""
    return (
        f"Alternatives and complements of {found['n_items']:,} items, {found['k']} of each: {found['overlap']:.1%} in "
        f"common (by construction none, where categories tell kinds apart); with all categories taken away "
        f"{found['overlap_without_categories']:.1%}."
    )


def baskets_section(document: dict[str, Any]) -> str:
    """The page's part on baskets."""
    found = document["results"]["completion"]
    notes = basket_notes(found)
    if "overlap" in document["results"]:
        notes.append(overlap_note(document["results"]["overlap"]))
    return "\n\n".join(
        [
            provenance(document),
            f"{basket_title(found)}:",
            markdown(BASKET_COLUMNS, basket_lines(found)),
            "\n".join(f"- {note}" for note in notes),
            promises(document),
        ]
    )


DIVERSITY_COLUMNS = (
    "",
    "diversity",
    "NDCG@10",
    "distance",
    "by raw texts",
    "coverage",
    "off the user's mix",
    "Gini",
    "volume",
    "largest fall",
)


def diversity_title(name: str, found: dict[str, Any]) -> str:
    """Who was asked, and what the ranker's own slates are like."""
    own = found["ranker"]
    return (
        f"{name}: {found['n_test']:,} test questions, at the setting of which {found['n_validation']:,} of the "
        f"validation are sure that it costs at most 3 % of NDCG@10; being seldom shown weighs "
        f"{found['seldom_weight']:.2f}. The ranker's own: "
        f"NDCG {own['ndcg']:.4f}, distance {own['distance']:.3f}, by raw texts {own['distance_raw']:.3f}, coverage "
        f"{own['coverage']:.1%}, off the user's mix {own['miscalibration']:.2f}, Gini {own['gini']:.3f}"
    )


def ceiling_note(found: dict[str, Any]) -> str:
    """How far from each other the items of a slate could be at most, relative to the ranker's own."""
    gains = {
        (kind, who): f"{of_kind[who] / of_kind['own'] - 1:+.1%}"
        for kind, of_kind in found["ceilings"].items()
        for who in ("alone", "knowing")
    }
    return (
        f"The furthest slates found of the best hundred gain {gains['whitened', 'alone']} of distance "
        f"({gains['raw', 'alone']} by raw texts), relevance apart; with every right answer of the ranker's slate kept, "
        f"which nobody can know, {gains['whitened', 'knowing']} ({gains['raw', 'knowing']})."
    )


def diversity_lines(found: dict[str, Any]) -> Lines:
    """Everybody, in the order of `DIVERSITY_COLUMNS`."""
    lines: Lines = []
    for row in found["contenders"]:
        at = row["at_most_3_percent"]
        gains = [
            f"{at[key]['relative']:+.1%} ({at[key]['low']:+.1%} to {at[key]['high']:+.1%})"
            for key in ("ndcg", "distance", "distance_raw", "coverage", "miscalibration")
        ]
        numbers = [f"{at['means']['gini']:.3f}", f"{row['hypervolume']:.4f}", f"{row['largest_fall']:.4f}"]
        lines.append([row["contender"], f"{at['diversity']:.2f}", *gains, *numbers])
    return lines


def diversity_section(document: dict[str, Any]) -> str:
    """The page's part on what diversity costs."""
    parts = [provenance(document)]
    for name, found in document["results"].items():
        parts += [
            f"{diversity_title(name, found)}:",
            markdown(DIVERSITY_COLUMNS, diversity_lines(found)),
            ceiling_note(found),
        ]
    return "\n\n".join([*parts, promises(document)])


def off_policy_section(document: dict[str, Any]) -> str:
    """The page's part on what logs tell of other policies."""
    parts = [provenance(document)]
    if "open_bandit" in document["results"]:
        parts += [f"{REAL_TITLE}:", markdown(REAL_COLUMNS, real_lines(document["results"]["open_bandit"]))]
    found = document["results"]["simulated"]
    parts += [f"{simulated_title(found)}:", markdown(SIMULATED_COLUMNS, simulated_lines(found))]
    return "\n\n".join([*parts, promises(document)])


def exposure_section(document: dict[str, Any]) -> str:
    """The page's part on diversity in training."""
    parts: list[str] = []
    for title, found in document["results"].items():
        parts += [
            rows_provenance(found["rows"]) if "rows" in found else provenance(document),
            f"{title}, the sequence network alone; chosen on validation: {found['chosen']}:",
            markdown(EXPOSURE_COLUMNS, exposure_lines(found["lines"])),
        ]
    return "\n\n".join([*parts, promises(document)])


def network_search_section(document: dict[str, Any]) -> str:
    """The page's part on settings of the network."""
    found = document["results"]
    return "\n\n".join(
        [rows_provenance(found["rows"]), f"{search_title(found)}:", markdown(SEARCH_COLUMNS, search_lines(found))]
    )


def shown_section(document: dict[str, Any]) -> str:
    """The page's part on lists that were shown."""
    parts = [provenance(document)]
    for title, columns, lines in shown_tables(document["results"]["trivago"]):
        parts += [f"{title}:", markdown(columns, lines)]
    return "\n\n".join([*parts, promises(document)])


def offers_section(document: dict[str, Any]) -> str:
    """The page's part on offers."""
    results, parts = document["results"], [provenance(document)]
    for name in ("validation", "test"):
        parts += [f"{answer_title(name, results[name])}:", markdown(ANSWER_COLUMNS, answer_lines(results[name]))]
    parts += [markdown(CHANCE_COLUMNS, chance_lines(results)), markdown(PLAN_COLUMNS, plan_lines(results))]
    return "\n\n".join([*parts, promises(document)])


SECTIONS = {
    "offers": offers_section,
    "exposure": exposure_section,
    "network-search": network_search_section,
    "objectives-trivago": shown_section,
    "objectives-trivago-scenarios": shown_section,
    "diversity": diversity_section,
    "baskets": baskets_section,
    "off_policy": off_policy_section,
    "funnel": funnel_section,
    "serving": serving_section,
    "accuracy": accuracy_section,
    "peers": peers_section,
    "pictures": pictures_section,
    "continual": continual_section,
    "ablation": ablation_section,
    "objectives": objectives_section,
    "objectives-online-retail": retail_section,
    "balances": balances_section,
}


def page(text: str) -> str:
    """The page with each marked part made anew from the results file that the mark names."""

    def part(found: re.Match[str]) -> str:
        document = json.loads((RESULTS / found["file"]).read_text(encoding="utf-8"))
        made = SECTIONS[document["benchmark"]](document)
        return f"<!-- results {found['file']} -->\n\n{made}\n\n<!-- end -->"

    return re.sub(r"<!-- results (?P<file>\S+) -->.*?<!-- end -->", part, text, flags=re.DOTALL)


def main() -> int:
    """Write the page, or hold it against the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where the page is stale")
    options = parser.parse_args()
    before = PAGE.read_text(encoding="utf-8")
    after = page(before)
    if options.check:
        print("the page shows the results" if after == before else "the page is stale: run benchmarks/tables.py")
        return int(after != before)
    PAGE.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
