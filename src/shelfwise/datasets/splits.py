"""Splits that let no model see what it is asked about.

Two protocols, both with the whole catalogue as candidates:

- leave-one-out: per user, the last target event is the test, the last but one the validation; models are fitted on
  what came before both. The test's history includes the validation event. It answers "what comes next", and since
  other users' events are not cut at one moment, models may know of later fashions: report it beside a time split.
- time split: models are fitted on what happened before one moment; asked is what each user does after it.

Source: Meng et al. (2020), Exploring Data Splitting Strategies; Gusak et al. (2025), Time to Split.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from shelfwise.datasets.examples import Example, Examples, example
from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.errors import StateError
from shelfwise.schemas.devices import UNKNOWN_DEVICE
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Bools
from shelfwise.schemas.scenario_names import UNKNOWN

Protocol = Literal["leave-one-out", "time-split"]


@dataclass(frozen=True, slots=True)
class Split:
    """What may be learned from, and what is asked.

    Attributes:
        train: Everything that a model may be fitted on.
        examples: The questions.
        cut_ms: The moment of a time split; None for leave-one-out.
    """

    train: Interactions
    examples: Examples
    cut_ms: int | None


def leave_one_out(
    interactions: Interactions,
    target: EventKind,
    users: Bools,
    *,
    holdout: Literal["test", "validation"] = "test",
) -> Split:
    """Ask for each user's last target event ("test") or the last but one ("validation").

    Args:
        interactions: Everything.
        target: The kind of event that is predicted.
        users: Who may be asked about, by user row; shape `(n_users,)`.
        holdout: Which of the two is asked. The other is never trained on either.

    Returns:
        Users with fewer than three target events are trained on and not asked about.
    """
    last_two = last_targets(interactions, target, 2)
    asked = (last_two[:, 0] >= 0) & (_n_targets(interactions, target) >= 3) & users
    bounds = interactions.bounds()
    held_out = np.zeros(len(interactions), bool)
    entries: list[Example] = []
    for user in np.flatnonzero(asked):
        validation, test = last_two[user]
        held_out[validation : bounds[user + 1]] = True
        position = test if holdout == "test" else validation
        entries.append(_ask(interactions, int(bounds[user]), int(position), int(user), target))
    return Split(interactions.where(~held_out), Examples(entries), None)


def leave_last_out(interactions: Interactions, target: EventKind, users: Bools) -> Split:
    """Ask for each user's last target event, with one at least before it: examples to fit a ranker on."""
    last = last_targets(interactions, target, 1)[:, 0]
    asked = (last >= 0) & (_n_targets(interactions, target) >= 2) & users
    bounds = interactions.bounds()
    held_out = np.zeros(len(interactions), bool)
    entries: list[Example] = []
    for user in np.flatnonzero(asked):
        held_out[last[user] : bounds[user + 1]] = True
        entries.append(_ask(interactions, int(bounds[user]), int(last[user]), int(user), target))
    return Split(interactions.where(~held_out), Examples(entries), None)


def time_split(
    interactions: Interactions, target: EventKind, users: Bools, *, cut_ms: int, until_ms: int | None = None
) -> Split:
    """Ask what each user does in `[cut_ms, until_ms)`, knowing what happened before `cut_ms`.

    The answers are the distinct items of the user's target events in the window. A user without any event before the
    cut is asked about too, with an empty history.
    """
    until_ms = interactions.end_ms if until_ms is None else until_ms
    bounds = interactions.bounds()
    times = interactions.times_ms
    asked = (
        (times >= cut_ms)
        & (times < until_ms)
        & (interactions.kinds == CODE_BY_KIND[target])
        & users[interactions.user_rows]
    )
    entries: list[Example] = []
    for user in np.unique(interactions.user_rows[asked]):
        start, end = int(bounds[user]), int(bounds[user + 1])
        known = start + int(np.searchsorted(times[start:end], cut_ms))
        relevant = interactions.item_rows[start:end][asked[start:end]]
        entries.append(example(interactions.history(start, known), cut_ms, int(user), relevant, target))
    return Split(interactions.before(cut_ms), Examples(entries), cut_ms)


