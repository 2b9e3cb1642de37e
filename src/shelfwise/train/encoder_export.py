"""Make the int8 ONNX graph of a text encoder, once. The only place that needs torch and transformers."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import shutil
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from shelfwise.encode.sentence_transformer import ABOUT_FILE, GRAPH_FILE, TOKENIZER_FILE, SentenceTransformer
from shelfwise.encode.weights import Weights, locate
from shelfwise.errors import MissingExtraError, ShelfwiseError

PROBES = (
    "Red mug, 300 ml. Kitchen, Mugs",
    "A long passage about a waterproof hiking boot with a rubber sole, sold in sizes 36 to 47, brown or black",
    "lamp",
    "",
)
MIN_COSINE = 0.97
"""An int8 graph further than this from the original on any probe is refused."""


def export(encoder: SentenceTransformer, folder: Path) -> None:
    """Make the graph in a process of its own, so that torch's gigabyte is gone when it is done.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        ConfigError: the weights cannot be found.
        ShelfwiseError: the int8 graph's vectors are too far from the original's.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        process.submit(export_here, encoder.config, folder).result()


def export_here(config: SentenceTransformer.Config, folder: Path) -> None:
    """Write graph, tokenizer and `encoder.json` into `folder`; the last one last, so that a crash leaves it unready.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        ConfigError: the weights cannot be found.
        ShelfwiseError: the int8 graph's vectors are too far from the original's.
    """
    encoder = SentenceTransformer(config)
    weights = locate(config.model)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        dim, cosine = _export(encoder, weights, Path(scratch))
        about = {
            "model": encoder.config.model,
            "revision": weights.revision,
            "max_tokens": encoder.config.max_tokens,
            "dim": dim,
            "precision": "int8",
            "min_cosine_to_fp32": round(cosine, 5),
        }
        (Path(scratch) / ABOUT_FILE).write_text(json.dumps(about, indent=2))
        for name in (GRAPH_FILE, TOKENIZER_FILE, ABOUT_FILE):
            shutil.move(Path(scratch) / name, folder / name)


def _export(encoder: SentenceTransformer, weights: Weights, scratch: Path) -> tuple[int, float]:
    try:
        import torch
        from onnxruntime.quantization import QuantType, quantize_dynamic
        from transformers.utils import logging as transformers_logging

        from shelfwise.train.pooled_encoder import load_pooled
    except ImportError as cause:
        raise MissingExtraError(
            f"{cause.name} is not installed", where="encode.text", hint="pip install 'shelfwise[train]'"
        ) from cause
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    transformers_logging.disable_progress_bar()
    pooled, tokenizer = load_pooled(weights, attention="eager")
    tokenizer.backend_tokenizer.save(str(scratch / TOKENIZER_FILE))
    # Two different tensors: the same one twice would be traced as one input that stands for both.
    example = (torch.arange(16).reshape(2, 8) + 100, torch.ones(2, 8, dtype=torch.long))
    longest = int(getattr(pooled.model.config, "max_position_embeddings", 8_192)) - pooled.n_before
    dynamic = {
        0: torch.export.Dim("batch", min=1, max=4_096),
        1: torch.export.Dim("tokens", min=2, max=longest),
    }
    with warnings.catch_warnings(), _Quiet("torch.onnx", "root"):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            pooled,
            example,
            dynamo=True,
            dynamic_shapes={"input_ids": dynamic, "attention_mask": dict(dynamic)},
            input_names=["input_ids", "attention_mask"],
            output_names=["vectors"],
            verbose=False,
        )
        program.save(str(scratch / "fp32.onnx"))
        quantize_dynamic(scratch / "fp32.onnx", scratch / GRAPH_FILE, per_channel=True, weight_type=QuantType.QInt8)
    dim = int(pooled.model.config.hidden_size) if pooled.head is None else pooled.head.out_features
    (scratch / ABOUT_FILE).write_text(json.dumps({"dim": dim}))
    exported = SentenceTransformer(encoder.config)
    exported.load(scratch)
    with torch.no_grad():
        batch = tokenizer(
            list(PROBES),
            padding=True,
            truncation=True,
            max_length=encoder.config.max_tokens,
            return_tensors="pt",
        )
        original = pooled(batch["input_ids"], batch["attention_mask"]).numpy()
    cosine = float(np.min(np.sum(original * exported.encode(PROBES), axis=1)))
    if cosine < MIN_COSINE:
        raise ShelfwiseError(
            f"the int8 graph of {encoder.config.model!r} differs from the original: cosine {cosine:.3f}",
            expected=f"at least {MIN_COSINE}",
            where="encode.text.model",
            hint="this model does not survive 8-bit weights; choose another",
            code="bad_export",
        )
    return dim, cosine


class _Quiet:
    """Silence chatty loggers for the length of a block."""

    def __init__(self, *names: str) -> None:
        self._loggers = [logging.getLogger(None if name == "root" else name) for name in names]

    def __enter__(self) -> None:
        self._levels = [logger.level for logger in self._loggers]
        for logger in self._loggers:
            logger.setLevel(logging.ERROR)

    def __exit__(self, *_: object) -> None:
        for logger, level in zip(self._loggers, self._levels, strict=True):
            logger.setLevel(level)
