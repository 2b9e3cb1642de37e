"""Fit the whole funnel on what is known at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.training_data import TrainingData
from shelfwise.errors import StateError
from shelfwise.features.behaviour_vectors import behaviour_vectors
from shelfwise.features.candidate_features import feature_names
from shelfwise.features.text_vectors import TextVectors
from shelfwise.features.themes import Themes
from shelfwise.pipeline.components import build_ranker
from shelfwise.pipeline.fitted import Fitted, Progress
from shelfwise.pipeline.funnel import Funnel
from shelfwise.pipeline.model import Model
from shelfwise.rank.ranker import Ranker
from shelfwise.retrieve.retriever import Retriever
from shelfwise.schemas.events import KIND_BY_CODE, EventKind
from shelfwise.schemas.ids import Bools
from shelfwise.track.tracker import NOTHING, Tracker, under
from shelfwise.train.examples import TableRows, item_state
from shelfwise.train.past_requests import SEED, ask_the_past, ask_what_is_new, fitted_retrievers
from shelfwise.train.stages import Stages
from shelfwise.train.tuning.tuner import Tuner, tuned_vectors


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
    to trust text alone; and some users with a profile are asked about as if they had done nothing yet. After that they
    are fitted once more, on everything. Those that take long to fit go on from the moment before instead of beginning
    anew; since moments come in the order of time, none knows its own answers.

    Args:
        config: The shop's.
        data: What may be known; nothing after `data.now_ms`.
        users: Who may be asked about, by user row; visitors' sessions never come back.
        progress: Told of every step.
        seed: Of everything drawn at random: the requests that are learned from, and the ranker.
        tuner: Replaces the vectors by those of an encoder that is tuned on a part of `data` which the ranker is not
            asked about; None leaves them as they are.
        tracker: Keeps the curves of whatever is fitted, and how long that took.

    A shop in which nothing has happened yet learns nothing: see `without_events`.

    Raises:
        StateError: there are no events, and the ranker that the shop names cannot do without.
    """
    if not len(data.interactions):
        return without_events(config, data, progress, tracker=tracker)
    stages, tuned = Stages(), None
    if tuner is not None:
        tuner.track = under(tracker, "tune")
        with stages("tune"):
            data, tuned = tuned_vectors(tuner, data, users, progress)
    ranker = build_ranker(config)
    asked = ask_the_past(
        config, data, users, progress, seed=seed, outcomes=ranker.learns_outcomes, stages=stages, tracker=tracker
    )
    ranker.track = under(tracker, "rank")
    with stages("rank"):
        about = ranker.fit(asked.table, seed=seed, report=lambda text: progress(text, None, None))
    retrievers = fitted_retrievers(config, data, asked.retrievers, "everything", progress, stages, tracker)
    progress("describing items", None, None)
    funnel = funnel_of(retrievers, ranker, data)
    learned = {"ranker": about, "repeat_share": round(asked.repeat_share, 4), "seconds_by_stage": stages.rounded()}
    if tuned is None:
        return Fitted(funnel, asked.repeats, asked.target, learned)
    return Fitted(funnel, asked.repeats, asked.target, {**learned, "tuned_encoder": tuned.about}, tuned.files)


def without_events(config: ShopConfig, data: TrainingData, progress: Progress, *, tracker: Tracker = NOTHING) -> Fitted:
    """Fit a shop in which nothing has happened yet: texts, pictures and categories have to do.

    Retrievers that live on events have nothing to say, and the ranker adds up what the others say. Whoever comes is
    followed all the same, since a visitor's own events are read with every request. What is predicted is a view, unless
    `[behaviour] target` names something else.

    Raises:
        StateError: the ranker that the shop names learns from events alone.
    """
    ranker = build_ranker(config)
    if ranker.learns_outcomes:
        raise StateError(
            "there are no events of interest in an item (views, carts, purchases, …) to learn from",
            where="rank.use",
            hint="run `shelfwise ingest` with an events file, or begin with use = 'fusion', which can do without",
            code="no_events",
        )
    stages = Stages()
    retrievers = fitted_retrievers(config, data, {}, "everything", progress, stages, tracker)
    ranked = tuple(name for name, one in retrievers.items() if one.is_ranked)
    nothing = TableRows({}).table(feature_names(ranked), data.vectors, item_state(data).codes_from_one, is_shown=False)
    with stages("rank"):
        about = ranker.fit(nothing, seed=SEED, report=lambda text: progress(text, None, None))
    progress("describing items", None, None)
    funnel = replace(funnel_of(retrievers, ranker, data), has_clock=True)  # what comes has real times
    target = EventKind.VIEW if config.behaviour.target == "auto" else config.behaviour.target
    learned = {"ranker": about, "repeat_share": 0.0, "seconds_by_stage": stages.rounded()}
    return Fitted(funnel, config.behaviour.repeats == "allow", target, learned)


def fit_on(
    config: ShopConfig,
    data: TrainingData,
    users: Bools,
    before: Model,
    progress: Progress,
    *,
    tracker: Tracker = NOTHING,
) -> Fitted:
    """Take up what is new since a model was fitted.

    Retrievers that learn slowly go on from where they were; the others are fitted anew, which takes seconds. What takes
    long to learn and changes slowly stays: what the ranker learned, what is predicted and whether repeats are shown. A
    ranker that can learns beside that from what the model would have said of what is new: see `ask_what_is_new`.

    Args:
        config: The shop's; of the same parts as the model's.
        data: What may be known; its text vectors lie in the model's space.
        users: Who may be asked about, by user row.
        before: The model.
        progress: Told of every step.
        tracker: Keeps the curves of whatever is fitted, and how long that took.

    Returns:
        `about` holds `seconds_by_stage`, and `n_newest_requests` where the ranker learned from what is new: nothing
        was chosen.
    """
    stages, ranker, about = Stages(), before.funnel.ranker, dict[str, Any]()
    if ranker.goes_on and data.interactions.has_clock:
        with stages("ask"):
            newest = ask_what_is_new(config, data, users, before, progress)
        with stages("rank"):
            ranker = before.funnel.ranker.go_on(newest, seed=SEED, report=lambda text: progress(text, None, None))
        if ranker is not before.funnel.ranker:
            about["n_newest_requests"] = len(newest.groups)
    earlier = {name: one for name, one in before.funnel.retrievers.items() if one.goes_on}
    retrievers = fitted_retrievers(config, data, earlier, "everything", progress, stages, tracker)
    progress("describing items", None, None)
    funnel = funnel_of(retrievers, ranker, data)
    about["seconds_by_stage"] = stages.rounded()
    return Fitted(funnel, before.repeats, KIND_BY_CODE[before.target], about)


def funnel_of(retrievers: Mapping[str, Retriever], ranker: Ranker, data: TrainingData) -> Funnel:
    """The stages with what is known of every item."""
    log = data.interactions
    return Funnel(
        retrievers,
        ranker,
        item_state(data),
        None if data.vectors is None else TextVectors(data.vectors),
        log.has_clock,
        data.profiles,
        None if data.pictures is None else TextVectors(data.pictures),
        TextVectors(behaviour_vectors(log.user_rows, log.item_rows, log.n_items)),
        None if data.vectors is None else Themes.fit(data.vectors),
    )
