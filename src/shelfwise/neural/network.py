"""The whole network: item tower and history encoder, which speak through vectors of length 1."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from shelfwise.neural.history_encoder import HistoryEncoder
from shelfwise.neural.item_inputs import ItemInputs, Vocabulary
from shelfwise.neural.item_tower import ItemTensors, ItemTower
from shelfwise.neural.settings import NetworkOptions


class Network(nn.Module):
    """Items and histories in one space: the cosine of a user and an item says how likely it comes next."""

    def __init__(
        self, options: NetworkOptions, inputs: ItemInputs, vocabulary: Vocabulary, n_scenarios: int = 0
    ) -> None:
        """Begin with random weights.

        Args:
            n_scenarios: Scenarios that the log tells apart; 0: none is read.
        """
        super().__init__()
        dim, n_blocks, n_heads, dropout = options.dim, options.n_blocks, options.n_heads, options.dropout
        if dim is None or n_blocks is None or n_heads is None or dropout is None:
            raise ValueError("the options must be resolved first")
        self.tower = ItemTower(
            options.item,
            n_items=len(inputs),
            text_dim=inputs.texts.shape[1],
            picture_dim=inputs.pictures.shape[1],
            n_names=len(vocabulary.names),
            dim=dim,
            dropout=options.tower_dropout,
            delta_bound=options.delta_bound,
            delta_dropout=options.delta_dropout,
        )
        self.encoder = HistoryEncoder(
            dim=dim,
            n_blocks=n_blocks,
            n_heads=n_heads,
            history=options.history,
            dropout=dropout,
            gated=options.block == "gated",
            positions=options.positions,
            time_bias=options.time_bias,
            n_scenarios=n_scenarios if options.scenario else 0,
        )
        self.log_scale = nn.Parameter(torch.tensor(math.log(options.logit_scale)), requires_grad=options.learn_scale)

    @property
    def scale(self) -> Tensor:
        """What cosines are multiplied by; a scalar, at most 100."""
        return self.log_scale.exp().clamp(max=100.0)

    def forward(
        self, items: ItemTensors, rows: Tensor, kinds: Tensor, minutes_ago: Tensor, scenarios: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The catalogue's vectors `(N, D)`, and a user vector after each event `(B, T, D)`."""
        vectors = self.tower(items)
        # Looked up, not indexed: see `RelativeBias`.
        return vectors, self.encoder(functional.embedding(rows, vectors), kinds, minutes_ago, scenarios)
