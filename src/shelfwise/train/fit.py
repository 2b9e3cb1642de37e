"""Fit the whole funnel on what is known at one moment."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.examples import Examples
from shelfwise.datasets.interactions import Interactions, target_kind
from shelfwise.datasets.moments import moments
from shelfwise.datasets.training_data import TrainingData
from shelfwise.errors import StateError
from shelfwise.features.text_vectors import TextVectors
from shelfwise.pipeline.components import build_ranker, build_retrievers
from shelfwise.pipeline.fitted import Fitted, Progress
from shelfwise.pipeline.funnel import Funnel
from shelfwise.pipeline.model import Model
from shelfwise.rank.ranker import Ranker, RankingTable
from shelfwise.retrieve.retriever import Retriever
from shelfwise.schemas.events import KIND_BY_CODE
from shelfwise.schemas.ids import Bools, Rows
from shelfwise.track.tracker import NOTHING, Tracker, under
from shelfwise.train.examples import item_state, ranking_table, stacked
from shelfwise.train.stages import Stages
from shelfwise.train.tuning.tuner import Tuner, tuned_vectors

MAX_REQUESTS = 4_500
"""Requests with a right answer among their candidates that the ranker learns from at most."""

REPEATS_FROM = 0.05
"""With repeats on 'auto': allowed where so many of the held-out answers were repeats."""

SEED = 0


def fit(
    config: ShopConfig,
    data: TrainingData,
    users: Bools,
    progress: Progress,
    *,
    seed: int = SEED,
    tuner: Tuner | None = None,
    tracker: Tracker = NOTHING,
) -> Fitted:
    """Fit retrievers and ranker.

    The ranker learns from requests in the past: for each of a few moments the retrievers are fitted on what was known
    then, and asked. Some items are taken out of what was known, as if they were new, so that the ranker learns how far
    to trust text alone. After that they are fitted once more, on everything. Those that take long to fit go on from the
    moment before instead of beginning anew; since moments come in the order of time, none knows its own answers.

    Args:
        config: The shop's.
        data: What may be known; nothing after `data.now_ms`.
        users: Who may be asked about, by user row; visitors' sessions never come back.
        progress: Told of every step.
        seed: Of everything drawn at random: the requests that are learned from, and the ranker.
        tuner: Replaces the vectors by those of an encoder that is tuned on a part of `data` which the ranker is not
            asked about; None leaves them as they are.
        tracker: Keeps the curves of whatever is fitted, and how long that took.

    Raises:
        StateError: there are no events to learn from.
    """
    if not len(data.interactions):
        raise StateError(
            "there are no events of interest in an item (views, carts, purchases, …) to learn from",
            hint="run `shelfwise ingest` with an events file",
            code="no_events",
        )
    stages, tuned = Stages(), None
    if tuner is not None:
        tuner.track = under(tracker, "tune")
        with stages("tune"):
            data, tuned = tuned_vectors(tuner, data, users, progress)
    target = target_kind(data.interactions, config.behaviour.target)
    asked = moments(data, target, users)
    repeat_share = Examples([example for moment in asked for example in moment.split.examples]).repeat_share()
    repeats = {"auto": repeat_share >= REPEATS_FROM, "allow": True, "exclude": False}[config.behaviour.repeats]
    tables: list[RankingTable] = []
    earlier: dict[str, Retriever] = {}
    # The earliest first: whoever can goes on from there, and never knows more than its moment did.
    for place, moment in reversed(list(enumerate(asked, start=1))):
        label = f"moment {place} of {len(asked)}"
        cold = _drawn(moment.data.interactions, config.behaviour.cold_share, seed + place)
        warm = moment.data.without_behaviour(cold)
        retrievers = _fitted(config, moment.data, earlier, label, progress, stages, tracker, cold=cold)
        questions = moment.questions(seed)
        with stages("ask"):
            tables.append(
                ranking_table(
                    retrievers,
                    warm,
                    questions if repeats else questions.without_repeats(),
                    repeats=repeats,
                    n_history=config.behaviour.history,
                    has_clock=moment.data.interactions.has_clock,
                    max_requests=MAX_REQUESTS // len(asked),
                    progress=lambda done, total, label=label: progress(f"{label}: asking", done, total),
                )
            )
        earlier = {name: one for name, one in retrievers.items() if one.goes_on}
    tables.reverse()
    ranker = build_ranker(config)
    ranker.track = under(tracker, "rank")
    with stages("rank"):
        about = ranker.fit(stacked(tables), seed=seed, report=lambda text: progress(text, None, None))
    retrievers = _fitted(config, data, earlier, "everything", progress, stages, tracker)
    funnel = _funnel(retrievers, ranker, data, progress)
    learned = {"ranker": about, "repeat_share": round(repeat_share, 4), "seconds_by_stage": stages.rounded()}
    if tuned is None:
        return Fitted(funnel, repeats, target, learned)
    return Fitted(funnel, repeats, target, {**learned, "tuned_encoder": tuned.about}, tuned.files)


def fit_on(
    config: ShopConfig, data: TrainingData, before: Model, progress: Progress, *, tracker: Tracker = NOTHING
) -> Fitted:
    """Take up what is new since a model was fitted.

    Retrievers that learn slowly go on from where they were; the others are fitted anew, which takes seconds. What takes
    long to learn and changes slowly stays: the ranker, and with it what is predicted and whether repeats are shown.

    Args:
        config: The shop's; of the same parts as the model's.
        data: What may be known; its text vectors lie in the model's space.
        before: The model.
        progress: Told of every step.
        tracker: Keeps the curves of whatever is fitted, and how long that took.

    Returns:
        `about` holds nothing but `seconds_by_stage`: nothing was chosen.
    """
    stages = Stages()
    earlier = {name: one for name, one in before.funnel.retrievers.items() if one.goes_on}
    retrievers = _fitted(config, data, earlier, "everything", progress, stages, tracker)
    funnel = _funnel(retrievers, before.funnel.ranker, data, progress)
    return Fitted(funnel, before.repeats, KIND_BY_CODE[before.target], {"seconds_by_stage": stages.rounded()})


def _funnel(retrievers: Mapping[str, Retriever], ranker: Ranker, data: TrainingData, progress: Progress) -> Funnel:
    vectors = None if data.vectors is None else TextVectors(data.vectors)
    progress("describing items", None, None)
    return Funnel(retrievers, ranker, item_state(data), vectors, data.interactions.has_clock)


def _drawn(interactions: Interactions, share: float, seed: int) -> Rows:
    """A share of the items that somebody touched."""
    touched = np.unique(interactions.item_rows)
    n = round(share * len(touched))
    return np.sort(np.random.default_rng(seed).permutation(touched)[:n]).astype(np.int32)


def _fitted(
    config: ShopConfig,
    data: TrainingData,
    earlier: Mapping[str, Retriever],
    label: str,
    progress: Progress,
    stages: Stages,
    tracker: Tracker,
    *,
    cold: Rows | None = None,
) -> dict[str, Retriever]:
    """Every retriever, fitted on what was known at one moment, going on from an earlier one where there is one.

    Args:
        cold: Items about which all of them answer as if nobody had touched them.
    """
    retrievers = build_retrievers(config)
    if cold is not None:  # a moment that the ranker is asked about: who is not ranked has nothing to say there
        retrievers = {name: retriever for name, retriever in retrievers.items() if retriever.is_ranked}
    for name, retriever in retrievers.items():
        doing = f"{label}: fitting {name}"
        progress(doing, None, None)
        retriever.report = lambda text, done, total, doing=doing: progress(f"{doing}: {text}", done, total)
        retriever.track = under(tracker, name, label.replace(" ", "-"))
        stage = f"retrieve.{name}"
        before = stages.seconds.get(stage, 0.0)
        with stages(stage):
            if cold is None:
                retriever.fit(data, earlier.get(name))
            else:
                retriever.fit_without(cold, data, earlier.get(name))
        retriever.track("fit_s", stages.seconds[stage] - before, 0)
    return retrievers
