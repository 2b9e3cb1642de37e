"""What is kept of a tuning: a small adapter, and a whole model that other tools can read. Needs torch."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from shelfwise.train.pooled_encoder import PREFIX_FILE, PooledEncoder
from shelfwise.train.sentence_modules import POOLING_KEYS
from shelfwise.train.tuning.checkpoint import snapshot
from shelfwise.train.tuning.methods import Prepared

HEAD_FOLDER = "2_Dense"
ADAPTER_FILE = "changed.safetensors"


def save_adapter(prepared: Prepared, folder: Path) -> None:
    """Write what was learned and nothing else: PEFT's own format where the method is one of PEFT's.

    With method 'full' that is the whole model, and so left to `save_model`.
    """
    if hasattr(prepared.encoder.model, "peft_config"):
        with warnings.catch_warnings():  # AdaLoRA may leave a layer no rank at all, which PEFT takes for a lost shard
            warnings.simplefilter("ignore")
            prepared.encoder.model.save_pretrained(folder, safe_serialization=True)
    elif prepared.n_trainable < prepared.n_parameters // 2:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(snapshot(prepared), folder / ADAPTER_FILE)


def save_model(encoder: PooledEncoder, tokenizer: Any, folder: Path, max_tokens: int) -> None:
    """Write a folder that `[encode.text] model` and sentence-transformers can both name.

    A prefix stands in a file of its own, which `encoder_export` bakes into the graph. Other tools do not know it, so
    the folder then says nothing that would let them read it as a whole model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    encoder.model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    if encoder.prefix is not None:
        save_file({"prefix": encoder.prefix.contiguous()}, folder / PREFIX_FILE)
        return
    dim = int(encoder.model.config.hidden_size)
    modules = [("", "Transformer", None), ("1_Pooling", "Pooling", _pooling(encoder, dim))]
    if len(encoder.heads):
        modules.append((HEAD_FOLDER, "Dense", _head(encoder)))
    modules.append((f"{len(modules)}_Normalize", "Normalize", {}))
    for path, _, about in modules:
        if about is not None:
            (folder / path).mkdir(exist_ok=True)
            if about:
                _write(folder / path / "config.json", about)
    if len(encoder.heads):
        tensors = {
            f"linear.{name}": tensor.contiguous() for name, tensor in encoder.heads[0].linear.state_dict().items()
        }
        save_file(tensors, folder / HEAD_FOLDER / "model.safetensors")
    _write(
        folder / "modules.json",
        [
            {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for place, (path, kind, _) in enumerate(modules)
        ],
    )
    _write(folder / "sentence_bert_config.json", {"max_seq_length": max_tokens, "do_lower_case": False})


def _pooling(encoder: PooledEncoder, dim: int) -> dict[str, Any]:
    return {
        "word_embedding_dimension": dim,
        **{key: pooling in encoder.poolings for key, pooling in POOLING_KEYS.items()},
    }


def _head(encoder: PooledEncoder) -> dict[str, Any]:
    return {
        "in_features": encoder.heads[0].linear.in_features,
        "out_features": encoder.heads[0].linear.out_features,
        "bias": True,
        "activation_function": "torch.nn.modules.linear.Identity",
    }


def _write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