def next_moments(
    interactions: Interactions,
    target: EventKind,
    users: Bools,
    *,
    cut_ms: int,
    until_ms: int,
    per_user: int,
    seed: int,
    any_kind: bool = False,
) -> Examples:
    """Ask what each user does next, at moments within `[cut_ms, until_ms)`.

    As in service: models know what happened before the cut, the history is that of this very moment. A moment is a
    distinct timestamp with a target event; the answers are all its items, and the history ends strictly before it.

    Args:
        any_kind: Ask at moments with any event of interest, not only the target's: requests that may have led to
            nothing, which a probability must be learned from. They say the place and the device of the moment's
            event.
        per_user: Moments asked of a user at most, drawn at random.
        seed: Of the draw.
    """
    bounds = interactions.bounds()
    times, owners = interactions.times_ms, interactions.user_rows
    is_asked = any_kind | (interactions.kinds == CODE_BY_KIND[target])
    asked = np.flatnonzero((times >= cut_ms) & (times < until_ms) & is_asked & users[owners])
    starts = np.ones(len(asked), bool)
    starts[1:] = (owners[asked[1:]] != owners[asked[:-1]]) | (times[asked[1:]] != times[asked[:-1]])
    first = np.flatnonzero(starts)
    ends = np.append(first[1:], len(asked))
    devices = interactions.devices if any_kind else None
    entries: list[Example] = []
    for moment in _some_of_each(owners[asked[first]], per_user, seed).tolist():
        answers = asked[first[moment] : ends[moment]]
        user, now_ms = int(owners[answers[0]]), int(times[answers[0]])
        start, end = int(bounds[user]), int(bounds[user + 1])
        known = start + int(np.searchsorted(times[start:end], now_ms))
        entries.append(
            example(
                interactions.history(start, known),
                now_ms,
                user,
                interactions.item_rows[answers],
                target,
                scenario=int(interactions.scenarios[answers[0]]) if any_kind else UNKNOWN,
                device=UNKNOWN_DEVICE if devices is None else int(devices[answers[0]]),
            )
        )
    return Examples(entries)


def _some_of_each(owners: npt.NDArray[np.int32], n: int, seed: int) -> npt.NDArray[np.intp]:
    """Positions of `n` random entries of each owner, or of all; ascending. Entries of an owner stand together."""
    order = np.lexsort((np.random.default_rng(seed).random(len(owners)), owners))
    place = np.arange(len(order)) - np.searchsorted(owners[order], owners[order])
    return np.sort(order[place < n])


def require_clock(interactions: Interactions) -> None:
    """Refuse a time split of a log whose timestamps only order events.

    Raises:
        StateError: there are no moments to split at.
    """
    if not interactions.has_clock:
        raise StateError(
            "this shop's timestamps only order each user's events: there is no common moment to split at",
            expected="events with real times",
            hint="use `--protocol leave-one-out`",
            code="no_clock",
        )


def cut_before_end(interactions: Interactions, days: float) -> int:
    """The moment `days` before the last event."""
    return interactions.end_ms - int(days * DAY_MS)


def last_targets(interactions: Interactions, target: EventKind, n: int) -> npt.NDArray[np.int64]:
    """Positions of each user's last `n` target events, oldest first, -1 where there are fewer; shape `(n_users, n)`."""
    positions = np.flatnonzero(interactions.kinds == CODE_BY_KIND[target])
    owners = interactions.user_rows[positions]
    ends = np.searchsorted(owners, np.arange(interactions.n_users), side="right")
    starts = np.searchsorted(owners, np.arange(interactions.n_users), side="left")
    found = np.full((interactions.n_users, n), -1, np.int64)
    for back in range(1, n + 1):
        has = ends - starts >= back
        found[has, n - back] = positions[ends[has] - back]
    return found


def _n_targets(interactions: Interactions, target: EventKind) -> npt.NDArray[np.int64]:
    owners = interactions.user_rows[interactions.kinds == CODE_BY_KIND[target]]
    return np.bincount(owners, minlength=interactions.n_users)


def _ask(interactions: Interactions, start: int, position: int, user: int, target: EventKind) -> Example:
    return example(
        interactions.history(start, position),
        int(interactions.times_ms[position]),
        user,
        interactions.item_rows[position : position + 1],
        target,
    )
