"""The trade-off as a picture (PNG) and as a page to look around in (HTML that needs no network)."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from shelfwise.errors import MissingExtraError
from shelfwise.evaluate.trade_offs import Point, TradeOffs

BELOW = "below it"


def draw(found: TradeOffs, folder: Path) -> list[Path]:
    """Write `tradeoff-SCENARIO.png` and `.html`.

    Raises:
        MissingExtraError: Altair or its converter is not installed.
    """
    try:
        altair = import_module("altair")
        import_module("vl_convert")  # what Altair makes pictures with
    except ImportError as cause:
        raise MissingExtraError(
            "altair is not installed", where="tradeoff", hint="pip install 'shelfwise[plots]', or leave out --output"
        ) from cause
    first, second = found.objectives
    lines: list[dict[str, Any]] = [
        {
            first: point.expected[first],
            second: point.expected[second],
            "weights": ", ".join(f"{name} {weight:.3g}" for name, weight in point.weights.items()),
            "point": _called(point),
            **{f"{name} of a slate": value for name, value in point.expected.items() if name not in found.objectives},
        }
        for point in found.points
    ]
    shown = altair.Chart(
        altair.Data(values=lines),
        title=f"{found.scenario}: what a slate of {found.k} brings, {found.n_requests} requests, {found.model_version}",
        width=560,
        height=380,
    )
    x = altair.X(f"{first}:Q", title=f"{first} expected of a slate").scale(zero=False)
    y = altair.Y(f"{second}:Q", title=f"{second} expected of a slate").scale(zero=False)
    front = (
        shown.transform_filter(f"datum.point != '{BELOW}'").mark_line(opacity=0.4).encode(x=x, y=y, order=f"{first}:Q")
    )
    marks = shown.mark_point(filled=True, size=90).encode(
        x=x,
        y=y,
        color=altair.Color("point:N", title=None),
        shape=altair.Shape("point:N", title=None),
        tooltip=[f"{name}:{'N' if isinstance(value, str) else 'Q'}" for name, value in lines[0].items()],
    )
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"tradeoff-{found.scenario}.{kind}" for kind in ("png", "html")]
    chart: Any = front + marks
    chart.save(str(paths[0]), scale_factor=2)
    chart.interactive().save(str(paths[1]), inline=True)
    return paths


def _called(point: Point) -> str:
    if point.is_default:
        return "the shop's own weights"
    return "on the front" if point.is_on_front else BELOW
