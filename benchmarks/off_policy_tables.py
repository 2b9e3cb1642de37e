"""The tables of what logs tell of other policies."""

from __future__ import annotations

from typing import Any

REAL_COLUMNS = ("campaign and estimator", "clicks a round", "95 % interval", "off by")
SIMULATED_COLUMNS = ("policy and estimator", "intervals with truth", "mean error", "root mean squared error")
REAL_TITLE = "Open Bandit, 10,000 rounds a log: Thompson sampling's clicks told from the log of any item alike"

Lines = list[list[str]]


def real_lines(found: list[dict[str, Any]]) -> Lines:
    """Each campaign: what the log brought, what is true, what is told."""

    def line(label: str, value: dict[str, Any]) -> list[str]:
        off = f"{value['relative_error']:.1%}" if "relative_error" in value else ""
        return [label, f"{value['value']:.5f}", f"{value['low']:.5f} to {value['high']:.5f}", off]

    lines: Lines = []
    for one in found:
        name = one["campaign"]
        lines.append(line(f"{name}: any item alike, the log itself", one["logged"]))
        lines.append(line(f"{name}: Thompson sampling, its own log", one["true"]))
        lines += [line(f"{name}: {estimator}", value) for estimator, value in one["estimates"].items()]
    return lines


def simulated_title(found: list[dict[str, Any]]) -> str:
    """What was simulated, in words."""
    costs = ", ".join(f"{one['policy']} {one['cost']:.1%}" for one in found)
    return (
        f"Our own exploration, a fifth of the positions tried out, {found[0]['n_logs']} logs of "
        f"{found[0]['n_slates']:,} slates: what the order alone would bring, told from each log. Exploring cost "
        f"({costs})"
    )


def simulated_lines(found: list[dict[str, Any]]) -> Lines:
    """How often the 95 % intervals hold the truth, and how far estimates are off."""
    return [
        [
            f"{one['policy']}: {estimator}",
            f"{value['held']:.0%}",
            f"{value['mean_error']:+.2%} ± {1.96 * value['mean_error_spread']:.2%}",
            f"{value['root_mean_squared_error']:.2%}",
        ]
        for one in found
        for estimator, value in one["estimates"].items()
    ]
