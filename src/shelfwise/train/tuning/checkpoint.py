"""Checkpoints of a tuning: tensors as safetensors, the rest as JSON, never pickle. Needs torch.

A checkpoint is a folder `checkpoint-<step>` that appears under its name when it is whole; the ones before are removed
after that, so that whenever a process dies there is one to go on from.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from shelfwise.train.tuning.methods import ADAPTER, Prepared

WEIGHTS, BEST, OPTIMISER, ALLOCATOR, STATE = (
    "weights.safetensors",
    "best.safetensors",
    "optimiser.safetensors",
    "allocator.safetensors",
    "state.json",
)


@dataclass
class State:
    """Where a tuning stands.

    Attributes:
        step: Steps done.
        n_steps: Steps that there will be; 0 until that is known.
        best_step: The step with the best held-out figure; 0: the untuned encoder.
        best: That figure.
        n_worse: Checks since.
        seconds: Time spent.
        checks: One entry per check: step, figure, loss since the check before, learning rate, seconds.
    """

    step: int = 0
    n_steps: int = 0
    best_step: int = 0
    best: float = 0.0
    n_worse: int = 0
    seconds: float = 0.0
    checks: list[dict[str, float]] = field(default_factory=list[dict[str, float]])


def save(
    folder: Path, prepared: Prepared, optimiser: torch.optim.Optimizer, best: dict[str, Tensor], state: State
) -> None:
    """Write a checkpoint and remove the ones before."""
    scratch = folder / ".checkpoint"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    names = list(prepared.trainable())
    save_file(snapshot(prepared), scratch / WEIGHTS)
    if best:
        save_file(best, scratch / BEST)
    moments = {
        f"{kind}/{names[place]}": value.detach().cpu().contiguous()
        for place, entry in optimiser.state_dict()["state"].items()
        for kind, value in entry.items()
    }
    save_file(moments, scratch / OPTIMISER)
    document = asdict(state)
    if prepared.allocator is not None:
        allocator = prepared.allocator
        save_file(
            {
                f"{kind}/{name}": value.cpu().contiguous()
                for kind in ("ipt", "exp_avg_ipt", "exp_avg_unc")
                for name, value in getattr(allocator, kind).items()
            },
            scratch / ALLOCATOR,
        )
        document["rank_pattern"] = prepared.encoder.model.peft_config[ADAPTER].rank_pattern
    (scratch / STATE).write_text(json.dumps(document))
    scratch.replace(folder / f"checkpoint-{state.step:08d}")
    for older in _all(folder)[:-1]:
        shutil.rmtree(older)


def restore(
    folder: Path, prepared: Prepared, optimiser: torch.optim.Optimizer
) -> tuple[State, dict[str, Tensor]] | None:
    """Bring everything to the newest checkpoint; None where there is none.

    Returns:
        The state, and the best weights so far (none where the untuned encoder is best).
    """
    found = _all(folder)
    if not found:
        return None
    at = found[-1]
    document = json.loads((at / STATE).read_text())
    rank_pattern = document.pop("rank_pattern", None)
    put(prepared, load_file(at / WEIGHTS))
    names = list(prepared.trainable())
    entries: dict[int, dict[str, Tensor]] = {}
    for name, value in load_file(at / OPTIMISER).items():
        kind, weight = name.split("/", 1)
        entries.setdefault(names.index(weight), {})[kind] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": entries})
    if prepared.allocator is not None:
        for name, value in load_file(at / ALLOCATOR).items():
            kind, weight = name.split("/", 1)
            getattr(prepared.allocator, kind)[weight] = value.to(next(prepared.encoder.parameters()).device)
        prepared.encoder.model.peft_config[ADAPTER].rank_pattern = rank_pattern
    best = load_file(at / BEST) if (at / BEST).is_file() else {}
    return State(**document), best


def snapshot(prepared: Prepared) -> dict[str, Tensor]:
    """A copy of what changes."""
    return {name: weight.detach().cpu().clone().contiguous() for name, weight in prepared.trainable().items()}


def put(prepared: Prepared, weights: dict[str, Tensor]) -> None:
    """Set what changes."""
    with torch.no_grad():
        for name, weight in prepared.trainable().items():
            weight.copy_(weights[name])


def clear(folder: Path) -> None:
    """Remove all checkpoints."""
    for path in (*_all(folder), folder / ".checkpoint"):
        shutil.rmtree(path, ignore_errors=True)


def _all(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint-*"))
