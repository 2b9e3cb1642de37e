"""What an encoder is tuned on, and what it never sees so that the effect can be measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shelfwise.config.tune import TuneSpec
from shelfwise.datasets.examples import Examples
from shelfwise.datasets.interactions import Interactions
from shelfwise.datasets.splits import Split, last_targets, leave_last_out, time_split
from shelfwise.datasets.training_data import TrainingData
from shelfwise.errors import StateError
from shelfwise.schemas.events import EventKind
from shelfwise.schemas.ids import Bools

HELD_OUT_SHARE = 0.1
"""End of a log with a clock that is held out, in events."""

MIN_QUESTIONS = 4


@dataclass(frozen=True, slots=True)
class Lessons:
    """The parts of a past.

    Attributes:
        train: What pairs are made of: before everything held out, without the cold items.
        stop: Held-out choices that decide when tuning stops.
        test: Held-out choices of other users, for the figures that are reported: nothing was chosen by them.
        cold: Items taken out of `train`; shape `(n_items,)`.
    """

    train: Interactions
    stop: Examples
    test: Examples
    cold: Bools


def lessons(data: TrainingData, target: EventKind, spec: TuneSpec, has_text: Bools) -> Lessons:
    """Hold out the end of time, or some users' last choice where there is no clock, and some items altogether.

    Args:
        data: The past that may be known.
        target: The kind of event that is predicted.
        spec: Shares, numbers and the seed.
        has_text: Items that can be encoded at all; only these are asked for or made cold; shape `(n_items,)`.

    Raises:
        StateError: too little happened to hold anything out.
    """
    random = np.random.default_rng([spec.seed, 1])
    interactions = data.interactions
    cold = np.zeros(len(data.catalogue), bool)
    touched = np.flatnonzero((np.bincount(interactions.item_rows, minlength=len(cold)) > 0) & has_text)
    cold[random.permutation(touched)[: int(spec.cold_share * len(touched))]] = True
    split = _held_out(interactions, target, spec, random)
    asked = [example for example in split.examples.without_repeats() if has_text[example.situation.history.rows].any()]
    asked = [example for example in asked if has_text[example.relevant].all()]
    asked = [asked[place] for place in random.permutation(len(asked))[: spec.n_questions]]
    train = split.train.where(~cold[split.train.item_rows])
    if len(asked) < MIN_QUESTIONS or not len(train):
        raise StateError(
            f"too little behaviour to tune the encoder on: {len(train)} events, {len(asked)} choices to hold out",
            expected=f"at least {MIN_QUESTIONS} users with a history and a next choice",
            where="encode.tune",
            hint="ingest more events, or set [encode.tune] use = false",
            code="too_little_to_tune",
        )
    return Lessons(train, Examples(asked[::2]), Examples(asked[1::2]), cold)


def _held_out(interactions: Interactions, target: EventKind, spec: TuneSpec, random: np.random.Generator) -> Split:
    if interactions.has_clock:
        everybody = np.ones(interactions.n_users, bool)
        cut_ms = int(np.quantile(interactions.times_ms, 1 - HELD_OUT_SHARE))
        return time_split(interactions, target, everybody, cut_ms=cut_ms)
    able = np.flatnonzero(last_targets(interactions, target, 2)[:, 0] >= 0)
    # No more than a quarter of the users: the others' last choices are worth learning from.
    n_asked = min(spec.n_questions, max(MIN_QUESTIONS, len(able) // 4))
    users = np.zeros(interactions.n_users, bool)
    users[random.permutation(able)[:n_asked]] = True
    return leave_last_out(interactions, target, users)
