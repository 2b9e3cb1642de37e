"""A transformers model that makes one vector of a text: what is tuned, and what is exported. Needs torch."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from huggingface_hub import snapshot_download
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoModelForTextEncoding, AutoTokenizer, DynamicCache

from shelfwise.encode.weights import Weights
from shelfwise.errors import ConfigError
from shelfwise.train.sentence_modules import SentenceModules

HUB_FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.bin")
"""What is fetched of a model on the hub: no code, and no weights in the formats of other frameworks."""

PREFIX_FILE = "prefix.safetensors"
"""Beside the weights where tuning learned a prefix."""

ACTIVATIONS = {"Identity": nn.Identity, "Tanh": nn.Tanh, "ReLU": nn.ReLU, "GELU": nn.GELU, "SiLU": nn.SiLU}


class Head(nn.Module):
    """A linear layer after pooling, as sentence-transformers' `Dense`."""

    def __init__(self, about: dict[str, Any], where: Path) -> None:
        super().__init__()
        n_in, n_out = int(about["in_features"]), int(about["out_features"])
        activation = str(about.get("activation_function", "torch.nn.modules.activation.Tanh")).rsplit(".", 1)[-1]
        if activation not in ACTIVATIONS:
            raise ConfigError(
                f"{where} has the activation {activation!r}",
                expected=f"one of {', '.join(ACTIVATIONS)}",
                where="encode.text.model",
                code="unsupported_model",
            )
        self.linear = nn.Linear(n_in, n_out, bias=bool(about.get("bias", True)))
        self.activation = ACTIVATIONS[activation]()
        self.is_residual = bool(about.get("use_residual", False))
        if self.is_residual and n_in != n_out:
            self.residual = nn.Linear(n_in, n_out, bias=False)

    @classmethod
    def linear_of(cls, dim: int) -> Self:
        """A square one without activation; for tuning."""
        about = {"in_features": dim, "out_features": dim, "bias": True, "activation_function": "Identity"}
        return cls(about, Path())

    def forward(self, vectors: Tensor) -> Tensor:
        """Shapes `(B, D_in)` to `(B, D_out)`."""
        found = self.activation(self.linear(vectors))
        if not self.is_residual:
            return found
        return found + (self.residual(vectors) if hasattr(self, "residual") else vectors)


