"""Put one model through one exam and store its row: the program that runs in the model's own environment.

python -m peers.ask --model ease --exam exam.npz --shop FOLDER --rows FOLDER --seed 0
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from peers.exam import Exam, Known, Questions
from peers.measure import TUNED_BY, measure, with_fallback
from peers.models import MODELS, PARTS, model_class
from peers.peer import Peer, Settings, popularity
from peers.popular import Popular
from peers.rows import Key, write
from peers.spent import Spent, now
from peers.tune import CPU_S, N_TRIALS, Budget, Tuned, search
from record import commit, machine

TUNING_QUESTIONS = 10_000
"""Validation questions that settings are compared on at most, the same for every model."""


class Candidate:
    """The settings that were tried, the best fitted model among them kept: for the test it need not be fitted again."""

    def __init__(self, kind: type[Peer], known: Known, validation: Questions, exam: Exam, seed: int) -> None:
        self._kind, self._known, self._validation, self._exam, self._seed = kind, known, validation, exam, seed
        self._popular = tuned_popularity(known, validation, exam)
        self.best: Peer | None = None
        self.best_ndcg, self.best_fit = -1.0, Spent()

    def attempt(self, settings: Settings) -> float:
        """Fit, ask the validation's questions, and give the NDCG."""
        started = now()
        peer, fit = self._reused(settings), self.best_fit
        if peer is None:
            peer = self._kind(settings, self._seed)
            peer.fit(self._known, self._validation)
            fit = now() - started
        ndcg = mean_ndcg(peer, self._known, self._popular, self._validation, self._exam)
        say(f"{ndcg:.5f} in {(now() - started).cpu:.1f} s with {settings | peer.found()}")
        if ndcg > self.best_ndcg:
            self.best, self.best_ndcg, self.best_fit = peer, ndcg, fit
        return ndcg

    def _reused(self, settings: Settings) -> Peer | None:
        """The best model so far with other settings for asking, where that is all that changes."""
        if self.best is None:
            return None
        changed = {name for name, value in settings.items() if self.best.settings[name] != value}
        if not changed <= self._kind.asked_with:
            return None
        peer = self._kind.__new__(self._kind)
        peer.__dict__.update(self.best.__dict__, settings=settings)
        return peer


def run(
    model: str, exam: Exam, shop: Path | None, seed: int, budget: Budget, unfinished: tuple[Path | None, Path | None]
) -> tuple[dict[str, Any], Any]:
    """Tune, fit for the test, ask.

    Args:
        unfinished: Where a long fit may keep how far it came: before the validation, and before the test.

    Returns:
        What the row says, and the metrics of every question.
    """
    kind = model_class(model)
    before, all_known = (
        exam.known(for_validation=is_first, shop=shop, unfinished=path)
        for is_first, path in zip((True, False), unfinished, strict=True)
    )
    validation = exam.validation.sample(TUNING_QUESTIONS)
    n_trials = budget.n_trials if kind.n_trials is None else kind.n_trials
    started = now()
    tuned: Tuned | None = None
    settings: Settings = {name: values[0] for name, values in kind.axes(before, exam.about.data).items()}
    fitted: Peer | None = None
    fit = Spent()
    if n_trials > 0:
        candidate = Candidate(kind, before, validation, exam, seed)
        axes = kind.axes(before, exam.about.data)
        tuned = search(axes, candidate.attempt, Budget(n_trials, budget.cpu_s), kind.matters)
        assert candidate.best is not None
        settings = tuned.trials[tuned.best].settings | candidate.best.found()
        if not exam.is_fitted_again:
            fitted, fit = candidate.best, candidate.best_fit
        note = candidate.best.note()
        del candidate
    tuning = now() - started - fit
    if fitted is None:
        began = now()
        fitted = kind(settings, seed)
        fitted.fit(all_known, None)
        fit = now() - began
        settings = settings | fitted.found()
        note = fitted.note()
    popular = tuned_popularity(all_known, validation, exam, before)
    measured = measure(with_fallback(fitted, all_known, popular), exam.test, all_known, exam.allowed)
    about = {
        "model": model,
        "data": exam.about.data,
        "protocol": exam.about.protocol,
        "seed": seed,
        "exam": exam.fingerprint(),
        "asked": exam.about.asked,
        "n_questions": len(exam.test),
        "n_items": int(exam.allowed.sum()),
        "seen_items": "kept" if exam.about.repeats else "removed",
        "metrics": {name: round(float(values.mean()), 6) for name, values in measured.by_metric.items()},
        "settings": settings,
        "n_tried": 1 if tuned is None else len(tuned.trials),
        "tuning": None
        if tuned is None
        else {
            "budget": asdict(budget),
            "ended": tuned.ended,
            "n_questions": len(validation),
            "trials": [
                {"settings": trial.settings, "ndcg": round(trial.ndcg, 6), "cpu_s": round(trial.cpu_s, 2)}
                for trial in tuned.trials
            ],
        },
        "seconds": {
            "encode": fitted.encoded().as_document(),
            "fit": fit.as_document(),
            "tune": tuning.as_document(),
            "ask": measured.spent.as_document(),
        },
        "n_threads": int(os.environ.get("OMP_NUM_THREADS", "0")),
        "note": note,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in kind.libraries}},
    }
    return about, measured.by_metric


def tuned_popularity(known: Known, validation: Questions, exam: Exam, before: Known | None = None) -> Any:
    """Popularity with the half-life that does best on the validation; what other models fall back on.

    Args:
        before: What was known before the validation, where `known` is more.
    """
    earlier = known if before is None else before

    def ndcg(half_life_d: float | None) -> float:
        peer = Popular({"half_life_d": half_life_d}, 0)
        peer.fit(earlier, None)
        return float(measure(peer.scores, validation, earlier, exam.allowed, (TUNED_BY,)).by_metric[TUNED_BY].mean())

    half_lives: Sequence[float | None] = Popular.axes(earlier, exam.about.data)["half_life_d"]
    best = half_lives[0] if len(half_lives) == 1 else max(half_lives, key=ndcg)
    return popularity(known, best)


def mean_ndcg(peer: Peer, known: Known, popular: Any, questions: Questions, exam: Exam) -> float:
    """What tuning goes by."""
    found = measure(with_fallback(peer, known, popular), questions, known, exam.allowed, (TUNED_BY,))
    return float(found.by_metric[TUNED_BY].mean())


def say(text: str) -> None:
    """Tell whoever watches."""
    print(text, file=sys.stderr, flush=True)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "unknown"


def main() -> int:
    """One row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, choices=[*MODELS, *PARTS])
    parser.add_argument("--exam", required=True, type=Path)
    parser.add_argument("--shop", type=Path)
    parser.add_argument("--rows", required=True, type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=N_TRIALS)
    parser.add_argument("--cpu-s", type=float, default=CPU_S)
    options = parser.parse_args()
    exam = Exam.load(options.exam)
    np.random.seed(options.seed)  # libraries that draw from the global stream
    key = Key(exam.about.data, exam.about.protocol, options.model, options.seed)
    unfinished = (None, None)
    if options.shop is not None:
        stem = f"unfinished-{options.model}-{options.seed}-{exam.fingerprint()}"
        unfinished = (options.shop / f"{stem}-validation.pt", options.shop / f"{stem}-test.pt")
    budget = Budget(options.trials, options.cpu_s)
    about, by_metric = run(options.model, exam, options.shop, options.seed, budget, unfinished)
    write(options.rows, key, about, by_metric)
    for path in unfinished:
        if path is not None:
            path.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
