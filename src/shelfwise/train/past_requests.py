"""Ask the past: retrievers fitted at earlier moments, and what became of what they said; what a ranker learns from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.examples import Examples
from shelfwise.datasets.interactions import Interactions, had_code, target_kind
from shelfwise.datasets.moments import N_WINDOWS, Moment, moments, since
from shelfwise.datasets.outcomes import Judge
from shelfwise.datasets.shown_lists import ShownList
from shelfwise.datasets.training_data import TrainingData
from shelfwise.pipeline.components import build_retrievers
from shelfwise.pipeline.fitted import Progress
from shelfwise.pipeline.model import Model
from shelfwise.rank.ranker import RankingTable
from shelfwise.retrieve.retriever import Retriever
from shelfwise.schemas.events import KIND_BY_CODE, EventKind
from shelfwise.schemas.ids import Bools, Rows
from shelfwise.track.tracker import NOTHING, Tracker, under
from shelfwise.train.examples import ranking_table, stacked
from shelfwise.train.shown_requests import shown_table
from shelfwise.train.stages import Stages

MAX_REQUESTS = 4_500
"""Requests with a right answer among their candidates that the ranker learns from at most."""

SHARE_OF_LISTS = 0.75
"""Of these requests, lists that were shown, where there are so many. The rest are visits: in them a ranker sees what
retrievers name and nobody would show, which it has to know in service."""

REPEATS_FROM = 0.05
"""With repeats on 'auto': allowed where so many of the held-out answers were repeats."""

SEED = 0


@dataclass(frozen=True, slots=True)
class AskedPast:
    """What a ranker learns from, and what was found on the way.

    Attributes:
        table: The requests of all moments.
        target: The kind of event that is predicted.
        repeats: Whether items that the user had were named.
        repeat_share: Of the answers.
        retrievers: Those that a later fit may go on from, as of the latest moment.
    """

    table: RankingTable
    target: EventKind
    repeats: bool
    repeat_share: float
    retrievers: dict[str, Retriever]


def ask_the_past(
    config: ShopConfig,
    data: TrainingData,
    users: Bools,
    progress: Progress,
    *,
    seed: int = SEED,
    outcomes: bool = False,
    stages: Stages | None = None,
    tracker: Tracker = NOTHING,
) -> AskedPast:
    """Fit the retrievers at moments of the past and ask them what nobody knew then.

    Args:
        config: The shop's.
        data: What may be known.
        users: Who may be asked about, by user row.
        progress: Told of every step.
        seed: Of what is drawn.
        outcomes: Ask at visits, and tell of every candidate what became of it.
        stages: Told how long each takes.
        tracker: Keeps the curves of what is fitted.
    """
    stages = stages or Stages()
    target = target_kind(data.interactions, config.behaviour.target)
    judge = Judge(data.interactions, config.objectives, data.now_ms) if outcomes else None
    had = had_code(config.behaviour.had, target)
    asked = moments(data, target, users, any_kind=judge is not None)
    repeat_share = Examples([example for moment in asked for example in moment.split.examples]).repeat_share()
    repeats = {"auto": repeat_share >= REPEATS_FROM, "allow": True, "exclude": False}[config.behaviour.repeats]
    tables: list[RankingTable] = []
    earlier: dict[str, Retriever] = {}
    # The earliest first: whoever can goes on from there, and never knows more than its moment did.
    for place, moment in reversed(list(enumerate(asked, start=1))):
        label = f"moment {place} of {len(asked)}"
        cold = _drawn(moment.data.interactions, config.behaviour.cold_share, seed + place)
        warm = moment.data.without_behaviour(cold)
        retrievers = fitted_retrievers(config, moment.data, earlier, label, progress, stages, tracker, cold=cold)
        questions = moment.questions(seed) if judge is None else judge.over(moment.visits(seed))
        questions = questions.where_had_is(had)
        questions = (questions if repeats or judge is not None else questions.without_repeats()).with_profiles(
            data.profiles, as_new_share=config.encode.users.as_new_share, seed=seed + place
        )
        with stages("ask"):
            shown = (
                []
                if judge is None
                else _shown_then(data, moment, users, judge, MAX_REQUESTS // len(asked), seed + place)
            )
            found = ranking_table(
                retrievers,
                warm,
                questions,
                repeats=repeats,
                n_history=config.behaviour.history,
                has_clock=moment.data.interactions.has_clock,
                max_requests=MAX_REQUESTS // len(asked) - len(shown),
                progress=lambda done, total, label=label: progress(f"{label}: asking", done, total),
                judge=judge,
            )
            if judge is not None and shown:
                of_lists = shown_table(
                    retrievers,
                    warm,
                    data.interactions,
                    shown,
                    judge,
                    had=had,
                    n_history=config.behaviour.history,
                    progress=lambda done, total, label=label: progress(f"{label}: reading lists", done, total),
                )
                found = stacked([of_lists, found])
            tables.append(found)
        earlier = {name: one for name, one in retrievers.items() if one.goes_on}
    tables.reverse()
    return AskedPast(stacked(tables), target, repeats, repeat_share, earlier)


def ask_what_is_new(
    config: ShopConfig, data: TrainingData, users: Bools, before: Model, progress: Progress
) -> RankingTable:
    """Ask a model what came since it was fitted: a moment of the past for which nothing has to be fitted any more.

    Args:
        config: The shop's; of the same parts as the model's.
        data: What may be known; its text vectors lie in the model's space; with a clock.
        users: Who may be asked about, by user row.
        before: The model.
        progress: Told of every step.

    Returns:
        At most as many requests as a full training asks at one moment.
    """
    data = data.with_interactions(data.interactions.known_by(before.scenario_names), data.now_ms)
    moment = since(data, KIND_BY_CODE[before.target], users, before.log_end_ms)
    questions = moment.questions(SEED).where_had_is(before.had)
    questions = (questions if before.repeats else questions.without_repeats()).with_profiles(
        data.profiles, as_new_share=config.encode.users.as_new_share, seed=SEED
    )
    return ranking_table(
        {name: one for name, one in before.funnel.retrievers.items() if one.is_ranked},
        moment.data,
        questions,
        repeats=before.repeats,
        n_history=config.behaviour.history,
        has_clock=True,
        max_requests=MAX_REQUESTS // N_WINDOWS,
        progress=lambda done, total: progress("asking what is new", done, total),
    )


def _shown_then(
    data: TrainingData, moment: Moment, users: Bools, judge: Judge, max_requests: int, seed: int
) -> list[ShownList]:
    """Lists shown between a moment and the next one, at random; none without a clock.

    Those whose windows are not over are left out, unless there are no others, as with visits.
    """
    if not data.interactions.has_clock or not len(data.shown):
        return []
    until_ms = moment.data.now_ms if moment.until_ms is None else moment.until_ms
    places = data.shown.within(moment.data.now_ms, until_ms, users)
    places = places[np.diff(data.shown.starts)[places] > 1]
    is_over = data.shown.times_ms[places] <= judge.latest_ms
    places = places[is_over] if is_over.any() else places
    n = min(len(places), round(SHARE_OF_LISTS * max_requests))
    drawn = np.sort(np.random.default_rng(seed).permutation(places)[:n])
    return [data.shown[int(place)] for place in drawn]


def _drawn(interactions: Interactions, share: float, seed: int) -> Rows:
    """A share of the items that somebody touched."""
    touched = np.unique(interactions.item_rows)
    n = round(share * len(touched))
    return np.sort(np.random.default_rng(seed).permutation(touched)[:n]).astype(np.int32)


def fitted_retrievers(
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
