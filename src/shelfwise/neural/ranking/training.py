"""Train ranking networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from shelfwise.neural.exposure import Exposure
from shelfwise.neural.ranking.lines import ABSENT, Lines
from shelfwise.neural.ranking.losses import Balance, list_loss, losses, order_logits, scales
from shelfwise.neural.ranking.network import Quantiles, RankingNetwork, Shape
from shelfwise.neural.ranking.settings import RankingOptions
from shelfwise.schemas.ids import Floats
from shelfwise.track.tracker import Curve

N_KNOTS = 17
"""Quantiles kept of each feature, the ends included."""

LONGEST_GRADIENT = 1.0
WARM_UP = 0.25
"""Share of the steps in which the learning rate rises."""

QUICKER = 5.0
"""So many times the learning rate at which places in a list are learned."""

FEW_SHOWN = 50
"""Items' worth of the mean that each place starts from."""

POSITIONS, OWNERS = 2, 8
"""Places of these among the network's inputs."""

LINES_AT_ONCE = 8_192
"""Candidates predicted at a time."""

Report = Callable[[str, int | None, int | None], None]


@dataclass(frozen=True, slots=True)
class Tensors:
    """The lines as the network reads them."""

    lines: Lines
    described: Tensor
    vectors: Tensor
    quantiles: Quantiles | None = None
    """Where features are told in steps, which are made as they are needed: of all candidates they would not fit."""

    @classmethod
    def of(cls, lines: Lines, network: RankingNetwork) -> Tensors:
        """With the features as this network stands them."""
        vectors = torch.as_tensor(np.ascontiguousarray(lines.vectors, np.float32))
        if network.quantiles.in_steps:
            return cls(lines, torch.as_tensor(lines.features), vectors, network.quantiles)
        parts = [
            network.quantiles(torch.as_tensor(lines.features[first : first + LINES_AT_ONCE]))
            for first in range(0, len(lines.features), LINES_AT_ONCE)
        ]
        return cls(lines, torch.cat(parts) if parts else torch.empty(0, network.quantiles.n_out), vectors)

    def inputs(self, requests: np.ndarray[tuple[int], np.dtype[np.int64]]) -> tuple[list[Tensor], Tensor, Tensor]:
        """The network's inputs for the candidates of some requests, their outcomes and their weights."""
        lines = self.lines
        chosen, owners = lines.candidates_of(requests)
        history = torch.as_tensor(lines.history_rows[requests].astype(np.int64))
        absent = history == ABSENT
        described = self.described[torch.as_tensor(chosen)]
        if self.quantiles is not None:
            described = self.quantiles(described)
        given = [
            torch.cat([described, torch.as_tensor(lines.contexts[requests][owners])], dim=-1),
            torch.as_tensor(lines.scenarios[requests][owners]),
            torch.as_tensor(lines.positions[chosen]),
            self._vectors(torch.as_tensor(lines.rows[chosen].astype(np.int64))),
            self._vectors(history.clamp(min=0)),
            torch.as_tensor(lines.history_kinds[requests]),
            torch.as_tensor(lines.history_minutes[requests]),
            absent,
            torch.as_tensor(owners),
            (torch.as_tensor(lines.rows[chosen].astype(np.int64)).unsqueeze(-1) == history[owners]).float(),
        ]
        return given, torch.as_tensor(lines.outcomes[chosen]), torch.as_tensor(lines.weights[chosen])

    def _vectors(self, rows: Tensor) -> Tensor:
        return self.vectors[rows] if self.vectors.shape[1] else self.vectors.new_zeros((*rows.shape, 0))


