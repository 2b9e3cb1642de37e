"""Choose settings on the validation questions, within a budget that is the same for all."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from peers.peer import Axes, Settings

N_TRIALS = 12
CPU_S = 2 * 600.0
"""Ten minutes on two cores."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What tuning may cost; whichever ends first.

    Attributes:
        n_trials: Settings that are tried at most.
        cpu_s: Seconds of processor time, all threads and children together: others on the same machine cost nothing.
            A trial that was begun is ended.
    """

    n_trials: int = N_TRIALS
    cpu_s: float = CPU_S


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting that was tried."""

    settings: Settings
    ndcg: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Tuned:
    """What tuning found.

    Attributes:
        best: Place of the best trial.
        ended: What ended it: "all tried", "trials" or "time".
    """

    trials: list[Trial]
    best: int
    ended: str


def search(
    axes: Axes,
    attempt: Callable[[Settings], float],
    budget: Budget,
    matters: Callable[[str, Settings], bool] = lambda name, settings: True,
    cpu_s: Callable[[], float] = time.process_time,
) -> Tuned:
    """Walk along one setting after the other, each time with the others at their best so far, until nothing improves.

    Args:
        axes: Values by setting, the one to start from first.
        attempt: Gives the validation's NDCG of a setting.
        matters: Whether a setting makes a difference beside the others; if not, it stays where it is.
        cpu_s: The processor's clock.
    """
    started = cpu_s()
    trials: list[Trial] = []
    seen: set[str] = set()

    def is_over() -> str:
        if len(trials) >= budget.n_trials:
            return "trials"
        return "time" if trials and cpu_s() - started >= budget.cpu_s else ""

    def best() -> int:
        return max(range(len(trials)), key=lambda place: trials[place].ndcg)

    def key(settings: Settings) -> str:
        return repr(sorted((name, value) for name, value in settings.items() if matters(name, settings)))

    def try_one(settings: Settings) -> None:
        seen.add(key(settings))
        began = cpu_s()
        ndcg = attempt(settings)
        trials.append(Trial(settings, ndcg, cpu_s() - began))

    try_one({name: values[0] for name, values in axes.items()})
    while True:
        before = best()
        for name, values in axes.items():
            for value in values:
                settings = {**trials[best()].settings, name: value}
                if not matters(name, settings) or key(settings) in seen:
                    continue
                if ended := is_over():
                    return Tuned(trials, best(), ended)
                try_one(settings)
        if best() == before:
            return Tuned(trials, before, "all tried")
