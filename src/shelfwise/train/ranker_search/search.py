"""Search the ranker's settings over several objectives, with Optuna."""

from __future__ import annotations

import hashlib
import json
import time
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise.config.objectives import goal_of
from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.training_data import TrainingData
from shelfwise.errors import ConfigError, MissingExtraError, StateError
from shelfwise.pipeline.components import build_ranker, resolved
from shelfwise.pipeline.fitted import Progress
from shelfwise.rank.multi_objective import MultiObjective
from shelfwise.schemas.ids import Bools
from shelfwise.track.tracker import NOTHING, Tracker, under
from shelfwise.train.fingerprints import fingerprint
from shelfwise.train.past_requests import SEED, ask_the_past
from shelfwise.train.ranker_search.figures import judgeable, ndcg_by_objective, parts, predictions
from shelfwise.train.ranker_search.past import before_the_exam
from shelfwise.train.ranker_search.points import Front, Point, with_front
from shelfwise.train.ranker_search.space import suggested

FOLDER = "ranker-search"
JOURNAL, FRONT_FILE = "search.journal", "front.json"
N_RANDOM = 10
"""Trials at random before any is chosen by what the others brought."""

OWN = -1
"""Number of the shop's own settings."""


def search(
    config: ShopConfig,
    data: TrainingData,
    users: Bools,
    folder: Path,
    progress: Progress,
    *,
    scenario: str,
    n_trials: int,
    minutes: float,
    tracker: Tracker = NOTHING,
) -> Front:
    """Try settings within a budget; a search that was interrupted goes on, its unfinished trial included.

    Each trial learns from the earlier visits of the past, calibrates on the latest of these, and orders the visits
    after them by its own weights: what that brings is measured for every objective by itself, and nothing is summed up.
    What `shelfwise evaluate` asks about is not looked at.

    Args:
        config: The shop's.
        data: Everything the shop has.
        users: Who may be asked about, by user row.
        folder: Of the journal and of what was found.
        progress: Told of every step.
        scenario: Whose weights the lines for `shop.toml` set.
        n_trials: Trials in all, those of earlier runs included.
        minutes: Time for this run, asking the past included; the trial under way is finished.
        tracker: Told the figures of every finished trial.

    Raises:
        MissingExtraError: Optuna or torch is not installed.
        ConfigError: the shop's ranker knows one goal only.
        StateError: the past does not tell enough of any objective.
    """
    try:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend
        from optuna.trial import TrialState
    except ImportError as cause:
        raise MissingExtraError(
            f"{cause.name} is not installed", where="rank", hint="pip install 'shelfwise[train]'"
        ) from cause
    base = ranker_of(config)
    started = time.perf_counter()
    data = before_the_exam(config, data, users)
    table = ask_the_past(config, data, users, progress, outcomes=True, tracker=tracker).table
    earlier, later = parts(table)
    judged = tuple(judgeable(later))
    goal = goal_of(earlier.objectives)
    if goal not in judged:
        raise StateError(
            f"none of the {len(later.groups):,} later visits led to a {goal}: there is nothing to choose settings by",
            where="objectives",
            hint="a longer log is needed",
            code="no_outcomes",
        )
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(folder / JOURNAL))),
        study_name=_key(config, data, judged),  # what was found on other data, or for other parts, says nothing here
        sampler=optuna.samplers.TPESampler(seed=SEED, n_startup_trials=N_RANDOM),
        directions=[optuna.study.StudyDirection.MAXIMIZE] * len(judged),
        load_if_exists=True,
    )
    for left in study.get_trials(states=(TrialState.RUNNING,)):  # of a process that died
        study.tell(left.number, state=TrialState.FAIL)
        study.enqueue_trial(left.params)

    def tried(options: dict[str, Any], weights: dict[str, float] | None, number: int, label: str) -> Point:
        ranker = MultiObjective(base.options.model_copy(update=options))
        n_passes = 2 * ranker.options.epochs * ranker.options.n_networks  # to calibrate, and of everything
        passed = count(1)
        ranker.fit(earlier, seed=SEED, report=lambda _: progress(label, next(passed), n_passes))
        order = ranker.default_weights if weights is None else weights
        scores = predictions(ranker, later) @ np.array([order.get(name, 0.0) for name in ranker.objectives])
        every = dict(zip(later.objectives, ndcg_by_objective(scores, later).tolist(), strict=True))
        figures = {name: every[name] for name in judged}
        for name, figure in figures.items():
            under(tracker, "search")(f"ndcg/{name}", figure, max(number, 0))
        return Point(number, options, order, figures)

    if "own" not in study.user_attrs:
        told = config.scenarios[scenario].weights if scenario in config.scenarios else {}
        known = {name: weight for name, weight in told.items() if name in earlier.objectives}  # revenue is none of them
        own = tried({}, known or None, OWN, "the shop's own settings")
        study.set_user_attr("own", {"weights": own.weights, "figures": own.figures})
    own = Point(OWN, base.options.model_dump(exclude_unset=True), **study.user_attrs["own"])
    over = (TrialState.COMPLETE,)
    while (n_done := len(study.get_trials(states=over))) < n_trials and time.perf_counter() - started < minutes * 60:
        trial = study.ask()
        options, weights = suggested(trial, base.options, earlier)
        point = tried(options, weights, trial.number, f"trial {n_done + 1} of {n_trials}")
        trial.set_user_attr("options", {**own.options, **options})
        trial.set_user_attr("weights", weights)
        study.tell(trial, [point.figures[name] for name in judged])
    points = [
        Point(
            one.number, one.user_attrs["options"], one.user_attrs["weights"], dict(zip(judged, one.values, strict=True))
        )
        for one in study.get_trials(states=over)
    ]
    own, marked = with_front(own, points, judged)
    happens = np.any(np.nan_to_num(table.outcomes) > 0, axis=0).tolist()
    not_judged = tuple(
        name for name, ever in zip(table.objectives, happens, strict=True) if ever and name not in judged
    )
    found = Front(judged, not_judged, goal, scenario, own, marked, len(earlier.groups), len(later.groups))
    scratch = folder / f".{FRONT_FILE}"
    scratch.write_text(json.dumps(found.as_document(), indent=2) + "\n", encoding="utf-8")
    scratch.replace(folder / FRONT_FILE)
    return found


def stored(folder: Path) -> Front:
    """What the last search found.

    Raises:
        StateError: there was none.
    """
    path = folder / FRONT_FILE
    if not path.is_file():
        raise StateError(
            "no settings of the ranker were tried yet",
            where=str(path),
            hint="`shelfwise tune ranker --search 20` tries twenty",
            code="no_search",
        )
    return Front.from_document(json.loads(path.read_text(encoding="utf-8")))


def ranker_of(config: ShopConfig) -> MultiObjective:
    """The shop's ranker, not fitted.

    Raises:
        ConfigError: it knows one goal only.
    """
    ranker = build_ranker(config)
    if not isinstance(ranker, MultiObjective):
        raise ConfigError(
            f"{config.rank.use!r} knows one goal only",
            expected="'multi-objective'",
            where="rank.use",
            hint='set [rank] use = "multi-objective": its settings are what `shelfwise tune ranker` tries',
        )
    return ranker


def _key(config: ShopConfig, data: TrainingData, judged: tuple[str, ...]) -> str:
    parts_of_it = {name: resolved(config)[name] for name in ("rank", "retrieve", "objectives", "behaviour", "encode")}
    text = json.dumps([parts_of_it, fingerprint(data), judged], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