def knots_of(features: Floats) -> Tensor:
    """Quantiles of what is known of each feature; shape `(F, N_KNOTS)`; 0 for a feature that is never known.

    Between the lowest and the highest; where many candidates share a value, several quantiles do too and the map steps.
    """
    found = np.zeros((features.shape[1], N_KNOTS), np.float32)
    for column in range(features.shape[1]):
        known = features[:, column]
        known = known[~np.isnan(known)]
        if len(known):
            # Distinct values as well as quantiles: a feature that is nearly always 0 would have no scale otherwise.
            of_all = np.quantile(known, np.linspace(0, 1, N_KNOTS // 2 + 1))
            of_values = np.quantile(np.unique(known), np.linspace(0, 1, N_KNOTS - len(of_all)))
            found[column] = np.sort(np.concatenate([of_all, of_values]))
    return torch.as_tensor(found)


def train(
    lines: Lines,
    shape: Shape,
    names: Sequence[str],
    options: RankingOptions,
    *,
    seed: int,
    report: Report,
    track: Curve,
) -> RankingNetwork:
    """Fit one network; the same seed gives the same one.

    Args:
        lines: What is learned from.
        shape: Sizes.
        names: Of the objectives.
        options: As the shop set them.
        seed: Of weights, order and dropout.
        report: Told of every pass.
        track: Told the loss of every pass, each objective's too.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _trained(lines, shape, names, options, seed, report, track)


def _trained(
    lines: Lines, shape: Shape, names: Sequence[str], options: RankingOptions, seed: int, report: Report, track: Curve
) -> RankingNetwork:
    network = RankingNetwork(shape, options, knots_of(lines.features))
    balance = Balance(options.balance, names, options.loss_weights)
    parameters: list[nn.Parameter] = [
        *network.parameters(),
        *(one for one in balance.parameters() if one.requires_grad),
    ]
    tensors = Tensors.of(lines, network)
    scale = scales(torch.as_tensor(lines.outcomes), torch.as_tensor(lines.weights), shape)
    _begin_at_the_mean(network, lines, shape)
    # A place in the list has one number, which all that stood there moves: at the rate of the others it would be
    # learned too late, when what it did has been laid to the items that stood there.
    of_places = [network.positions.weight]
    others = [one for one in parameters if one is not network.positions.weight]
    optimiser = torch.optim.AdamW(
        [{"params": others}, {"params": of_places, "lr": QUICKER * options.rate}],
        lr=options.rate,
        weight_decay=options.weight_decay,
        fused=True,
    )
    exposure = Exposure.of(options, torch.as_tensor(lines.item_names.astype(np.int64)))
    n_steps = options.epochs * max(1, math.ceil(len(lines) / options.requests_per_step))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _share_of_rate(step, n_steps))
    random = np.random.default_rng(seed)
    network.train()
    for epoch in range(options.epochs):
        total, by_objective, n_batches = 0.0, np.zeros(len(names)), 0
        for requests in _batches(random, len(lines), options.requests_per_step):
            given, outcomes, weights = tensors.inputs(requests)
            said = network(*given)
            found = [loss / one for loss, one in zip(losses(said, outcomes, weights, shape), scale, strict=True)]
            further = said.sum() * 0
            if options.list_loss:
                further = further + options.list_loss * list_loss(said, outcomes, given[OWNERS], len(requests), shape)
            if exposure is not None:
                rows, had = lines.rows[lines.candidates_of(requests)[0]], lines.history_rows[requests]
                further = further + exposure.loss_of_candidates(
                    order_logits(said, shape),
                    torch.as_tensor(rows.astype(np.int64)),
                    given[OWNERS],
                    torch.as_tensor(had.astype(np.int64)),
                )
            wanted = [found[0] + further, *found[1:]]
            optimiser.zero_grad(set_to_none=True)
            total += balance.backward(wanted, parameters)
            nn.utils.clip_grad_norm_(parameters, LONGEST_GRADIENT)
            optimiser.step()
            schedule.step()
            by_objective += np.array([float(loss.detach()) for loss in found])
            n_batches += 1
        track("loss", total / n_batches, epoch + 1)
        for name, loss in zip(names, by_objective / n_batches, strict=True):
            track(f"loss/{name}", float(loss), epoch + 1)
        report("ranker: network", epoch + 1, options.epochs)
    return network.eval()


def predict(network: RankingNetwork, lines: Lines, position: int | None = 0) -> Floats:
    """What the network says of every candidate; shape `(N, K)`, see `RankingNetwork.forward`.

    Args:
        network: Fitted.
        lines: Requests.
        position: At which every candidate is judged, as in service; None: where each stood.
    """
    tensors, parts = Tensors.of(lines, network), list[Tensor]()
    with torch.no_grad():
        for requests in _in_order(lines):
            given, _, _ = tensors.inputs(requests)
            if position is not None:
                given[POSITIONS] = torch.full_like(given[POSITIONS], position)
            parts.append(network(*given))
    return torch.cat(parts).numpy() if parts else np.empty((0, len(network.shape.parents)), np.float32)


def _share_of_rate(step: int, n_steps: int) -> float:
    """Of the highest learning rate: it rises over the first steps and falls along a cosine to 0."""
    n_rising = max(1, round(WARM_UP * n_steps))
    if step < n_rising:
        return (step + 1) / n_rising
    return 0.5 * (1 + math.cos(math.pi * (step - n_rising + 1) / max(n_steps - n_rising + 1, 1)))


def _begin_at_the_mean(network: RankingNetwork, lines: Lines, shape: Shape) -> None:
    """Start each tower at how often its objective happens where its parent does: rare ones need not learn that."""
    weights = lines.weights
    with torch.no_grad():
        _begin_at_places(network, lines, shape)
        for column, (parent, is_measured) in enumerate(zip(shape.parents, shape.measured, strict=True)):
            wanted = lines.outcomes[:, column]
            known = ~np.isnan(wanted)
            if is_measured:
                told = wanted[known & (wanted > 0)]
                mean = float(np.log1p(told).mean()) if len(told) else 0.0
                network.towers[column].bias.fill_(math.log(math.expm1(max(mean, 1e-3))))
                continue
            if parent >= 0:
                known &= lines.outcomes[:, parent] == 1
            share = float((wanted[known] * weights[known]).sum() / max(weights[known].sum(), 1e-9))
            share = min(max(share, 1e-6), 1 - 1e-6)
            network.towers[column].bias.fill_(math.log(share / (1 - share)))


def _begin_at_places(network: RankingNetwork, lines: Lines, shape: Shape) -> None:
    """Start each place of a list at how its log-odds differ from those of all places: items then explain the rest."""
    places = np.minimum(lines.positions, len(network.positions.weight) - 1)
    n = np.bincount(places, minlength=len(network.positions.weight)).astype(np.float64)
    n[0] = 0  # of no list
    for column, (parent, is_measured) in enumerate(zip(shape.parents, shape.measured, strict=True)):
        if parent >= 0 or is_measured or not n.any():
            continue
        happened = np.bincount(places, np.nan_to_num(lines.outcomes[:, column]) == 1, minlength=len(n))
        mean = happened[1:].sum() / n.sum()
        share = (happened + FEW_SHOWN * mean) / (n + FEW_SHOWN)
        share = np.clip(share, 1e-6, 1 - 1e-6)
        mean = float(np.clip(mean, 1e-6, 1 - 1e-6))
        odds = np.where(n > 0, np.log(share / (1 - share)) - np.log(mean / (1 - mean)), 0.0)
        network.positions.weight[:, column] = torch.as_tensor(odds, dtype=torch.float32)


def _batches(random: np.random.Generator, n: int, size: int) -> Iterator[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    order = random.permutation(n)
    for first in range(0, n, size):
        yield order[first : first + size]


def _in_order(lines: Lines) -> Iterator[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    first = 0
    while first < len(lines):
        last = int(np.searchsorted(lines.starts, lines.starts[first] + LINES_AT_ONCE, side="right")) - 1
        last = min(max(last, first + 1), len(lines))
        yield np.arange(first, last)
        first = last
