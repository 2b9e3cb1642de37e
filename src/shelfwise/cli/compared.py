"""What `shelfwise models compare` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from shelfwise.cli.output import answers, people, table

if TYPE_CHECKING:
    from shelfwise.evaluate.compare import Column, VersionComparison

UNKNOWN = "–"
SHOWN = ("ndcg", "recall", "precision", "mrr", "hit_rate")
WORDS = {"ndcg": "NDCG", "recall": "Recall", "precision": "Precision", "mrr": "MRR", "hit_rate": "hit rate"}


def show_comparison(found: VersionComparison) -> None:
    """One column per version; then what differs, what was measured, and what is certain."""
    columns = found.columns
    names = [column.version for column in columns]
    right = tuple(range(1, len(names) + 1))
    about = table("", *names, right=right)
    for label, values in _about(columns):
        about.add_row(label, *values)
    answers.print(about)
    if found.configuration:
        configuration = table("shop.toml", *names, title="\nConfiguration, where it differs", right=right)
        for key, values in found.configuration.items():
            configuration.add_row(escape(key), *(escape(_plain(value)) for value in values))
        answers.print(configuration)
    else:
        answers.print("\nThe configuration is the same.")
    if any(column.measured for column in columns):
        measured = table("", *names, title="\nMeasured, with 95 % intervals over users", right=right)
        for label, values in _measured(columns):
            measured.add_row(label, *values)
        answers.print(measured)
    for one in found.differences:
        relative = "" if one.relative is None else f" ({one.relative:+.1%})"
        corrected = "" if len(found.differences) == 1 else f", corrected for {len(found.differences)} comparisons"
        answers.print(
            f"\n{one.version} against {one.against}, the same {one.n_users:,} users: {WORDS[one.metric]} "
            f"{one.mean:+.4f}{relative}, 95 % interval {one.low:+.4f} to {one.high:+.4f}, "
            f"p {'<' if one.p_adjusted < 0.001 else '='} {max(one.p_adjusted, 0.001):.3f}{corrected}",
            markup=False,
        )
    if found.overlap is not None:
        answers.print("")
        for pair in found.overlap:
            answers.print(
                f"the lists of {pair.k} that {pair.a} and {pair.b} show {pair.n_users:,} users today share "
                f"{pair.jaccard:.0%} of their items (mean Jaccard)",
                markup=False,
            )
    for note in found.notes:
        people.print(f"\n{note}", markup=False, soft_wrap=True)


def _about(columns: list[Column]) -> list[tuple[str, list[str]]]:
    stages = list(dict.fromkeys(stage for column in columns for stage in column.seconds_by_stage))
    rows = [
        ("in service", ["yes" if column.in_service else "" for column in columns]),
        ("trained", [_plain(column.created_at) for column in columns]),
        ("shelfwise", [_plain(column.shelfwise) for column in columns]),
    ]
    if any(column.commit for column in columns):
        rows.append(("commit", [_plain(column.commit) for column in columns]))
    for label, key in (
        ("events", "n_events"),
        ("items", "n_items"),
        ("users", "n_users"),
        ("last event", "last_event_at"),
    ):
        rows.append((label, [_plain(column.data.get(key)) for column in columns]))
    rows.append(("training, s", [_seconds(column.seconds) for column in columns]))
    for stage in stages:
        rows.append((f"  {stage}", [_seconds(column.seconds_by_stage.get(stage)) for column in columns]))
    return rows


def _measured(columns: list[Column]) -> list[tuple[str, list[str]]]:
    def each(value: Any) -> list[str]:
        return [UNKNOWN if column.measured is None else value(column.measured) for column in columns]

    rows = [
        ("asked", each(lambda one: f"{one.protocol}, lists of {one.k}")),
        ("users", each(lambda one: f"{one.n_users:,}")),
    ]
    for metric in SHOWN:
        rows.append((WORDS[metric], each(lambda one, metric=metric: _estimate(one, metric))))
    return rows


def _estimate(measured: Any, metric: str) -> str:
    found = measured.metrics[metric]
    return f"{found['mean']:.4f}, {found['low']:.4f} – {found['high']:.4f}"


def _seconds(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.1f}"


def _plain(value: Any) -> str:
    if value is None or value == "":
        return UNKNOWN
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
