"""A transformers model that makes one vector of a text: what is trained, and what is exported. Needs torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer, DynamicCache

from shelfwise.encode.weights import Weights

HEAD_FOLDER = "2_Dense"
PREFIX_FILE = "prefix.safetensors"


class PooledEncoder(nn.Module):
    """Mean of the last states, through a linear head where there is one, brought to length 1.

    Attributes:
        model: The transformer.
        head: Applied after pooling; None without one.
        prefix: Keys and values that every layer attends to before the text; shape
            `(n_layers, 2, n_heads, P, D / n_heads)`; None without one.
    """

    def __init__(self, model: nn.Module, head: nn.Linear | None = None, prefix: Tensor | None = None) -> None:
        super().__init__()
        self.model = model
        self.head = head
        self.register_buffer("prefix", prefix, persistent=False)

    @property
    def n_before(self) -> int:
        """Positions that the prefix takes away from the text."""
        return 0 if self.prefix is None else int(self.prefix.shape[3])

    def pooled(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Mean states before the head; shape `(B, D)`."""
        states = self._states(input_ids, attention_mask)  # (B, T, D)
        weight = attention_mask.unsqueeze(-1).to(states.dtype)  # (B, T, 1)
        return (states * weight).sum(1) / weight.sum(1).clamp(min=1e-9)

    def finished(self, pooled: Tensor) -> Tensor:
        """What becomes of the mean: head, then length 1; shape `(B, D)`."""
        return nn.functional.normalize(pooled if self.head is None else self.head(pooled), dim=1)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Vectors of length 1; shape `(B, D)`."""
        return self.finished(self.pooled(input_ids, attention_mask))

    def _states(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        if self.prefix is None:
            return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        n = input_ids.shape[0]
        before = DynamicCache()
        for layer in range(self.prefix.shape[0]):
            keys, values = (self.prefix[layer, part].unsqueeze(0).expand(n, -1, -1, -1) for part in (0, 1))
            before.update(keys, values, layer)
        mask = torch.cat([attention_mask.new_ones(n, self.n_before), attention_mask], dim=1)
        return self.model(input_ids=input_ids, attention_mask=mask, past_key_values=before).last_hidden_state


def load_pooled(weights: Weights, *, attention: str = "sdpa") -> tuple[PooledEncoder, Any]:
    """The encoder of a folder or hub name in eval mode, and its tokenizer.

    A folder may add a linear head (`2_Dense`, as sentence-transformers writes it) and a prefix.
    """
    source: dict[str, Any] = {"revision": weights.revision} if weights.revision else {"local_files_only": True}
    model = AutoModel.from_pretrained(weights.name, attn_implementation=attention, **source)
    tokenizer = AutoTokenizer.from_pretrained(weights.name, **source)
    folder = Path(weights.name)
    head, prefix = None, None
    if (folder / HEAD_FOLDER).is_dir():
        head = _head(folder / HEAD_FOLDER)
    if (folder / PREFIX_FILE).is_file():
        prefix = load_file(folder / PREFIX_FILE)["prefix"]
    return PooledEncoder(model, head, prefix).eval(), tokenizer


def _head(folder: Path) -> nn.Linear:
    about = json.loads((folder / "config.json").read_text())
    activation = about.get("activation_function", "")
    if not activation.endswith("Identity"):
        raise ValueError(f"{folder}: a head with activation {activation!r} is not supported, only a linear one")
    tensors = load_file(folder / "model.safetensors")
    head = nn.Linear(about["in_features"], about["out_features"], bias=about["bias"])
    head.load_state_dict({name.removeprefix("linear."): tensor for name, tensor in tensors.items()})
    return head
