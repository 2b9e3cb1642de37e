"""What diversity costs as a picture (PNG) and as a page to look around in (HTML that needs no network)."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from shelfwise.errors import MissingExtraError
from shelfwise.evaluate.diversity import DiversityTradeOffs

PANELS = {
    "distance": "distance within a slate",
    "entropy": "entropy of categories, bits",
    "coverage": "share of the catalogue shown",
    "gini": "Gini of exposure",
}


def draw(found: DiversityTradeOffs, folder: Path) -> list[Path]:
    """Write `diversity-SCENARIO.png` and `.html`: NDCG against each of the four, a line per reranker.

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
    plain = found.settings[0]
    names = list(dict.fromkeys(one.reranker for one in found.settings[1:]))
    lines: list[dict[str, Any]] = []
    for name in names:
        for one in [plain, *(one for one in found.settings if one.reranker == name)]:
            marked = "suggested" if one == found.suggested else "knee" if one.is_knee else "setting"
            numbers = {key: None if (value := getattr(one, key)) != value else value for key in ("ndcg", *PANELS)}
            lines.append({"reranker": name, "diversity": one.diversity, "point": marked, **numbers})
    base = altair.Chart(altair.Data(values=lines), width=380, height=280)
    panels: list[Any] = []
    for key, title in PANELS.items():
        x = altair.X(f"{key}:Q", title=title).scale(zero=False)
        y = altair.Y("ndcg:Q", title=f"NDCG@{found.k}").scale(zero=False)
        colour = altair.Color("reranker:N", title=None, sort=names)
        line = base.mark_line(opacity=0.5).encode(x=x, y=y, color=colour, order="diversity:Q")
        marks = base.mark_point(filled=True, size=60).encode(
            x=x,
            y=y,
            color=colour,
            shape=altair.Shape("point:N", title=None, sort=["setting", "knee", "suggested"]),
            tooltip=["reranker:N", "diversity:Q", "ndcg:Q", *(f"{name}:Q" for name in PANELS)],
        )
        panels.append(line + marks)
    chart: Any = altair.vconcat(altair.hconcat(*panels[:2]), altair.hconcat(*panels[2:])).properties(
        title=f"{found.scenario}: what diversity costs, slates of {found.k}, {found.n_requests} held-out questions"
    )
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"diversity-{found.scenario}.{kind}" for kind in ("png", "html")]
    chart.save(str(paths[0]), scale_factor=2)
    chart.save(str(paths[1]), inline=True)
    return paths