class PooledEncoder(nn.Module):
    """Token states to one vector: pooling, heads, the cut to the leading dimensions, length 1.

    Attributes:
        model: The transformer.
        poolings: Joined one behind the other where there are several.
        heads: Linear layers after pooling; often none.
        cut: Leading dimensions kept; 0: all.
        normalise: Whether vectors get length 1.
        prefix: Keys and values that every layer attends to before the text, as tuning may learn them; shape
            `(n_layers, 2, n_heads, P, D / n_heads)`; None without one.
    """

    def __init__(
        self,
        model: nn.Module,
        poolings: Sequence[str] = ("mean",),
        heads: Sequence[Head] = (),
        *,
        cut: int = 0,
        normalise: bool = True,
        prefix: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer("prefix", prefix, persistent=False)
        self.model = model
        self.poolings = tuple(poolings)
        self.heads = nn.ModuleList(heads)
        self.cut = cut
        self.normalise = normalise
        taken = inspect.signature(model.forward).parameters
        # A decoder's positions follow from the mask, so that padding on the left shifts nothing.
        self._tell_positions = "last" in self.poolings and "position_ids" in taken
        self._without_cache = {"use_cache": False} if "use_cache" in taken else {}

    @property
    def n_before(self) -> int:
        """Positions that the prefix takes away from the text."""
        return 0 if self.prefix is None else int(self.prefix.shape[3])

    @property
    def dim(self) -> int:
        """Length of a vector."""
        if len(self.heads):
            full = self.heads[-1].linear.out_features
        else:
            full = len(self.poolings) * int(_hidden_size(self.model.config))
        return min(self.cut or full, full)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Vectors of shape `(B, D)` from tokens of shape `(B, T)`."""
        return self.finished(self.pooled(input_ids, attention_mask))

    def pooled(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """What becomes of the token states before the heads; shape `(B, D)`."""
        extra = dict(self._without_cache)
        if self._tell_positions:
            extra["position_ids"] = (attention_mask.cumsum(1) - 1).clamp(min=0)
        if self.prefix is None:
            states = self.model(input_ids=input_ids, attention_mask=attention_mask, **extra).last_hidden_state
        else:
            states = self._after_prefix(input_ids, attention_mask)  # (B, T, D)
        found = [_pool(name, states, attention_mask) for name in self.poolings]
        return found[0] if len(found) == 1 else torch.cat(found, dim=1)

    def _after_prefix(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        n = input_ids.shape[0]
        before = DynamicCache()
        for layer in range(self.prefix.shape[0]):
            keys, values = (self.prefix[layer, part].unsqueeze(0).expand(n, -1, -1, -1) for part in (0, 1))
            before.update(keys, values, layer)
        mask = torch.cat([attention_mask.new_ones(n, self.n_before), attention_mask], dim=1)
        return self.model(input_ids=input_ids, attention_mask=mask, past_key_values=before).last_hidden_state

    def finished(self, pooled: Tensor) -> Tensor:
        """Heads, cut and length; shape `(B, D)`."""
        for head in self.heads:
            pooled = head(pooled)
        if self.cut:
            pooled = pooled[:, : self.cut]
        return nn.functional.normalize(pooled, dim=1) if self.normalise else pooled


def _pool(name: str, states: Tensor, mask: Tensor) -> Tensor:
    weight = mask.unsqueeze(-1).to(states.dtype)  # (B, T, 1)
    if name == "max":
        return states.masked_fill(weight == 0, torch.finfo(states.dtype).min).amax(1)
    place = mask.cumsum(1)  # counts from 1 at the first token, wherever padding stands
    if name == "cls":
        weight = weight * (place == 1).unsqueeze(-1).to(states.dtype)
    elif name == "last":
        weight = weight * (place == place.amax(1, keepdim=True)).unsqueeze(-1).to(states.dtype)
    elif name == "weightedmean":
        weight = weight * place.unsqueeze(-1).to(states.dtype)
    total = weight.sum(1).clamp(min=1e-9)
    return (states * weight).sum(1) / (total.sqrt() if name == "mean_sqrt_len_tokens" else total)


def fetch(weights: Weights, *, where: str = "encode.text.model") -> Path:
    """The folder of an encoder's weights, downloaded at its pinned revision where it is a hub's.

    Raises:
        ConfigError: the hub does not have it, or cannot be reached.
    """
    if weights.revision is None:
        return Path(weights.name)
    try:
        return Path(snapshot_download(weights.name, revision=weights.revision, allow_patterns=list(HUB_FILES)))
    except (OSError, ValueError) as cause:
        raise ConfigError(
            f"{weights.name} at {weights.revision} cannot be fetched from the hub ({type(cause).__name__})",
            where=where,
            hint="check name, commit and network, or name a local folder",
            code="no_model_files",
        ) from cause


def load_pooled(
    folder: Path,
    modules: SentenceModules,
    *,
    pooling: str = "auto",
    cut: int = 0,
    normalise: bool = True,
    attention: str = "sdpa",
) -> tuple[PooledEncoder, Any]:
    """An encoder in eval mode and full precision, and its tokenizer.

    Args:
        folder: As `fetch` gives it.
        modules: What it says of itself.
        pooling: Instead of what the folder says; 'auto' keeps that, and takes the mean where it says nothing.
        cut: Leading dimensions kept; 0: all.
        normalise: Whether vectors get length 1.
        attention: The implementation; exporting wants 'eager'.

    Raises:
        ConfigError: it is no text encoder, or has no tokenizer that runs without Python.
    """
    try:
        config = AutoConfig.from_pretrained(modules.transformer, local_files_only=True)
        # Of an encoder-decoder the encoder alone: T5EncoderModel and its kin.
        kind = AutoModelForTextEncoding if config.is_encoder_decoder else AutoModel
        model = kind.from_pretrained(
            modules.transformer, attn_implementation=attention, dtype=torch.float32, local_files_only=True
        )
        tokenizer = AutoTokenizer.from_pretrained(modules.transformer, local_files_only=True)
        tokenizer.backend_tokenizer  # noqa: B018 - asked for, so that a tokenizer without one is found here
    except (OSError, ValueError, KeyError, AttributeError) as cause:
        raise ConfigError(
            f"{folder} holds no text encoder that transformers can load ({str(cause).splitlines()[0][:200]})",
            expected="config.json, weights and tokenizer.json of an encoder, of T5 or its kin, or of a decoder",
            where="encode.text.model",
            code="unsupported_model",
        ) from cause
    poolings = (pooling,) if pooling != "auto" else modules.poolings or ("mean",)
    heads = [_load_head(path) for path in modules.heads]
    prefix = load_file(folder / PREFIX_FILE)["prefix"] if (folder / PREFIX_FILE).is_file() else None
    encoder = PooledEncoder(model, poolings, heads, cut=cut, normalise=normalise, prefix=prefix)
    _check_widths(encoder, folder)
    return encoder.eval(), tokenizer


def _hidden_size(config: Any) -> int:
    return config.get_text_config().hidden_size


def _load_head(folder: Path) -> Head:
    head = Head(json.loads((folder / "config.json").read_text(encoding="utf-8")), folder)
    if (folder / "model.safetensors").is_file():
        tensors = load_file(folder / "model.safetensors")
    else:  # what sentence-transformers wrote until 2023; tensors and nothing else are read from it
        tensors = torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True)
    head.load_state_dict(tensors)
    return head.float()


def _check_widths(encoder: PooledEncoder, folder: Path) -> None:
    width = len(encoder.poolings) * _hidden_size(encoder.model.config)
    for head in encoder.heads:
        if head.linear.in_features != width:
            raise ConfigError(
                f"{folder}: a layer after pooling takes {head.linear.in_features} numbers, and {width} come to it",
                where="encode.text.pooling",
                hint="leave pooling on 'auto'",
                code="unsupported_model",
            )
        width = head.linear.out_features
    if encoder.cut > width:
        raise ConfigError(
            f"dim is {encoder.cut}, and the model's vectors have {width} dimensions",
            expected=f"at most {width}, or 0 for all of them",
            where="encode.text.dim",
        )
