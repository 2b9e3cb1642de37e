"""Candidates with the scores of a real model, for every question of a shop's exam: trained and asked once, then kept.

The model is that of `shelfwise init --quick`, without `ease`, and with fewer and heavier trees: a few per cent less
accurate than the whole, and trained in minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from peers.exam import Exam, Questions
from peers.exams import exam_of, examples_of
from peers.own_models import encode, merged, training_data
from peers.shops import DATA_SETS, PREPARED, Protocol, ready
from shelfwise.pipeline.funnel import allowed_for
from shelfwise.schemas.ids import Bools, Floats, Rows
from shelfwise.train.fit import fit

LIGHT = {
    "retrieve": {"sequence": None, "ease": None},
    "rank": {"use": "fusion", "model": "trees", "n_trees": 100, "learning_rate": 0.1},
}
"""What is configured otherwise than by default."""

N = 300
"""Candidates kept of each question, the ranker's best."""

N_VALIDATION, N_TEST = 25_000, 25_000
"""Questions that constants are tuned on, and that are reported: users drawn at random where a shop has more. All of two
shops: what a setting costs is told by the few whose right answer it moves."""

BATCH = 256

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """The ranker's best candidates of many questions.

    Attributes:
        rows: Best first, -1 where a question has fewer; shape `(B, N)`.
        scores: The ranker's, -inf where there is none; shape `(B, N)`.
        is_right: Which candidates are right answers; shape `(B, N)`.
        n_right: Right answers, candidates or not; shape `(B,)`.
        starts: Where each question's history starts in `history`; shape `(B + 1,)`.
        history: Items that the users turned to, oldest first; shape `(T,)`.
    """

    rows: Rows
    scores: Floats
    is_right: Bools
    n_right: Rows
    starts: Rows
    history: Rows

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Prepared:
    """One shop, asked.

    Attributes:
        past_users: User of each event that was known before the test; shape `(E,)`.
        past_items: Item of it; shape `(E,)`.
        allowed: What may be shown; shape `(n,)`.
    """

    name: str
    validation: Asked
    test: Asked
    past_users: Rows
    past_items: Rows
    allowed: Bools


def prepared(name: str, protocol: Protocol, say: Say) -> Prepared:
    """A shop's candidates, made where they are absent."""
    data = DATA_SETS[name]
    kept = PREPARED / f"slates-{name}-{N}.npz"
    if not kept.exists():
        folder = ready(data)
        exam = exam_of(data, protocol, folder)
        say(f"{name}: encoding texts")
        encode(folder)
        arrays: dict[str, Any] = {
            "past_users": exam.past.user_rows,
            "past_items": exam.past.item_rows,
            "allowed": exam.allowed,
        }
        for part, found in _asked(name, exam, folder, say).items():
            arrays |= {f"{part}.{field}": getattr(found, field) for field in Asked.__slots__}
        np.savez_compressed(kept, **arrays)
    with np.load(kept, allow_pickle=False) as file:
        parts = {
            part: Asked(**{field: file[f"{part}.{field}"] for field in Asked.__slots__})
            for part in ("validation", "test")
        }
        return Prepared(name, **parts, **{field: file[field] for field in ("past_users", "past_items", "allowed")})


def _asked(name: str, exam: Exam, folder: Path, say: Say) -> dict[str, Asked]:
    """Both parts; a model knows nothing that happened after the moment it is asked at."""
    found: dict[str, Asked] = {}
    score: Callable[[Questions, str], Asked] | None = None
    for part, of_part in (("validation", exam.validation.sample(N_VALIDATION)), ("test", exam.test.sample(N_TEST))):
        if score is None or exam.is_fitted_again:
            score = _model(name, exam, folder, part == "validation", say)
        found[part] = score(of_part, part)
    return found


def _model(name: str, exam: Exam, folder: Path, for_validation: bool, say: Say) -> Callable[[Questions, str], Asked]:
    known = exam.known(for_validation=for_validation, shop=folder)
    repeats = {"behaviour": {"repeats": "allow" if known.repeats else "exclude"}}
    config, data, users = training_data(known, with_texts=True, overrides=merged(LIGHT, repeats))
    fitted = fit(config, data, users, lambda text, done, total: say(f"{name}: {text} {done or ''}"))

    def score(questions: Questions, part: str) -> Asked:
        rows = np.full((len(questions), N), -1, np.int32)
        scores = np.full((len(questions), N), -np.inf, np.float32)
        is_right = np.zeros((len(questions), N), bool)
        for start in range(0, len(questions), BATCH):
            say(f"{name}: asking {part} {start} of {len(questions)}")
            places = np.arange(start, min(start + BATCH, len(questions)))
            examples = examples_of(questions.take(places), known.target)
            requests = [
                (
                    one.situation.latest(config.behaviour.history),
                    allowed_for(exam.allowed, one.situation, repeats=known.repeats),
                )
                for one in examples
            ]
            for line, (one, ranked) in enumerate(
                zip(examples, fitted.funnel.rank_many(requests), strict=True), start=start
            ):
                n = min(N, len(ranked.rows))
                rows[line, :n], scores[line, :n] = ranked.rows[:n], ranked.scores[:n]
                is_right[line, :n] = np.isin(ranked.rows[:n], one.relevant)
        n_right = np.diff(questions.relevant_starts).astype(np.int32)
        return Asked(rows, scores, is_right, n_right, questions.starts.astype(np.int32), questions.item_rows)

    return score
