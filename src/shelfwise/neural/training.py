"""Train a network: warm-up and cosine decay, a running average of the weights, early stopping, resumable."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from shelfwise.datasets.training_data import TrainingData
from shelfwise.neural.augment import Places
from shelfwise.neural.batches import LEAST_STEPS, Log, batches
from shelfwise.neural.checkpoint import Checkpoint, Course
from shelfwise.neural.held_out import HeldOut
from shelfwise.neural.item_inputs import ItemInputs
from shelfwise.neural.network import Network
from shelfwise.neural.run import Run
from shelfwise.neural.settings import NetworkOptions
from shelfwise.neural.state import State
from shelfwise.schemas.ids import Bools
from shelfwise.track.tracker import Curve, untracked

Report = Callable[[str, int | None, int | None], None]
"""Called with what is being done, and with steps done and to do where they can be counted."""

WARM_UP = 0.05
"""Share of the training in which the rate rises."""

LOWEST_RATE = 0.02
"""What is left of the highest rate at the end."""

EARLY = 0.1
"""Share of the time allowed before which it is not yet asked whether it will suffice."""

REPORT_S = 1.0
"""Seconds between two words on how it goes."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What training gives.

    Attributes:
        network: With the best weights found; in evaluation mode, on the processor.
        vectors: Every item's; shape `(N, D)`.
        about: How it went.
    """

    network: Network
    vectors: Tensor
    about: dict[str, Any]


def train(
    network: Network,
    data: TrainingData,
    inputs: ItemInputs,
    options: NetworkOptions,
    report: Report,
    track: Curve = untracked,
    *,
    start: State | None = None,
) -> Trained:
    """Learn which item comes next.

    Args:
        network: New, or with the weights of an earlier one.
        data: What may be known.
        inputs: Its items.
        options: Resolved, the device named.
        report: Told of every epoch, and of how it goes in between.
        track: Told loss, held-out NDCG, rate and events per second of every epoch.
        start: Where the weights come from; then what is new since is learned, and some of the old replayed.
    """
    device = torch.device(options.device)
    random = np.random.default_rng(options.seed)
    log = Log.of(data.interactions, has_clock=data.interactions.has_clock)
    known = None if start is None else log.first(start.n_events)
    held_out = HeldOut.of(data.interactions, options.n_validation, np.random.default_rng(options.seed), known=known)
    kept = held_out.learned_from(data.interactions)
    lessons = Lessons(log.where(kept), options, None if known is None else known[kept])
    run = Run.begin(network, inputs, options, device)
    course, best = Course(), dict[str, Tensor]()
    if start is not None:  # as good as it is: what follows must be better to be kept
        course.best, best = held_out.ndcg(run.averaged, _vectors(run), log), copy.deepcopy(run.averaged.state_dict())
    checkpoint = Checkpoint(Path(options.checkpoints), options, data.interactions) if options.checkpoints else None
    if checkpoint is not None:
        course, best = checkpoint.resume(run, random) or (course, best)
    n_epochs = (options.epochs or 1) if start is None else options.epochs_on
    clock = Clock(course.seconds, options.minutes * 60)
    run.prepare_for((n_epochs - course.n_epochs) * lessons.n_steps())
    while course.n_epochs < n_epochs and course.since_best < options.patience and not clock.is_over():
        done = _epoch(run, lessons, random, clock, course, n_epochs, report)
        if done is None:
            break
        ndcg = held_out.ndcg(run.averaged, _vectors(run), log) if len(held_out) else 0.0
        course.n_epochs, course.n_steps, course.seconds = course.n_epochs + 1, run.n_steps, clock.seconds()
        course.losses.append(round(done.loss, 4))
        course.ndcgs.append(round(ndcg, 4))
        course.since_best += 1
        if ndcg > course.best or not len(held_out):
            course.best, course.since_best, best = ndcg, 0, copy.deepcopy(run.averaged.state_dict())
        report(_words(course, n_epochs, clock), course.n_epochs, n_epochs)
        _track_epoch(track, run, course, done)
        if checkpoint is not None:
            checkpoint.save(run, course, best, random)
    if checkpoint is not None:
        checkpoint.remove()
    if best:
        run.averaged.load_state_dict(best)
    vectors = _vectors(run).cpu()
    # Nobody had two events: nothing was learned, and nothing is said.
    return Trained(run.averaged.cpu(), vectors if best else torch.zeros_like(vectors), _about(course, options))


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass: its mean loss, over how many events, in how many seconds."""

    loss: float
    n_events: int
    seconds: float


