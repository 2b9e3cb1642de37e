"""A shop folder whose model weighs clicks against purchases, trained in seconds: what is looked at is not bought."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

KINDS_OF_THING = ("Mugs", "Lamps", "Boots", "Pens", "Scarves", "Kites")
COLOURS = ("red", "blue", "green", "yellow", "black", "white", "grey", "brown", "pink", "violet")
N_LOOKED_AT = 5
"""The first colours draw looks, the others are bought."""

N_USERS = 150
VISITS = 8
LOOKS = 5

SHOP = """
version = 1
[ingest.items]
path = "items.csv"
[ingest.events]
path = "events.csv"
[behaviour]
repeats = "allow"
[encode.text]
use = "none"
[retrieve.cooccurrence]
use = "cooccurrence"
[retrieve.popular]
use = "popular"
[retrieve.recent]
use = "recent"
[rank]
use = "multi-objective"
epochs = 4
width = 16
[rerank.diverse]
use = "mmr"
diversity = 0.0
[rerank.explore]
use = "epsilon"
share = 0.0
[scenarios.home]
k = 8
weights = { click = 1.0 }
rerank = ["diverse", "explore"]
[scenarios.category]
k = 8
needs = ["category"]
[scenarios.item]
k = 6
needs = ["items"]
rerank = ["diverse"]
[scenarios.cart]
k = 4
retrieve = ["cooccurrence", "popular"]
order = "retrievers"
[scenarios.brand]
k = 4
answer = "brands"
"""


def write_weighed_shop(folder: Path, *, end: datetime | None = None) -> None:
    """Write `shop.toml`, items and events; nothing is ingested or trained.

    Args:
        folder: Is there and empty.
        end: When the last visit was; a day ago where omitted.
    """
    (folder / "shop.toml").write_text(SHOP, encoding="utf-8")
    with (folder / "items.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["item_id", "title", "description", "category", "brand", "price", "created_at"])
        for kind in KINDS_OF_THING:
            for place, colour in enumerate(COLOURS):
                item = f"{kind.lower()}-{colour}"
                title = f"{colour.capitalize()} {kind.lower()}"
                brand = "Nordhaus" if place % 2 else "Suedhaus"
                writer.writerow(
                    [item, title, f"{title} for every day", f"Home > {kind}", brand, 4 + place, "2020-01-01"]
                )
    with (folder / "events.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "item_id", "event", "timestamp", "session_id"])
        writer.writerows(_visits(end or datetime.now(UTC) - timedelta(days=1)))


def _visits(end: datetime) -> list[list[str]]:
    random = np.random.default_rng(0)
    lines: list[list[str]] = []
    for user in range(N_USERS):
        liked = random.choice(len(KINDS_OF_THING), 2, replace=False)
        for visit in range(VISITS):
            moment = end - timedelta(days=4 * (VISITS - visit), seconds=int(random.integers(80_000)))
            for look in range(LOOKS):
                kind = KINDS_OF_THING[int(random.choice(liked))].lower()
                is_looked_at = random.random() < 0.7
                place = int(random.integers(N_LOOKED_AT)) + (0 if is_looked_at else N_LOOKED_AT)
                item, session = f"{kind}-{COLOURS[place]}", f"visit-{user}-{visit}"
                at = moment + timedelta(minutes=look)
                lines.append([f"user-{user}", item, "view", at.isoformat(), session])
                if random.random() < (0.02 if is_looked_at else 0.6):
                    lines.append([f"user-{user}", item, "purchase", (at + timedelta(seconds=30)).isoformat(), session])
    return lines


def make_weighed_shop(folder: Path) -> None:
    """A shop with a model in service.

    Cost:
        Some seconds.
    """
    from shelfwise.shop import Shop

    write_weighed_shop(folder)
    with Shop.open(folder) as shop:
        shop.ingest()
        shop.train()
