"""Choose the few parameters that matter on the held-out choices, with Optuna."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tomlkit

from shelfwise.config.tune import USUAL_LR, TuneSpec
from shelfwise.errors import MissingExtraError
from shelfwise.pipeline.fitted import Progress
from shelfwise.track.tracker import Curve, untracked
from shelfwise.train.tuning.run import Material, key, tune

JOURNAL, OUTCOME_FILE, SNIPPET_FILE = "search.journal", "search.json", "search.toml"

RANKS = (4, 8, 16, 32)
HARD_SHARES = (0.0, 0.1, 0.3)
EPOCHS = (0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """What a search found.

    Attributes:
        spec: `[encode.tune]` with the best parameters; as it was where nothing beat the untuned encoder.
        chosen: The parameters that were searched, at their best.
        frozen: Held-out figure of the untuned encoder.
        best: That of the best trial.
        trials: One entry per finished trial: number, state, figure, parameters.
    """

    spec: TuneSpec
    chosen: dict[str, Any]
    frozen: float
    best: float
    trials: list[dict[str, Any]]

    @property
    def snippet(self) -> str:
        """What to write into `shop.toml`."""
        table = tomlkit.table()
        for name, value in {"use": True, "method": self.spec.method, **self.chosen}.items():
            table.add(name, value)
        document = tomlkit.document()
        document.add("encode", tomlkit.table(is_super_table=True).add("tune", table))
        return tomlkit.dumps(document)


def search(
    material: Material,
    spec: TuneSpec,
    folder: Path,
    progress: Progress,
    *,
    n_trials: int,
    minutes: float,
    track: Curve = untracked,
) -> SearchOutcome:
    """Try parameters within a budget; a search that was interrupted goes on, its unfinished trial included.

    Args:
        material: What may be learned from.
        spec: Everything that is not searched; its `minutes` bound each trial.
        folder: Of the journal and of the trials' checkpoints, which are removed as they finish.
        progress: Told of every step.
        n_trials: Trials in all, those of earlier runs included.
        minutes: Time for this run; the trial under way is finished.
        track: Told the held-out figure of every finished trial.

    Raises:
        MissingExtraError: Optuna is not installed.
    """
    try:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend
        from optuna.trial import TrialState
    except ImportError as cause:
        raise MissingExtraError(
            f"{cause.name} is not installed", where="encode.tune", hint="pip install 'shelfwise[train]'"
        ) from cause
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(folder / JOURNAL))),
        # What was found on other data, with another model or method, says nothing here.
        study_name=key(material, spec),
        sampler=optuna.samplers.TPESampler(seed=spec.seed, n_startup_trials=5),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2),
        direction="maximize",
        load_if_exists=True,
    )
    for left in study.get_trials(states=(TrialState.RUNNING,)):  # of a process that died: its checkpoint is there
        study.tell(left.number, state=TrialState.FAIL)
        study.enqueue_trial(left.params)
    over = (TrialState.COMPLETE, TrialState.PRUNED)
    started = time.perf_counter()
    while (n_done := len(study.get_trials(states=over))) < n_trials and time.perf_counter() - started < minutes * 60:
        trial = study.ask()
        tried = with_parameters(spec, _suggested(trial, spec))
        at = folder / "trials" / key(material, tried)
        checks: list[float] = []

        def report(_: int, figure: float, trial: Any = trial, checks: list[float] = checks) -> None:
            checks.append(figure)
            trial.report(figure, len(checks))
            if trial.should_prune():
                raise optuna.TrialPruned

        label = f"trial {n_done + 1} of {n_trials}: "
        try:
            done = tune(material, tried, at, lambda text, *counts, label=label: progress(label + text, *counts), report)
        except optuna.TrialPruned:
            study.tell(trial, state=TrialState.PRUNED)
        else:
            figures = done.about["mrr_in_pool"]
            trial.set_user_attr("frozen", figures["frozen"])
            study.tell(trial, figures["tuned"])
            track("held_out_mrr", figures["tuned"], trial.number)
        shutil.rmtree(at, ignore_errors=True)
    outcome = _outcome(study.get_trials(states=over), spec, TrialState.COMPLETE)
    document = {**asdict(outcome), "spec": outcome.spec.model_dump(mode="json")}
    (folder / OUTCOME_FILE).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    (folder / SNIPPET_FILE).write_text(outcome.snippet, encoding="utf-8")
    return outcome


def with_parameters(spec: TuneSpec, chosen: Mapping[str, Any]) -> TuneSpec:
    """The same table with some keys set, checked."""
    return TuneSpec.model_validate({**spec.model_dump(), **chosen})


def _suggested(trial: Any, spec: TuneSpec) -> dict[str, Any]:
    usual = USUAL_LR[spec.method]
    # Two digits: what the snippet says is then exactly what was tried.
    chosen: dict[str, Any] = {
        "lr": float(f"{trial.suggest_float('lr', usual / 5, usual * 5, log=True):.2g}"),
        "temperature": float(f"{trial.suggest_float('temperature', 0.03, 0.5, log=True):.2g}"),
        "epochs": trial.suggest_categorical("epochs", EPOCHS),
        "hard_negatives": trial.suggest_categorical("hard_negatives", HARD_SHARES),
    }
    if spec.method in ("lora", "adalora"):
        chosen["rank"] = trial.suggest_categorical("rank", RANKS)
    trial.set_user_attr("chosen", chosen)
    return chosen


def _outcome(trials: list[Any], spec: TuneSpec, complete: Any) -> SearchOutcome:
    entries = [
        {
            "number": one.number,
            "state": one.state.name.lower(),
            "figure": one.value,
            "parameters": one.user_attrs["chosen"],
        }
        for one in trials
    ]
    finished = [one for one in trials if one.state == complete]
    if not finished:
        return SearchOutcome(spec, {}, float("nan"), float("nan"), entries)
    best = max(finished, key=lambda one: one.value)
    frozen = float(best.user_attrs["frozen"])
    chosen = dict(best.user_attrs["chosen"]) if best.value > frozen else {}
    return SearchOutcome(with_parameters(spec, chosen), chosen, frozen, float(best.value), entries)
