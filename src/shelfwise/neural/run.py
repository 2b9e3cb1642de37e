"""One training as it goes on: the network, its running average, the optimiser, and a step."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from shelfwise.neural.batches import Batch
from shelfwise.neural.exposure import USERS, Exposure
from shelfwise.neural.item_inputs import ItemInputs
from shelfwise.neural.item_tower import ItemTensors
from shelfwise.neural.network import Network
from shelfwise.neural.objective import draw, full_softmax, sampled_softmax
from shelfwise.neural.settings import NetworkOptions

LONGEST_GRADIENT = 1.0
HEAVIEST = 10.0
"""Weight of an event against the mean one, at most: rare items would shake the steps."""

COMPILING_PAYS_FROM = 20_000
"""Steps. Measured on an H100 with the sizes of the preset for a GPU: the first steps of a compiled encoder took 106 s,
each later one 11.8 ms instead of 17.3."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What may come next: the items that somebody turned to.

    An item that nobody touched is never a wrong answer either: it would be pushed away from everybody, and its text
    with it.

    Attributes:
        rows: Their rows; shape `(C,)`.
        place_of: Each row's place among them, -1 for the others; shape `(N,)`.
        frequencies: How often each is a target, summing to 1; shape `(C,)`.
        prior: What the softmax knows beforehand, see `full_softmax`; shape `(C,)`; None where nothing.
        weights: Of an event by its item, 1 for the mean event; shape `(C,)`; None where all weigh the same.
    """

    rows: Tensor
    place_of: Tensor
    frequencies: Tensor
    prior: Tensor | None
    weights: Tensor | None

    @classmethod
    def of(
        cls, n_seen: np.ndarray[tuple[int], np.dtype[np.int32]], device: torch.device, options: NetworkOptions
    ) -> Self:
        """From how often each item was seen; shape `(N,)`."""
        rows = torch.as_tensor(np.flatnonzero(n_seen > 0), device=device)
        place_of = torch.full((len(n_seen),), -1, device=device)
        place_of[rows] = torch.arange(len(rows), device=device)
        counts = torch.as_tensor(n_seen.copy(), device=device)[rows].float()
        frequencies = counts / counts.sum().clamp(min=1.0)
        # Relative to the most popular, so that none is above 1: see the bound in `full_softmax`.
        prior = (counts / counts.max()) ** options.log_q if options.log_q and len(rows) else None
        weights = None
        if options.propensity and len(rows):
            weights = counts**-options.propensity
            weights = (weights / (weights * frequencies).sum()).clamp(max=HEAVIEST)
            weights = weights / (weights * frequencies).sum()
        return cls(rows, place_of, frequencies, prior, weights)

    def weights_of(self, wanted: Tensor) -> Tensor | None:
        """Of some targets, by their places; shape `(P,)`."""
        return None if self.weights is None else self.weights[wanted]


@dataclass(slots=True)
class Run:
    """Everything that changes from step to step.

    Attributes:
        averaged: The running average of the weights: what is judged, and kept.
        n_steps: Steps taken.
    """

    network: Network
    averaged: Network
    optimiser: torch.optim.Optimizer
    options: NetworkOptions
    items: ItemTensors
    targets: Targets
    exposure: Exposure | None
    device: torch.device
    n_steps: int = 0

    @classmethod
    def begin(cls, network: Network, inputs: ItemInputs, options: NetworkOptions, device: torch.device) -> Self:
        """Before the first step."""
        network.to(device)
        averaged = copy.deepcopy(network).eval()
        items, targets = ItemTensors.of(inputs, device), Targets.of(inputs.n_seen, device, options)
        return cls(
            network,
            averaged,
            _optimiser(network, options),
            options,
            items,
            targets,
            Exposure.of(options, items.names[targets.rows]),
            device,
        )

    def prepare_for(self, n_steps: int) -> None:
        """Compile the encoder where so many steps are to come that it pays."""
        if is_worth_compiling(self.device, n_steps):
            self.network.encoder.compile(dynamic=True)

    def step(self, batch: Batch, rate: float, random: np.random.Generator) -> tuple[float, int]:
        """Learn from a batch; the mean loss, and over how many targets."""
        rows, kinds, minutes_ago, scenarios, targets = (
            torch.as_tensor(part, device=self.device)
            for part in (batch.items, batch.kinds, batch.minutes_ago, batch.scenarios, batch.targets)
        )
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            vectors, users = self.network(self.items, rows, kinds, minutes_ago, scenarios)  # (N, D), (B, T, D)
        asked = targets >= 0  # (B, T): padding is never asked
        wanted = self.targets.place_of[targets[asked]]  # (P,)
        candidates = vectors[self.targets.rows].float()  # (C, D)
        loss = total = self._loss(users[asked].float(), candidates, wanted, random)
        if self.exposure is not None:
            total = loss + self._exposed(self.exposure, users.float(), candidates, rows, asked)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), LONGEST_GRADIENT)
        self.optimiser.step()
        self.n_steps += 1
        self._average()
        return float(loss.detach()), len(wanted)

    def _exposed(self, exposure: Exposure, users: Tensor, items: Tensor, rows: Tensor, asked: Tensor) -> Tensor:
        """What the slates after the sequences' last events show; of each step's first sequences, drawn at random."""
        lines = torch.nonzero(asked.any(1)).squeeze(1)[:USERS]
        asked = asked[lines]
        last = asked.shape[1] - 1 - asked.flip(1).to(torch.int8).argmax(1)  # (B,)
        inside = torch.arange(asked.shape[1], device=asked.device) <= last.unsqueeze(1)
        had = torch.where(inside, self.targets.place_of[rows[lines]], -1)  # (B, T)
        return exposure.loss(users[lines, last], items, had, self.network.scale)

    def _loss(self, users: Tensor, items: Tensor, wanted: Tensor, random: np.random.Generator) -> Tensor:
        scale = self.network.scale
        if len(items) <= self.options.full_up_to:
            return full_softmax(
                users,
                items,
                wanted,
                scale,
                prior=self.targets.prior,
                weights=self.targets.weights_of(wanted),
                half=fast_half(self.device),
            )
        generator = torch.Generator().manual_seed(int(random.integers(2**62)))
        drawn, log_q = draw(wanted, self.targets.frequencies, self.options.n_negatives, generator)
        return sampled_softmax(
            users,
            items,
            wanted,
            scale,
            drawn,
            log_q,
            prior=self.targets.prior,
            weights=self.targets.weights_of(wanted),
        )

    @torch.no_grad()
    def _average(self) -> None:
        # A young average forgets its random beginning faster.
        memory = min(self.options.average, self.n_steps / (self.n_steps + 9.0))
        torch._foreach_lerp_(list(self.averaged.parameters()), list(self.network.parameters()), 1.0 - memory)


def is_worth_compiling(device: torch.device, n_steps: int) -> bool:
    """Whether compiling wins more time in so many steps than it takes; on a processor it was never found to."""
    return device.type == "cuda" and n_steps >= COMPILING_PAYS_FROM


def fast_half(device: torch.device) -> bool:
    """Whether matrices in bfloat16 are multiplied faster than in single precision here."""
    return device.type == "cuda" or bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _optimiser(network: Network, options: NetworkOptions) -> torch.optim.Optimizer:
    decayed = {id(module.weight) for module in network.modules() if isinstance(module, nn.Linear)}
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [one for one in learned if id(one) in decayed], "weight_decay": options.weight_decay},
        {"params": [one for one in learned if id(one) not in decayed], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=1e-3, betas=(0.9, 0.98), fused=True)
