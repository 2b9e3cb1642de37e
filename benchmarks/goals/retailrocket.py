"""Retailrocket as multi-behaviour studies cut it: views, carts, purchases; one held-out purchase per user; no texts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.catalogue import NO_TIME_MS, Catalogue
from shelfwise.datasets.examples import NO_CONTEXT, Example
from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.datasets.outcomes import Judge
from shelfwise.datasets.splits import next_moments
from shelfwise.datasets.training_data import TrainingData
from shelfwise.schemas.candidates import ANY_KIND, History, Situation
from shelfwise.schemas.events import CODE_BY_KIND, EventKind

KINDS = {"view": EventKind.VIEW, "cart": EventKind.CART, "buy": EventKind.PURCHASE}
WINDOW_D = 28.0
VISITS = 10

RETRIEVERS = ("transitions", "cooccurrence", "ease", "similar_users", "factors", "popular", "recent")


@dataclass(frozen=True, slots=True)
class Log:
    """A shop's log, and who is asked about what.

    Attributes:
        name: Of the split.
        asked: In words.
        config: Of the shop.
        data: What may be learned from.
        questions: With the new items that were bought.
    """

    name: str
    asked: str
    config: ShopConfig
    data: TrainingData
    questions: list[Example]


def purchases_alone(log: Log) -> Log:
    """The same questions, asked of a shop that kept purchases only: of what is learned from, and of histories."""
    code = CODE_BY_KIND[EventKind.PURCHASE]
    known = log.data.interactions
    questions = []
    for one in log.questions:
        history = one.situation.history
        bought = history.kinds == code
        kept = History(history.rows[bought], history.kinds[bought], history.times_ms[bought], history.user_row)
        # What was touched otherwise is not shown either: the question stays the same.
        touched = np.unique(history.rows[~bought])
        questions.append(replace(one, situation=replace(one.situation, history=kept), left_out=touched))
    data = log.data.with_interactions(known.where(known.kinds == code), log.data.now_ms)
    return replace(log, data=data, questions=questions)


def splits(folder: Path) -> list[Log]:
    """The folder `retailrocket`, split by time and as it was published.

    - time-split: known is what happened before the last `WINDOW_D` days; asked is every visit in them (at most
      `VISITS` a user) after which a new item was bought within a week.
    - published: known are all events; asked is the held-out purchase of each user, whose time was not published.

    The published cut has no event of a user with the item of his held-out purchase, not even the view before it. So
    items that a user touched in any way are shown to him by no model: asked is what new item he buys.
    """
    events = pl.read_csv(folder / "train.csv.gz").sort("user", "timestamp", maintain_order=True)
    asked = pl.read_csv(folder / "test_buy.csv").sort("user")
    n_users = 1 + max(int(part["user"].to_numpy().max()) for part in (events, asked))
    n_items = 1 + max(int(part["item"].to_numpy().max()) for part in (events, asked))
    n = len(events)
    log = Interactions(
        events["user"].to_numpy().astype(np.int32),
        events["item"].to_numpy().astype(np.int32),
        np.array([CODE_BY_KIND[KINDS[kind]] for kind in events["behavior"]], np.int8),
        events["timestamp"].to_numpy().astype(np.int64) * 1_000,
        np.full(n, np.nan, np.float32),
        np.full(n, -1, np.int64),
        n_users,
        n_items,
    )
    names = [str(row) for row in range(n_items)]
    nothing = np.full(n_items, np.nan, np.float32)
    catalogue = Catalogue(
        names, names, [()] * n_items, [None] * n_items, nothing, np.full(n_items, NO_TIME_MS), np.ones(n_items, bool)
    )
    config = ShopConfig.model_validate(
        {
            "version": 1,
            "behaviour": {"target": "purchase", "repeats": "exclude", "had": "any"},
            "encode": {"text": {"use": "none"}},
            "retrieve": {name: {"use": name} for name in RETRIEVERS},
            "rank": {"use": "multi-objective"},
        }
    )
    data = TrainingData(log, catalogue, None, log.end_ms)
    return [_by_time(config, data), _published(config, data, asked)]


def _by_time(config: ShopConfig, data: TrainingData) -> Log:
    log = data.interactions
    cut_ms = log.end_ms - int(WINDOW_D * DAY_MS)
    judge = Judge(log, config.objectives, log.end_ms)
    goal = list(judge.objectives).index("purchase")
    everybody = np.ones(log.n_users, bool)
    visits = next_moments(
        log,
        EventKind.PURCHASE,
        everybody,
        cut_ms=cut_ms,
        until_ms=log.end_ms,
        per_user=VISITS,
        seed=0,
        any_kind=True,
    )
    questions = []
    for one in visits.where_had_is(ANY_KIND):
        outcomes = judge.of(one)
        bought = outcomes.rows[outcomes.values[:, goal] == 1]
        new = bought[~np.isin(bought, one.situation.history.rows)]
        if len(new):
            questions.append(Example(one.user_row, one.situation, new))
    asked = f"visits of the last {WINDOW_D:g} days after which a new item was bought within a week"
    return Log("time-split", asked, config, data.with_interactions(log.before(cut_ms), cut_ms), questions)


def _published(config: ShopConfig, data: TrainingData, asked: pl.DataFrame) -> Log:
    log = data.interactions
    bounds = log.bounds()
    questions = []
    for user, item in asked.iter_rows():
        start, end = int(bounds[user]), int(bounds[user + 1])
        situation = Situation(log.history(start, end), int(log.times_ms[end - 1]) + 1, NO_CONTEXT, ANY_KIND)
        questions.append(Example(user, situation, np.array([item], np.int32)))
    return Log("published", "the held-out purchase of every user", config, data, questions)
