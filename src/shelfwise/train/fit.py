"""Fit the whole funnel on what is known at one moment."""

from __future__ import annotations

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.examples import Examples
from shelfwise.datasets.interactions import target_kind
from shelfwise.datasets.moments import Moment, moments
from shelfwise.datasets.training_data import TrainingData
from shelfwise.errors import StateError
from shelfwise.features.text_vectors import TextVectors
from shelfwise.pipeline.components import build_ranker, build_retrievers
from shelfwise.pipeline.fitted import Fitted, Progress
from shelfwise.pipeline.funnel import Funnel
from shelfwise.rank.ranker import RankingTable
from shelfwise.schemas.ids import Bools
from shelfwise.train.examples import item_state, ranking_table, stacked
from shelfwise.train.tuning.tuner import Tuner, tuned_vectors

MAX_REQUESTS = 4_500
"""Requests with a right answer among their candidates that the ranker learns from at most."""

REPEATS_FROM = 0.05
"""With repeats on 'auto': allowed where so many of the held-out answers were repeats."""

SEED = 0


def fit(
    config: ShopConfig, data: TrainingData, users: Bools, progress: Progress, *, tuner: Tuner | None = None
) -> Fitted:
    """Fit retrievers and ranker.

    The ranker learns from requests in the past: for each of a few moments the retrievers are fitted on what was known
    then, and asked. After that they are fitted once more, on everything.

    Args:
        config: The shop's.
        data: What may be known; nothing after `data.now_ms`.
        users: Who may be asked about, by user row; visitors' sessions never come back.
        progress: Told of every step.
        tuner: Replaces the vectors by those of an encoder that is tuned on a part of `data` which the ranker is not
            asked about; None leaves them as they are.

    Raises:
        StateError: there are no events to learn from.
    """
    if not len(data.interactions):
        raise StateError(
            "there are no events of interest in an item (views, carts, purchases, …) to learn from",
            hint="run `shelfwise ingest` with an events file",
            code="no_events",
        )
    data, tuned = tuned_vectors(tuner, data, users, progress)
    target = target_kind(data.interactions, config.behaviour.target)
    asked = moments(data, target, users)
    repeat_share = Examples([example for moment in asked for example in moment.split.examples]).repeat_share()
    repeats = {"auto": repeat_share >= REPEATS_FROM, "allow": True, "exclude": False}[config.behaviour.repeats]
    tables = [
        _table_at(config, moment, MAX_REQUESTS // len(asked), repeats, f"moment {place} of {len(asked)}", progress)
        for place, moment in enumerate(asked, start=1)
    ]
    ranker = build_ranker(config)
    about = ranker.fit(stacked(tables), seed=SEED, report=lambda text: progress(text, None, None))
    retrievers = build_retrievers(config)
    for name, retriever in retrievers.items():
        progress(f"{name}: fitting on everything", None, None)
        retriever.fit(data)
    vectors = None if data.vectors is None else TextVectors(data.vectors)
    progress("describing items", None, None)
    funnel = Funnel(retrievers, ranker, item_state(data), vectors, data.interactions.has_clock)
    learned = {"ranker": about, "repeat_share": round(repeat_share, 4)}
    if tuned is None:
        return Fitted(funnel, repeats, target, learned)
    return Fitted(funnel, repeats, target, {**learned, "tuned_encoder": tuned.about}, tuned.files)


def _table_at(
    config: ShopConfig, moment: Moment, max_requests: int, repeats: bool, label: str, progress: Progress
) -> RankingTable:
    retrievers = build_retrievers(config)
    for name, retriever in retrievers.items():
        progress(f"{label}: fitting {name}", None, None)
        retriever.fit(moment.data)
    examples = moment.split.examples if repeats else moment.split.examples.without_repeats()
    return ranking_table(
        retrievers,
        moment.data,
        examples.shuffled(SEED),
        repeats=repeats,
        n_history=config.behaviour.history,
        has_clock=moment.data.interactions.has_clock,
        max_requests=max_requests,
        progress=lambda done, total: progress(f"{label}: asking", done, total),
    )
