"""Put every model through the exams of a data set; what has a row already is not asked again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from peers.environments import python_of
from peers.exam import Exam
from peers.exams import exam_of
from peers.models import LONG, MODELS, OWN, is_asked, model_class, seeds
from peers.own_models import encode
from peers.rectools_models import EPOCHS
from peers.rows import Key, is_stored
from peers.shops import DataSet, ready
from peers.tune import CPU_S, N_TRIALS
from record import ROOT

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked, and how hard models may try.

    Attributes:
        models: By name.
        rows: Folder of the rows.
        is_quick: Few users, few trials, one seed: proves the machinery and nothing else.
    """

    models: tuple[str, ...]
    rows: Path
    is_quick: bool = False


QUICK_USERS = 600
QUICK_TRIALS = 2
QUICK_EPOCHS = 2


def chosen(names: str) -> tuple[str, ...]:
    """Models from what the command line says: names, "peers" for all but the long ones and ours, "all" for ours too.

    Raises:
        SystemExit: there is no such model.
    """
    found: list[str] = []
    for name in names.split(","):
        if name in ("all", "peers"):
            found += [model for model in MODELS if model not in LONG and (name == "all" or model not in OWN)]
        elif name in MODELS:
            found.append(name)
        elif name != "none":
            raise SystemExit(f"no model is called {name!r}; known: all, peers, none, {', '.join(MODELS)}")
    return tuple(dict.fromkeys(found))


def compare(data: DataSet, plan: Plan, say: Say) -> list[tuple[Exam, list[str]]]:
    """Ask everybody; a model that fails is told of and left out.

    Returns:
        For each protocol its exam, and the models without a row.
    """
    folder = ready(data)
    found: list[tuple[Exam, list[str]]] = []
    for protocol in data.protocols:
        exam = exam_of(data, protocol, folder, n_users=QUICK_USERS if plan.is_quick else None)
        path = folder / f"{'quick-' if plan.is_quick else ''}exam-{protocol}.npz"
        exam.save(path)
        failed: list[str] = []
        for model in plan.models:
            if not is_asked(model, protocol, repeats=data.repeats):
                continue
            for seed in seeds(model, protocol)[: 1 if plan.is_quick else None]:
                key = Key(data.name, protocol, model, seed)
                if is_stored(plan.rows, key, exam.fingerprint()):
                    continue
                say(f"{data.name}, {protocol}: {model}, seed {seed}")
                if model_class(model).reads_texts:
                    encode(folder)
                if _ask(key, path, folder, plan, say) != 0:
                    failed.append(model)
        found.append((exam, failed))
    return found


def _ask(key: Key, exam: Path, shop: Path, plan: Plan, say: Say) -> int:
    """Run one model in its environment. It inherits standard error, so that whoever watches sees it work."""
    python = python_of(model_class(key.model).environment, say)
    command: Sequence[str | Path] = [
        *(python, "-m", "peers.ask", "--model", key.model, "--exam", exam, "--shop", shop, "--rows", plan.rows),
        *("--seed", str(key.seed), "--trials", str(QUICK_TRIALS if plan.is_quick else N_TRIALS)),
        *("--cpu-s", str(CPU_S)),
    ]
    environment = {
        "OMP_NUM_THREADS": str(len(os.sched_getaffinity(0))),
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "benchmarks"), str(ROOT / "src")]),
        # Threads that spin while they wait cost those beside them most of their time.
        "OMP_WAIT_POLICY": "passive",
    }
    if plan.is_quick:
        environment[EPOCHS] = str(QUICK_EPOCHS)
    code = subprocess.run([str(word) for word in command], env=environment).returncode
    if code != 0:
        say(f"{key.model} failed with exit code {code}")
    return code
