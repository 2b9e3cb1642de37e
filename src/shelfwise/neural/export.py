"""The trained parts as ONNX graphs, compared with what torch computes before anybody may use them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from shelfwise.neural.graph_export import exported
from shelfwise.neural.history_encoder import HistoryEncoder
from shelfwise.neural.item_inputs import MAX_NAMES
from shelfwise.neural.item_tower import ItemTower

ITEMS, KINDS, MINUTES_AGO, SCENARIOS, USER = "items", "kinds", "minutes_ago", "scenarios", "user"
TEXTS, PICTURES, NAMES, PRICES, CONTENT = "texts", "pictures", "names", "prices", "content"


class _UserVector(nn.Module):
    """One history, of any length, to its vector: the last block computes the last event only."""

    def __init__(self, encoder: HistoryEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, *told: Tensor) -> Tensor:
        """Items `(T, D)`, kinds `(T,)`, ages `(T,)` and, where they are read, scenarios `(T,)`, to `(D,)`."""
        return self.encoder(*(part.unsqueeze(0) for part in told), only_last=True)[0]


class _Content(nn.Module):
    """Items without behaviour: what a new one is placed by."""

    def __init__(self, tower: ItemTower, *, with_text: bool, with_picture: bool) -> None:
        super().__init__()
        self.tower, self.with_text, self.with_picture = tower, with_text, with_picture

    def forward(self, *given: Tensor) -> Tensor:
        """Those of texts, pictures, names and prices that the tower reads, to `(N, D)`."""
        parts = list(given)
        nothing = given[0].new_zeros(0)
        texts = parts.pop(0) if self.with_text else nothing
        pictures = parts.pop(0) if self.with_picture else nothing
        names, prices = parts or (nothing, nothing)
        return self.tower.content(texts, pictures, names, prices)


def history_graph(encoder: HistoryEncoder) -> bytes:
    """The history encoder as a graph: a history of any length up to the encoder's own to one user vector.

    The length is left open: a fixed one of 50 costs every short history what a long one does.
    """
    dim = int(encoder.norm.normalized_shape[0])
    random = torch.Generator().manual_seed(0)
    names = [ITEMS, KINDS, MINUTES_AGO] + [SCENARIOS] * (encoder.scenarios is not None)

    def history(n: int) -> tuple[Tensor, ...]:
        ages = torch.rand(n, generator=random).mul(9e5).sort(descending=True).values
        told = (torch.randn(n, dim, generator=random), torch.randint(0, len(encoder.kinds.weight), (n,)), ages)
        if encoder.scenarios is None:
            return told
        return *told, torch.randint(0, len(encoder.scenarios.vectors), (n,), generator=random)

    probes = [history(n) for n in sorted({1, min(2, encoder.history), encoder.history})]
    return exported(_UserVector(encoder).eval(), history(min(7, encoder.history)), probes, names, USER)


def content_graph(tower: ItemTower) -> bytes | None:
    """The item tower without behaviour as a graph; None where nothing that comes while serving can be placed.

    That is so for a table of ids, and for raw text: items come with whitened vectors only.
    """
    if tower.source in ("ids", "raw-text"):
        return None
    text_dim = 0 if tower.text is None else tower.text.from_dim
    picture_dim = 0 if tower.picture is None else tower.picture.from_dim
    module = _Content(tower, with_text=text_dim > 0, with_picture=picture_dim > 0).eval()
    random = torch.Generator().manual_seed(0)
    n_names = 0 if tower.attributes is None else len(tower.attributes.names.weight)

    def items(n: int, *, empty: bool = False) -> tuple[Tensor, ...]:
        parts: list[Tensor] = []
        for dim in (text_dim, picture_dim):
            if dim:
                parts.append(torch.zeros(n, dim) if empty else torch.randn(n, dim, generator=random))
        if n_names:
            parts += [torch.randint(0, n_names, (n, MAX_NAMES)), torch.randint(0, 2, (n,))]
        return tuple(parts)

    names = [TEXTS] * (text_dim > 0) + [PICTURES] * (picture_dim > 0) + [NAMES, PRICES] * (n_names > 0)
    return exported(module, items(3), [items(1), items(5), items(2, empty=True)], names, CONTENT)
