"""A training that was interrupted goes on after its last whole epoch: one safetensors file, its header holds the rest.

The file is replaced by one rename, so that an interruption while writing leaves the one before.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from shelfwise.datasets.interactions import Interactions
from shelfwise.neural.run import Run
from shelfwise.neural.settings import NetworkOptions


@dataclass(slots=True)
class Course:
    """How far a training has come.

    Attributes:
        n_epochs: Passes finished.
        n_steps: Steps taken.
        best: The best held-out NDCG so far; -1 before any.
        since_best: Epochs since then.
        losses: Mean loss of each epoch.
        ndcgs: Held-out NDCG after each epoch.
        seconds: Spent, over all interruptions.
    """

    n_epochs: int = 0
    n_steps: int = 0
    best: float = -1.0
    since_best: int = 0
    losses: list[float] = field(default_factory=list[float])
    ndcgs: list[float] = field(default_factory=list[float])
    seconds: float = 0.0


class Checkpoint:
    """The file of one training."""

    def __init__(self, folder: Path, options: NetworkOptions, interactions: Interactions) -> None:
        digest = hashlib.sha256(options.model_dump_json(exclude={"checkpoints", "minutes"}).encode())
        columns = (interactions.user_rows, interactions.item_rows, interactions.kinds, interactions.times_ms)
        for column in (*columns, interactions.scenarios):
            digest.update(column.tobytes())
        self.path = folder / f"{digest.hexdigest()[:16]}.safetensors"

    def save(self, run: Run, course: Course, best: dict[str, Tensor], random: np.random.Generator) -> None:
        """Write everything that the next step depends on."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        tensors = {f"network/{name}": tensor for name, tensor in run.network.state_dict().items()}
        tensors |= {f"averaged/{name}": tensor for name, tensor in run.averaged.state_dict().items()}
        tensors |= {f"best/{name}": tensor for name, tensor in best.items()}
        for place, memory in run.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{place}/{name}": torch.as_tensor(value) for name, value in memory.items()}
        if run.exposure is not None:
            tensors["exposure"] = run.exposure.shown
        tensors["random"] = torch.get_rng_state()
        if run.device.type == "cuda":  # where what is dropped is drawn
            tensors["random_cuda"] = torch.cuda.get_rng_state(run.device)
        about = {"course": asdict(course), "random": random.bit_generator.state}
        scratch = self.path.with_suffix(".unfinished")
        save_file(
            {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()},
            scratch,
            metadata={"about": json.dumps(about)},
        )
        scratch.replace(self.path)

    def resume(self, run: Run, random: np.random.Generator) -> tuple[Course, dict[str, Tensor]] | None:
        """Put a training back to where it was; None where there is nothing to go on from."""
        if not self.path.is_file():
            return None
        with safe_open(self.path, framework="pt") as file:
            about = json.loads(file.metadata()["about"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        run.network.load_state_dict(_under("network/", tensors))
        run.averaged.load_state_dict(_under("averaged/", tensors))
        known: dict[int, dict[str, Any]] = {}
        for name, tensor in _under("optimiser/", tensors).items():
            place, _, part = name.partition("/")
            known.setdefault(int(place), {})[part] = tensor
        run.optimiser.load_state_dict({**run.optimiser.state_dict(), "state": known})
        if run.exposure is not None:
            run.exposure.shown = tensors["exposure"].to(run.device)
        torch.set_rng_state(tensors["random"])
        if "random_cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random_cuda"], run.device)
        random.bit_generator.state = about["random"]
        course = Course(**about["course"])
        run.n_steps = course.n_steps
        return course, _under("best/", tensors)

    def remove(self) -> None:
        """The training is over: the next one begins anew."""
        self.path.unlink(missing_ok=True)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
