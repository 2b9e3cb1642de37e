"""Fitted ranking networks as one ONNX graph: all objectives of all candidates of a request in one call."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from shelfwise.neural.graph_export import exported
from shelfwise.neural.ranking.network import RankingNetwork

FEATURES, SCENARIO, CANDIDATES = "features", "scenario", "candidates"
HISTORY, KINDS, MINUTES = "history", "kinds", "minutes"
PREDICTED = "predicted"


class _Request(nn.Module):
    """One request, its position fixed; the mean over networks, log-probabilities being averaged as probabilities."""

    def __init__(self, networks: list[RankingNetwork]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.measured = networks[0].shape.measured

    def forward(
        self, features: Tensor, scenario: Tensor, candidates: Tensor, history: Tensor, kinds: Tensor, minutes: Tensor
    ) -> Tensor:
        """Shapes `(N, F)`, `(1,)`, `(N, D)`, `(T, D)`, `(T,)` and `(T,)` to `(N, K)`."""
        nowhere = torch.zeros_like(features[:, 0]).long()
        given = (
            scenario + nowhere,
            nowhere,
            candidates,
            history.unsqueeze(0),
            kinds.unsqueeze(0),
            minutes.unsqueeze(0),
            (minutes < 0).unsqueeze(0),
            nowhere,
        )
        answers = torch.stack([network(network.quantiles(features), *given) for network in self.networks])
        if len(self.networks) == 1:
            return answers[0]
        as_probability = answers.exp().mean(0).clamp(min=1e-30).log()
        is_measured = torch.tensor(self.measured)
        return torch.where(is_measured, answers.mean(0), as_probability)


def request_graph(networks: list[RankingNetwork]) -> bytes:
    """The networks as a graph, compared with torch on requests of several sizes."""
    shape = networks[0].shape
    random = torch.Generator().manual_seed(0)

    def request(n: int, n_events: int) -> tuple[Tensor, ...]:
        features = torch.randn(n, shape.n_features, generator=random)
        features[torch.rand(features.shape, generator=random) < 0.2] = float("nan")
        return (
            features,
            torch.randint(0, shape.n_scenarios, (1,), generator=random),
            torch.randn(n, shape.vector_dim, generator=random),
            torch.randn(n_events, shape.vector_dim, generator=random),
            torch.randint(0, shape.n_kinds, (n_events,), generator=random),
            torch.rand(n_events, generator=random) * 1e5,
        )

    names = [FEATURES, SCENARIO, CANDIDATES, HISTORY, KINDS, MINUTES]
    axes = {FEATURES: "n", CANDIDATES: "n", HISTORY: "t", KINDS: "t", MINUTES: "t"}
    probes = [request(1, 1), request(5, 0), request(40, 9)]
    return exported(_Request(networks).eval(), request(3, 2), probes, names, PREDICTED, axes, where="rank")