class Lessons:
    """What one epoch goes through: everything, or what is new with some of the old."""

    def __init__(self, log: Log, options: NetworkOptions, known: Bools | None) -> None:
        """Prepare.

        Args:
            known: Events that the network has learned from before; shape `(E,)`; None for a new network.
        """
        self.log, self._options, self._known = log, options, known

    def n_steps(self) -> int:
        """Steps of an epoch, as far as they can be told beforehand: padding makes them more, cropping fewer."""
        is_new = np.ones(len(self.log.minutes), bool) if self._known is None else ~self._known
        share_told = 1.0 if self._known is None else 1.0 + self._options.replay
        n_events = min(int(share_told * is_new.sum()), len(is_new))
        return max(LEAST_STEPS, n_events // (self._options.events_per_step or 1))

    def windows(self, random: np.random.Generator) -> list[Places]:
        """The sequences of the next epoch."""
        windows = self.log.windows(self._options.history, int(random.integers(self._options.history)))
        if self._known is None:
            return windows
        is_new = np.array([not self._known[places[-1]] for places in windows], bool)
        n_old = min(round(self._options.replay * is_new.sum()), int((~is_new).sum()))
        replayed = random.permutation(np.flatnonzero(~is_new))[:n_old]
        return [windows[place] for place in np.concatenate([np.flatnonzero(is_new), replayed])]


class Clock:
    """Time spent, those of an interrupted training included."""

    def __init__(self, spent_s: float, longest_s: float) -> None:
        self._began, self._longest_s = time.monotonic() - spent_s, longest_s

    def seconds(self) -> float:
        """Spent so far."""
        return time.monotonic() - self._began

    def share(self) -> float:
        """Spent, of what may be."""
        return self.seconds() / self._longest_s

    def behind(self, share_of_work: float) -> float:
        """What lies behind of work or of time, whichever is more.

        Early on only work counts, so that a training that will end in time is the same on a slow day.
        """
        return max(share_of_work, self.share()) if self.share() > EARLY else share_of_work

    def is_over(self) -> bool:
        """Whether all of it is spent."""
        return self.share() >= 1.0


def rate_at(done: float, highest: float) -> float:
    """Linear warm-up, then a cosine down to a small remainder.

    Args:
        done: Share of the training that lies behind, in [0, 1].
    """
    if done < WARM_UP:
        return highest * max(done / WARM_UP, LOWEST_RATE)
    wave = 0.5 * (1 + math.cos(math.pi * min((done - WARM_UP) / (1 - WARM_UP), 1.0)))
    return highest * (LOWEST_RATE + (1 - LOWEST_RATE) * wave)


def _epoch(
    run: Run,
    lessons: Lessons,
    random: np.random.Generator,
    clock: Clock,
    course: Course,
    n_epochs: int,
    report: Report,
) -> Epoch | None:
    """One pass; None where there is nothing to learn from."""
    run.network.train()
    total, n_done, first_step = 0.0, 0, run.n_steps
    began = spoke = clock.seconds()
    while run.n_steps - first_step < LEAST_STEPS:
        windows = lessons.windows(random)
        if not windows:
            break
        n_events, n_before = sum(len(places) - 1 for places in windows), n_done
        for batch in batches(lessons.log, windows, run.options, random):
            # Few events are gone through several times: then steps tell how far it is, or each pass would begin anew.
            within = (run.n_steps - first_step) / LEAST_STEPS
            if n_before == 0:
                within = min(within, n_done / n_events)
            done = clock.behind((course.n_epochs + min(within, 1.0)) / n_epochs)
            loss, n_targets = run.step(batch, rate_at(done, run.options.rate or 1e-3), random)
            total, n_done = total + loss * n_targets, n_done + n_targets
            if clock.is_over():
                return Epoch(total / n_done, n_done, clock.seconds() - began)
            if clock.seconds() - spoke > REPORT_S:
                spoke = clock.seconds()
                pace = n_done / max(spoke - began, 1e-9)
                report(f"epoch {course.n_epochs + 1} of {n_epochs}, {pace:,.0f} events/s", n_done, n_events)
    return Epoch(total / n_done, n_done, clock.seconds() - began) if n_done else None


def _track_epoch(track: Curve, run: Run, course: Course, done: Epoch) -> None:
    track("loss", done.loss, course.n_epochs)
    track("held_out_ndcg", course.ndcgs[-1], course.n_epochs)
    track("learning_rate", float(run.optimiser.param_groups[0]["lr"]), course.n_epochs)
    track("events_per_s", done.n_events / max(done.seconds, 1e-9), course.n_epochs)


@torch.no_grad()
def _vectors(run: Run) -> Tensor:
    return run.averaged.tower(run.items)


def _words(course: Course, n_epochs: int, clock: Clock) -> str:
    left_s = clock.seconds() / course.n_epochs * (n_epochs - course.n_epochs)
    return (
        f"epoch {course.n_epochs} of {n_epochs}: loss {course.losses[-1]:.3f}, held-out NDCG@10 "
        f"{course.ndcgs[-1]:.4f} (best {course.best:.4f}), {left_s / 60:.1f} min left at most"
    )


def _about(course: Course, options: NetworkOptions) -> dict[str, Any]:
    return {
        "epochs": course.n_epochs,
        "steps": course.n_steps,
        "seconds": round(course.seconds, 1),
        "held_out_ndcg": round(course.best, 4),
        "losses": course.losses,
        "ndcgs": course.ndcgs,
        "preset": options.preset,
        "dim": options.dim,
        "n_blocks": options.n_blocks,
        "device": options.device,
    }
