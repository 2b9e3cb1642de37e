"""Fitted ranking networks as one ONNX graph: all objectives of all candidates of a request in one call."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from shelfwise.neural.graph_export import exported
from shelfwise.neural.ranking.network import RankingNetwork

FEATURES, CONTEXT, SCENARIO, CANDIDATES = "features", "context", "scenario", "candidates"
HISTORY, KINDS, MINUTES = "history", "kinds", "minutes"
ROWS, HISTORY_ROWS = "rows", "history_rows"
PREDICTED = "predicted"


class _Request(nn.Module):
    """One request, all candidates at one position; the mean over networks, of probabilities and not their logs."""

    def __init__(self, networks: list[RankingNetwork], position: int) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.position = position
        self.measured = networks[0].shape.measured

    def forward(
        self,
        features: Tensor,
        context: Tensor,
        scenario: Tensor,
        candidates: Tensor,
        history: Tensor,
        kinds: Tensor,
        minutes: Tensor,
        rows: Tensor,
        history_rows: Tensor,
    ) -> Tensor:
        """Shapes `(N, F)`, `(1, C)`, `(1,)`, `(N, D)`, `(T, D)`, `(T,)`, `(T,)`, `(N,)` and `(T,)` to `(N, K)`."""
        nowhere = torch.zeros_like(features[:, 0]).long()
        given = (
            scenario + nowhere,
            self.position + nowhere,
            candidates,
            history.unsqueeze(0),
            kinds.unsqueeze(0),
            minutes.unsqueeze(0),
            (minutes < 0).unsqueeze(0),
            nowhere,
            (rows.unsqueeze(-1) == history_rows).to(features.dtype),
        )
        context = context + torch.zeros_like(features[:, :1])
        answers = torch.stack(
            [network(torch.cat([network.quantiles(features), context], dim=-1), *given) for network in self.networks]
        )
        if len(self.networks) == 1:
            return answers[0]
        as_probability = answers.exp().mean(0).clamp(min=1e-30).log()
        is_measured = torch.tensor(self.measured)
        return torch.where(is_measured, answers.mean(0), as_probability)


def request_graph(networks: list[RankingNetwork], position: int = 0) -> bytes:
    """The networks as a graph, compared with torch on requests of several sizes.

    Args:
        networks: Of one shape.
        position: At which every candidate is judged, see `Lines.positions`.
    """
    shape = networks[0].shape
    random = torch.Generator().manual_seed(0)

    def request(n: int, n_events: int) -> tuple[Tensor, ...]:
        features = torch.randn(n, shape.n_features, generator=random)
        features[torch.rand(features.shape, generator=random) < 0.2] = float("nan")
        return (
            features,
            torch.randn(1, shape.n_context, generator=random),
            torch.randint(0, shape.n_scenarios, (1,), generator=random),
            torch.randn(n, shape.vector_dim, generator=random),
            torch.randn(n_events, shape.vector_dim, generator=random),
            torch.randint(0, shape.n_kinds, (n_events,), generator=random),
            torch.rand(n_events, generator=random) * 1e5,
            torch.arange(n),
            torch.randint(0, n, (n_events,), generator=random),
        )

    names = [FEATURES, CONTEXT, SCENARIO, CANDIDATES, HISTORY, KINDS, MINUTES, ROWS, HISTORY_ROWS]
    axes = {FEATURES: "n", CANDIDATES: "n", HISTORY: "t", KINDS: "t", MINUTES: "t", ROWS: "n", HISTORY_ROWS: "t"}
    probes = [request(1, 1), request(5, 0), request(40, 9)]
    return exported(_Request(networks, position).eval(), request(3, 2), probes, names, PREDICTED, axes, where="rank")
