"""A log that grows: what was known at first, what is new, and questions that no training may see.

Nine tenths of what may be learned are known, the rest is new. Two slices of questions are held out of both:

- new: what somebody does after new events. With a clock: everything that happens in the last `ASKED_D` days, in which
  nobody learns. Without: the last event of the users that the new events belong to.
- old: the last moment of users who did nothing new, asked with what they did before it: does the model still know them?
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfwise.datasets.examples import Example, Examples, example
from shelfwise.datasets.interactions import Interactions
from shelfwise.datasets.splits import cut_before_end, last_targets, time_split
from shelfwise.schemas.events import EventKind
from shelfwise.schemas.ids import Bools

NEW_SHARE = 0.10
ASKED_D = 28.0
MOST_QUESTIONS = 6_000
"""Of a slice."""

ENOUGH = 4_000
"""Questions of a slice from which on a third of them is set aside: by those the procedure was tuned, not measured."""

FEWEST_EVENTS = 3
"""Of a user who is asked about without a clock: something to know, something new, and the answer."""


@dataclass(frozen=True, slots=True)
class Growth:
    """One log, cut. What is neither known nor new is asked about, or lies behind an answer.

    Attributes:
        known: Learned from at first; shape `(E,)`.
        new: Came since; shape `(E,)`.
        of_new: Questions with what is new in their history.
        of_old: Questions about users without new events.
    """

    known: Bools
    new: Bools
    of_new: Examples
    of_old: Examples


def grow(interactions: Interactions, target: EventKind, users: Bools, *, seed: int, tuning: bool = False) -> Growth:
    """Cut a log by its clock, or by each user's order where it has none.

    Args:
        interactions: Everything.
        target: The kind of event that is asked for.
        users: Who may be asked about, by user row.
        seed: Of the users that are drawn.
        tuning: Give the questions that are set aside instead of those that are measured.
    """
    cut = _by_clock if interactions.has_clock else _by_order
    grown = cut(interactions, target, users, np.random.default_rng(seed))
    of_new, of_old = (_part(questions, seed, tuning=tuning) for questions in (grown.of_new, grown.of_old))
    return Growth(grown.known, grown.new, of_new, of_old)


def _part(questions: Examples, seed: int, *, tuning: bool) -> Examples:
    entries = questions.shuffled(seed).entries
    n_aside = len(entries) // 3 if len(entries) >= ENOUGH else 0
    return Examples((entries[:n_aside] if tuning else entries[n_aside:])[:MOST_QUESTIONS])


def _by_clock(interactions: Interactions, target: EventKind, users: Bools, random: np.random.Generator) -> Growth:
    times, owners = interactions.times_ms, interactions.user_rows
    cut_ms = cut_before_end(interactions, ASKED_D)
    since_ms = int(np.quantile(times[times < cut_ms], 1 - NEW_SHARE))
    silent = users.copy()
    silent[owners[times >= since_ms]] = False
    last = last_targets(interactions, target, 1)[:, 0]
    silent &= last >= 0
    # Half of them, or too little would be left of those who do not come back.
    drawn = random.permutation(np.flatnonzero(silent))[: int(silent.sum()) // 2]
    bounds, held_out = interactions.bounds(), np.zeros(len(interactions), bool)
    entries: list[Example] = []
    for user in np.sort(drawn):
        start, end = int(bounds[user]), int(bounds[user + 1])
        moment = start + int(np.searchsorted(times[start:end], times[last[user]]))
        if moment > start:
            held_out[moment:end] = True
            answers = interactions.item_rows[moment : int(last[user]) + 1]
            entries.append(example(interactions.history(start, moment), cut_ms, int(user), answers, target))
    asked = time_split(interactions, target, users, cut_ms=cut_ms).examples
    is_learned = (times < cut_ms) & ~held_out
    return Growth(is_learned & (times < since_ms), is_learned & (times >= since_ms), asked, Examples(entries))


def _by_order(interactions: Interactions, target: EventKind, users: Bools, random: np.random.Generator) -> Growth:
    bounds = interactions.bounds()
    last = last_targets(interactions, target, 1)[:, 0]
    asked = np.flatnonzero((last >= 0) & users & (last - bounds[:-1] >= FEWEST_EVENTS - 1))
    is_learned = np.ones(len(interactions), bool)
    for user in asked:
        is_learned[last[user] : bounds[user + 1]] = False
    wanted = round(NEW_SHARE * int(is_learned.sum()))
    is_new, has_new = np.zeros(len(interactions), bool), np.zeros(interactions.n_users, bool)
    n_new = 0
    for user in random.permutation(asked):
        if n_new >= wanted:
            break
        n = max(1, int(last[user] - bounds[user]) // 3)
        is_new[last[user] - n : last[user]] = True
        has_new[user] = True
        n_new += n
    questions: dict[bool, list[Example]] = {True: [], False: []}
    for user in asked:
        place = int(last[user])
        answer: npt.NDArray[np.int32] = interactions.item_rows[place : place + 1]
        history = interactions.history(int(bounds[user]), place)
        questions[bool(has_new[user])].append(
            example(history, int(interactions.times_ms[place]), int(user), answer, target)
        )
    return Growth(is_learned & ~is_new, is_new, Examples(questions[True]), Examples(questions[False]))
