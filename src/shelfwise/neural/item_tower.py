"""The item tower: text, picture and attributes fused by attention, and a bounded part learned from behaviour.

text ──── MLP ────┐
picture ─ MLP ────┼─ attention over what is there, a gate each ── norm ──┐
names, price ─────┘                                                      ├─ sum ── length 1
behaviour ── bounded delta × gate(how often seen), dropped at random ────┘
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional

from shelfwise.neural.item_inputs import N_PRICE_STEPS, ItemInputs
from shelfwise.neural.settings import ItemSource

SMALL = 0.02


@dataclass(frozen=True, slots=True)
class ItemTensors:
    """`ItemInputs` where the network is."""

    texts: Tensor  # (N, D_text)
    pictures: Tensor  # (N, D_picture)
    names: Tensor  # (N, MAX_NAMES)
    prices: Tensor  # (N,)
    n_seen: Tensor  # (N,)

    @classmethod
    def of(cls, inputs: ItemInputs, device: torch.device) -> ItemTensors:
        """Copy the arrays."""
        return cls(*(torch.as_tensor(getattr(inputs, field.name).copy(), device=device) for field in fields(inputs)))


class Projection(nn.Module):
    """A two-layer perceptron into the model's space, and whether there was anything to project."""

    def __init__(self, from_dim: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.from_dim = from_dim
        self.layers = nn.Sequential(
            nn.Linear(from_dim, 2 * dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * dim, dim), nn.LayerNorm(dim)
        )

    def forward(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors `(N, D_in)` to `(N, D)`, and `(N,)`: False where a row is all zeros."""
        return self.layers(vectors), vectors.abs().sum(1) > 0


class Attributes(nn.Module):
    """The mean of an item's names, and its price bucket."""

    def __init__(self, n_names: int, dim: int) -> None:
        super().__init__()
        self.names = nn.Embedding(n_names + 1, dim, padding_idx=0)
        self.prices = nn.Embedding(N_PRICE_STEPS + 1, dim, padding_idx=0)
        self.norm = nn.LayerNorm(dim)

    def forward(self, names: Tensor, prices: Tensor) -> tuple[Tensor, Tensor]:
        """Codes `(N, MAX_NAMES)` and `(N,)` to `(N, D)`, and whether anything is known, `(N,)`."""
        n_known = (names > 0).sum(1)
        mean = self.names(names).sum(1) / n_known.clamp(min=1).unsqueeze(1)  # (N, D)
        return self.norm(mean + self.prices(prices)), (n_known > 0) | (prices > 0)


class Fusion(nn.Module):
    """Attention over the modalities that are there, each with a gate of its own.

    A missing modality is masked: it gets no weight, whatever stands in its place. An item without any is the zero
    vector.
    """

    def __init__(self, n_modalities: int, dim: int) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.zeros(n_modalities, dim))
        self.gates = nn.Parameter(torch.zeros(n_modalities, dim))
        self.gate_bias = nn.Parameter(torch.full((n_modalities,), 2.0))

    def forward(self, parts: Tensor, present: Tensor) -> Tensor:
        """Parts `(N, M, D)` with `present` `(N, M)` to `(N, D)`."""
        parts = parts.masked_fill(~present.unsqueeze(2), 0.0)
        attention = (parts * self.queries).sum(2) / parts.shape[2] ** 0.5  # (N, M)
        attention = attention.masked_fill(~present, -1e9).softmax(1) * present
        gates = torch.sigmoid((parts * self.gates).sum(2) / parts.shape[2] ** 0.5 + self.gate_bias)  # (N, M)
        return ((attention * gates).unsqueeze(2) * parts).sum(1)


class Behaviour(nn.Module):
    """A vector per item, learned from who turned to it: bounded, and trusted as far as the item was seen."""

    def __init__(self, n_items: int, dim: int, bound: float, dropout: float) -> None:
        super().__init__()
        self.deltas = nn.Parameter(torch.zeros(n_items, dim))
        self.slope = nn.Parameter(torch.tensor(1.0))
        self.offset = nn.Parameter(torch.tensor(0.0))
        self.longest = bound * dim**0.5  # a normed vector has length sqrt(D)
        self.dropout = dropout

    def forward(self, n_seen: Tensor) -> Tensor:
        """How often each item was seen, `(N,)`, to `(N, D)`; never longer than `longest`, zero where never seen."""
        # In the unit ball, then stretched: a parameter of this size is learned as fast as any other embedding.
        inside = self.deltas / self.deltas.norm(dim=1, keepdim=True).clamp(min=1.0)
        bounded = self.longest * inside
        gate = torch.sigmoid(self.slope * torch.log1p(n_seen.float()) - self.offset - 1.0) * (n_seen > 0)  # (N,)
        if self.training and self.dropout > 0:
            # Whole items: those left out are placed by language alone, and so learn to be.
            gate = gate * (torch.rand_like(gate) >= self.dropout)
        return gate.unsqueeze(1) * bounded


class ItemTower(nn.Module):
    """Items to vectors of length 1; see the drawing at the top of this file."""

    def __init__(
        self,
        source: ItemSource,
        *,
        n_items: int,
        text_dim: int,
        picture_dim: int,
        n_names: int,
        dim: int,
        dropout: float,
        delta_bound: float,
        delta_dropout: float,
    ) -> None:
        super().__init__()
        self.source = source
        fused = source == "fused"
        with_text = text_dim > 0 and source != "ids"
        self.text = Projection(text_dim, dim, dropout) if with_text else None
        self.picture = Projection(picture_dim, dim, dropout) if picture_dim > 0 and fused else None
        self.attributes = Attributes(n_names, dim) if fused else None
        n_modalities = sum(part is not None for part in (self.text, self.picture, self.attributes))
        self.fusion = Fusion(n_modalities, dim) if fused else None
        self.norm = nn.LayerNorm(dim) if fused else None
        self.behaviour = Behaviour(n_items, dim, delta_bound, delta_dropout) if fused else None
        self.ids = nn.Embedding(n_items, dim) if source == "ids" else None
        self.apply(start_small)

    def forward(self, items: ItemTensors) -> Tensor:
        """Every item of the catalogue, `(N, D)`."""
        if self.ids is not None:
            return functional.normalize(self.ids.weight, dim=1)
        content = self.content(items.texts, items.pictures, items.names, items.prices)
        if self.behaviour is not None:
            content = content + self.behaviour(items.n_seen)
        return functional.normalize(content, dim=1)

    def content(self, texts: Tensor, pictures: Tensor, names: Tensor, prices: Tensor) -> Tensor:
        """What is known without behaviour, `(N, D)`; zero where nothing is."""
        parts: list[tuple[Tensor, Tensor]] = []
        if self.text is not None:
            parts.append(self.text(texts))
        if self.picture is not None:
            parts.append(self.picture(pictures))
        if self.attributes is not None:
            parts.append(self.attributes(names, prices))
        if self.fusion is None or self.norm is None:
            vectors, present = parts[0]
            return vectors * present.unsqueeze(1)
        vectors = torch.stack([part for part, _ in parts], 1)  # (N, M, D)
        present = torch.stack([there for _, there in parts], 1)  # (N, M)
        return self.norm(self.fusion(vectors, present)) * present.any(1, keepdim=True)


def start_small(module: nn.Module) -> None:
    """Weights from a narrow normal distribution, as transformers are started."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=SMALL)
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            nn.init.zeros_(module.weight[module.padding_idx].detach())
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
