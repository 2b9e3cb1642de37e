"""The tables of what a server takes."""

from __future__ import annotations

from typing import Any

SERVING_COLUMNS = (
    "load",
    "answered a second",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "most ms",
    "failed",
    "CPU ms a request",
    "MiB",
)
LOADS = {
    "steady": "steady: home, item, cart, events",
    "batches": "events, 100 a request",
    "single": "events, one a request",
    "bare": "the bare framework",
}


def serving_title(found: dict[str, Any]) -> str:
    """One size of shop."""
    return (
        f"{found['n_items']:,} items, {found['n_users']:,} shoppers with history, {found['workers']} server processes, "
        f"ready after {found['ready_s']:g} s, its catalogue indexed after {found['searched_s']:g} s"
    )


def serving_lines(found: dict[str, Any]) -> list[list[str]]:
    """Every load, in the order of `SERVING_COLUMNS`."""
    lines: list[list[str]] = []
    for name, title in LOADS.items():
        one = found[name]
        took = one["took_ms"]["all"]
        failed = sum(n for status, n in one["statuses"].items() if status[0] != "2") + one["unanswered"]
        lines.append(
            [
                title,
                f"{one['sent'] / one['seconds']:,.0f}",
                *(f"{took[at]:,.1f}" for at in ("p50", "p95", "p99", "max")),
                str(failed),
                f"{one['server_cpu_ms_per_request']:.2f}",
                f"{one['server_mib']:,.0f}",
            ]
        )
    return lines


def serving_notes(found: dict[str, Any]) -> list[str]:
    """What the table does not say."""
    event, in_time = found["followed"], found.get("in_time")
    told = [] if in_time is None or in_time["plan"] == found["steady"]["plan"] else [_in_time(in_time)]
    return [
        *told,
        *([_hurried(found["hurried"])] if "hurried" in found else []),
        f"From the acknowledgement of an event to the first answer that knows it, beside the steady load: p50 "
        f"{event['p50']:.1f} ms, p99 {event['p99']:.1f} ms, the slowest of {event['n']} {event['max']:.1f} ms.",
        f"The bare framework, answering the same bytes from memory, takes {found['of_bare']:.0%} of our CPU a request. "
        f"The load itself took {found['steady']['cpu_s'] / found['steady']['seconds']:.2f} of the cores.",
    ]


def _hurried(found: dict[str, Any]) -> str:
    home, events, everything = (found["took_ms"][kind] for kind in ("home", "events", "all"))
    return (
        f"The steady load once more, with answers that may take 10 ms (`latency_budget_ms`): "
        f"{found['sent'] / found['seconds']:.0f} requests a second, home p50 {home['p50']:.1f} ms, p99 "
        f"{home['p99']:.1f} ms, events p99 {events['p99']:.1f} ms, all p99 {everything['p99']:.1f} ms; "
        f"{found['late_share']:.0%} of the answers left something out for that, and say so. "
        f"{found['server_cpu_ms_per_request']:.2f} ms of CPU a request."
    )


def _in_time(found: dict[str, Any]) -> str:
    took, plan = found["took_ms"]["all"], found["plan"]
    return (
        f"Less and less asked for, for {plan['seconds']:.0f} s each, until p99 was in time or too little was left: "
        f"{plan['recommend'] + plan['events']:.0f} requests a second, p50 {took['p50']:.1f} ms, p99 "
        f"{took['p99']:.1f} ms, at most {took['max']:.1f} ms, "
        f"{found['server_cpu_ms_per_request']:.2f} ms of CPU a request."
    )
