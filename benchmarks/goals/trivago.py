"""trivago as its challenge of 2019 cut it: lists of hotels as they were shown, with prices, and the one clicked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.catalogue import NO_TIME_MS, Catalogue
from shelfwise.datasets.interactions import Interactions, scenario_names_of
from shelfwise.datasets.outcomes import Judge
from shelfwise.datasets.shown_lists import ShownLists
from shelfwise.datasets.training_data import TrainingData
from shelfwise.rank.ranker import RankingTable
from shelfwise.schemas.candidates import ANY_KIND
from shelfwise.schemas.devices import device_codes
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.store.event_log import NO_SLATE, EventArrays
from shelfwise.track.tracker import NOTHING
from shelfwise.train.examples import stacked
from shelfwise.train.past_requests import fitted_retrievers
from shelfwise.train.shown_requests import shown_table
from shelfwise.train.stages import Stages

FILE = "trivago_val_100k.parquet"
TOLD_BY = {
    "interaction item image": EventKind.VIEW,
    "interaction item info": EventKind.VIEW,
    "interaction item rating": EventKind.VIEW,
    "interaction item deals": EventKind.FAVOURITE,
    "search for item": EventKind.VIEW,
    "clickout item": EventKind.CLICK,
}
"""What each action with an item is in a shop: a look, a closer look, a click in the list."""

RETRIEVERS = ("transitions", "cooccurrence")
HOUR_MS = 3_600_000
WINDOW_H = 4
"""Hours of lists that are described by what was known before them."""

LEARNED_H = 36
"""Hours of the log, of 48, whose lists are learned from; the lists of the others are asked about."""

N_HISTORY = 200


@dataclass(frozen=True, slots=True)
class Shop:
    """trivago as a shop.

    Attributes:
        data: Everything, up to the end of the log.
        config: Of the shop.
        platforms: Name of each scenario's code; the first is of none.
    """

    data: TrainingData
    config: ShopConfig
    platforms: tuple[str, ...]


def shop(folder: Path) -> Shop:
    """Read the folder `trivago`: hotels are items, country sites are scenarios, every clickout has the list it answers.

    Within a second, actions keep the order of their steps; a list stands just before the click that it led to.
    """
    actions = pl.read_parquet(folder / FILE).sort("user_id", "timestamp", "session_id", "step")
    second = actions["timestamp"].to_numpy()
    owners = actions["user_id"].to_numpy()
    is_new = np.ones(len(actions), bool)
    is_new[1:] = (second[1:] != second[:-1]) | (owners[1:] != owners[:-1])
    run = np.maximum.accumulate(np.where(is_new, np.arange(len(actions)), 0))
    actions = actions.with_columns(
        time_ms=pl.Series(second * 1_000 + 2 * np.minimum(np.arange(len(actions)) - run, 499)),
        slate=pl.int_range(1, len(actions) + 1, dtype=pl.Int64),
    )
    told = actions.filter(
        pl.col("action_type").is_in(list(TOLD_BY)) & pl.col("reference").str.contains(r"^\d+$")
    ).with_columns(
        kind=pl.col("action_type").replace_strict(
            {name: CODE_BY_KIND[kind] for name, kind in TOLD_BY.items()}, return_dtype=pl.Int8
        ),
        is_click=pl.col("action_type") == "clickout item",
    )
    happened = told.select(
        "user_id",
        "platform",
        "device",
        "kind",
        item="reference",
        time_ms=pl.col("time_ms") + pl.col("is_click").cast(pl.Int64),
        slate=pl.when("is_click").then("slate").otherwise(NO_SLATE),
        position=pl.lit(0, pl.Int32),
        price=pl.lit(None, pl.Float64),
    )
    shown = (
        told.filter("is_click")
        .with_columns(pl.col("impressions").str.split("|"), pl.col("prices").str.split("|"))
        .with_columns(position=pl.int_ranges(1, pl.col("impressions").list.len() + 1, dtype=pl.Int32))
        .explode("impressions", "prices", "position")
        .select(
            "user_id",
            "platform",
            "device",
            kind=pl.lit(CODE_BY_KIND[EventKind.IMPRESSION], pl.Int8),
            item="impressions",
            time_ms="time_ms",
            slate="slate",
            position="position",
            price=pl.col("prices").cast(pl.Float64),
        )
    )
    events = pl.concat([happened, shown]).sort("user_id", "time_ms", maintain_order=True)
    items = events["item"].unique().sort()
    users = events["user_id"].unique().sort()
    platforms = events["platform"].unique().sort().to_list()
    arrays = EventArrays(
        users.search_sorted(events["user_id"]).to_numpy().astype(np.int32),
        items.search_sorted(events["item"]).to_numpy().astype(np.int32),
        events["kind"].to_numpy(),
        events["time_ms"].to_numpy(),
        np.full(len(events), np.nan, np.float32),
        events["price"].cast(pl.Float32).fill_null(np.nan).to_numpy(),
        np.full(len(events), -1, np.int64),
        pl.Series(platforms).search_sorted(events["platform"]).to_numpy().astype(np.int32),
        platforms,
        events["slate"].to_numpy(),
        events["position"].to_numpy(),
        device_codes(events["device"].to_list()),
    )
    names = scenario_names_of(arrays)
    log = Interactions.of(arrays, n_users=len(users), n_items=len(items), scenario_names=names)
    ids = items.to_list()
    catalogue = Catalogue(
        ids,
        ids,
        [()] * len(ids),
        [None] * len(ids),
        np.full(len(ids), np.nan, np.float32),
        np.full(len(ids), NO_TIME_MS),
        np.ones(len(ids), bool),
    )
    config = ShopConfig.model_validate(
        {
            "version": 1,
            "behaviour": {"target": "click", "repeats": "allow", "had": "any"},
            "objectives": {"click": {"events": ["click"], "window_d": 0.01}},
            "encode": {"text": {"use": "none"}},
            "retrieve": {name: {"use": name} for name in RETRIEVERS},
            "rank": {"use": "multi-objective"},
        }
    )
    data = TrainingData(log, catalogue, None, log.end_ms, shown=ShownLists.of(arrays, names))
    return Shop(data, config, ("", *names.names))


def tables(found: Shop, say: Callable[[str], None]) -> tuple[RankingTable, RankingTable]:
    """Lists that are learned from, and lists that are asked about: described by what was known before their window.

    Columns that never differ are left out, and those of positions come last: where an item stood, and how far from the
    latest item of the history that stands in the list too.
    """
    data, log = found.data, found.data.interactions
    judge = Judge(log, found.config.objectives, data.now_ms)
    start_ms = int(data.shown.times_ms[0]) // 1_000 * 1_000
    hours = [*range(WINDOW_H, LEARNED_H + 1, WINDOW_H), 1_000]
    parts = []
    for first, last in pairwise(hours):
        cut_ms, until_ms = start_ms + first * HOUR_MS, start_ms + last * HOUR_MS
        known = data.with_interactions(log.before(cut_ms), cut_ms)
        places = data.shown.within(cut_ms, until_ms, np.ones(log.n_users, bool))
        say(f"hour {first}: describing {len(places):,} lists")
        retrievers = fitted_retrievers(found.config, known, {}, "", lambda *_: None, Stages(), NOTHING)
        lists = [data.shown[int(place)] for place in places]
        parts.append(shown_table(retrievers, known, log, lists, judge, had=ANY_KIND, n_history=N_HISTORY))
    learned, asked = stacked(parts[:-1]), parts[-1]
    known = np.nan_to_num(learned.features, nan=-1.0)
    kept = np.flatnonzero(known.min(axis=0) < known.max(axis=0))
    return _described(learned, kept), _described(asked, kept)


POSITION_COLUMNS = ("position", "places_from_last")


def _described(table: RankingTable, kept: npt.NDArray[np.intp]) -> RankingTable:
    columns = np.full((len(table.rows), len(POSITION_COLUMNS)), np.nan, np.float32)
    ends = np.cumsum(table.groups)
    for situation, start, end in zip(table.situations, ends - table.groups, ends, strict=True):
        rows, positions = table.rows[start:end], table.positions[start:end]
        columns[start:end, 0] = positions
        inside = situation.history.rows[np.isin(situation.history.rows, rows)]
        if len(inside):
            columns[start:end, 1] = positions - positions[np.flatnonzero(rows == inside[-1])[0]]
    names = [table.feature_names[column] for column in kept]
    # Told as features to everybody, where they are told at all: as what debiases, they would be known to ours alone.
    return replace(
        table,
        features=np.hstack([table.features[:, kept], columns]),
        feature_names=[*names, *POSITION_COLUMNS],
        positions=np.zeros_like(table.positions),
    )


def without_position(table: RankingTable) -> RankingTable:
    """The same lists, of which nobody is told in what order they were shown."""
    n = len(POSITION_COLUMNS)
    return replace(table, features=table.features[:, :-n], feature_names=table.feature_names[:-n])
