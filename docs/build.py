"""Make the pages and pictures that follow from the code and from a demo's results.

    python docs/build.py                       docs/configuration.md
    python docs/build.py --demo results.json   docs/images/demo.svg too, from `shelfwise demo --no-serve --json`

A test holds `docs/configuration.md` against what this makes.
"""

from __future__ import annotations

import argparse
import json
from html import escape
from pathlib import Path
from typing import Any

from shelfwise import plugins
from shelfwise.config.draft import render_component
from shelfwise.config.ingest import EventsSpec, IngestSpec, ItemsSpec
from shelfwise.config.shop import ShopConfig
from shelfwise.encode import BUILTIN as TEXT_ENCODERS
from shelfwise.encode.pictures import BUILTIN as PICTURE_ENCODERS
from shelfwise.rerank import BUILTIN as RERANKERS
from shelfwise.shop.draft import drafted, manual
from shelfwise.track import BUILTIN as TRACKERS

DOCS = Path(__file__).parent

INTRODUCTION = """\
# All keys of shop.toml

This page is generated from the code by `docs/build.py`. `shelfwise init` drafts the same file with your own
columns in it.

```toml
"""


INSTEAD = """
## Components that may stand instead

A table's `use` names its component. These come with Shelfwise, beside those above; what an option left out means
stands there.

```toml
"""


def configuration() -> str:
    """The reference page."""
    example = drafted(IngestSpec(items=ItemsSpec(path="products.csv"), events=EventsSpec(path="events.csv")))
    return f"{INTRODUCTION}{manual(example)}```\n{INSTEAD}{alternatives()}```\n"


def alternatives() -> str:
    """Every built-in encoder, tracker and reranker that the drafted file does not name."""
    usual = ShopConfig(version=1)
    tables = [
        render_component(path, use, plugins.resolve(kind, use, builtin, where="use"))
        for kind, path, builtin, spec in (
            ("encoder", "encode.text", TEXT_ENCODERS, usual.encode.text),
            ("picture_encoder", "encode.image", PICTURE_ENCODERS, usual.encode.image),
            ("tracker", "track", TRACKERS, usual.track),
            ("reranker", "rerank.diverse", RERANKERS, usual.rerank["diverse"]),
        )
        for use in builtin
        if use != spec.use
    ]
    return "\n".join(tables)


def picture(evaluation: dict[str, Any]) -> str:
    """NDCG of ours and of the baselines, with intervals, as SVG."""
    rows, k = evaluation["rows"], evaluation["k"]
    highest = max(row["metrics"]["ndcg"]["high"] for row in rows)
    width, left, line, top = 760, 130, 40, 64
    scale = (width - left - 130) / highest
    height = top + line * len(rows) + 44
    style = (
        "text{font:14px system-ui,sans-serif;fill:#1f2937}.t{font-size:17px;font-weight:600}"
        ".s{fill:#6b7280;font-size:12px}"
        "@media(prefers-color-scheme:dark){text{fill:#e5e7eb}.s{fill:#9ca3af}}"
    )
    title = f"Who finds what customers buy next? NDCG@{k}, higher is better"
    about = (
        f"{evaluation['n_users']:,} customers of a British gift shop, all {evaluation['n_items']:,} items ranked "
        f"for each, {evaluation['asked'].split(';')[0]}"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{style}</style>",
        f'<text class="t" x="0" y="20">{escape(title)}</text>',
        f'<text class="s" x="0" y="42">{escape(about)}</text>',
    ]
    for place, row in enumerate(rows):
        found, y = row["metrics"]["ndcg"], top + line * place
        colour = "#2563eb" if place == 0 else "#9ca3af"
        weight = ' font-weight="600"' if place == 0 else ""
        parts.append(f'<text x="{left - 12}" y="{y + 20}" text-anchor="end"{weight}>{escape(row["model"])}</text>')
        bar = found["mean"] * scale
        parts.append(f'<rect x="{left}" y="{y + 4}" width="{bar:.1f}" height="24" rx="3" fill="{colour}"/>')
        low, high = left + found["low"] * scale, left + found["high"] * scale
        parts.append(f'<path d="M{low:.1f} {y + 16}H{high:.1f}" stroke="#111827" stroke-width="2" opacity=".55"/>')
        parts.append(f'<text x="{high + 10:.1f}" y="{y + 21}"{weight}>{found["mean"]:.3f}</text>')
    ahead = evaluation["comparison"]
    summary = (
        f"{ahead['relative']:+.1%} over the best baseline, 95 % interval {ahead['low']:+.1%} to {ahead['high']:+.1%}; "
        "every baseline tuned in the same run"
    )
    parts.append(f'<text class="s" x="0" y="{height - 10}">{escape(summary)}</text></svg>')
    return "\n".join(parts) + "\n"


def main() -> None:
    """Write the pages."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--demo", type=Path, help="JSON of `shelfwise demo --no-serve --json`")
    arguments = parser.parse_args()
    (DOCS / "configuration.md").write_text(configuration(), encoding="utf-8")
    if arguments.demo is not None:
        evaluation = json.loads(arguments.demo.read_text(encoding="utf-8"))["evaluation"]
        (DOCS / "images").mkdir(exist_ok=True)
        (DOCS / "images" / "demo.svg").write_text(picture(evaluation), encoding="utf-8")


if __name__ == "__main__":
    main()
