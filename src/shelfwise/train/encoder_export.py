"""Make the ONNX graph of a text encoder, once: int8 or fp32, held against the original."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise.encode.sentence_transformer import (
    ABOUT_FILE,
    FROM_MODEL,
    GRAPH_FILE,
    MAX_TOKENS,
    MIN_TOKENS,
    TOKENIZER_FILE,
    SentenceTransformer,
)
from shelfwise.encode.weights import Weights, locate
from shelfwise.errors import MissingExtraError, ShelfwiseError
from shelfwise.schemas.ids import Floats
from shelfwise.train.quiet import Quiet
from shelfwise.train.sentence_modules import SentenceModules

PROBES = (
    "Red mug, 300 ml. Kitchen, Mugs",
    "A long passage about a waterproof hiking boot with a rubber sole, sold in sizes 36 to 47, brown or black",
    "lamp",
    "",
    "Soft wool scarf, warm light for desk and bedside, smooth ink for notes and letters. " * 12,
)
MIN_COSINE = {"int8": 0.97, "fp32": 0.9999}
"""A graph further than this from the original on any probe is refused."""

MAX_GRAPH_BYTES = 1_800_000_000
"""A graph with more weights than these keeps them in a file of its own: one file holds two gigabytes at most."""


def export(encoder: SentenceTransformer, folder: Path) -> None:
    """Make the graph in a process of its own, so that torch's gigabyte is gone when it is done.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        ConfigError: the weights cannot be found, or are those of no text encoder.
        ShelfwiseError: the graph's vectors are too far from the original's.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        process.submit(export_here, encoder.config, folder).result()


def export_here(config: SentenceTransformer.Config, folder: Path) -> None:
    """Write graph, tokenizer and `encoder.json` into `folder`; the last one last, so that a crash leaves it unready.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        ConfigError: the weights cannot be found, or are those of no text encoder.
        ShelfwiseError: the graph's vectors are too far from the original's.
    """
    weights = locate(config.model)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        about = {"model": config.model, "revision": weights.revision, **_export(config, weights, Path(scratch))}
        (Path(scratch) / ABOUT_FILE).write_text(json.dumps(about, indent=2), encoding="utf-8")
        exported = SentenceTransformer(config)
        exported.load(Path(scratch))
        for name in exported.runtime_files():
            shutil.move(Path(scratch) / name, folder / name)


def _export(config: SentenceTransformer.Config, weights: Weights, scratch: Path) -> dict[str, Any]:
    """Write graph and tokenizer; what is to be known of them."""
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
        from transformers.utils import logging as transformers_logging

        from shelfwise.train.pooled_encoder import fetch, load_pooled
    except ImportError as cause:
        raise MissingExtraError(
            f"{cause.name} is not installed", where="encode.text", hint="pip install 'shelfwise[train]'"
        ) from cause
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    transformers_logging.disable_progress_bar()
    model_folder = fetch(weights)
    modules = SentenceModules.read(model_folder)
    original, tokenizer = load_pooled(
        model_folder,
        modules,
        pooling=config.pooling,
        cut=config.dim,
        normalise=config.normalise,
        attention="eager",
    )
    tokenizer.backend_tokenizer.save(str(scratch / TOKENIZER_FILE))
    longest = _longest(original.model.config, tokenizer) - original.n_before
    is_large = sum(tensor.nbytes for tensor in original.state_dict().values()) > MAX_GRAPH_BYTES
    about = {
        "pooling": list(original.poolings),
        "prompt": modules.prompt,
        "query_prompt": modules.query_prompt,
        "lowercase": modules.lowercase,
        "max_tokens": min(config.max_tokens, longest),
        "empty_token": _empty_token(tokenizer),
        "dim": original.dim,
        "precision": config.precision,
        "weights_apart": is_large,
    }
    expected = _by_original(original, tokenizer, config, about)
    (scratch / "fp32").mkdir()
    _write_graph(original, longest, scratch / "fp32" / GRAPH_FILE, weights_apart=is_large)
    cosines = {"fp32": _cosine(scratch / "fp32", scratch, config, about, expected)}
    if config.precision == "int8":
        (scratch / "int8").mkdir()
        with Quiet("root"):
            quantize_dynamic(
                scratch / "fp32" / GRAPH_FILE,
                scratch / "int8" / GRAPH_FILE,
                per_channel=True,
                weight_type=QuantType.QInt8,
                use_external_data_format=is_large,
            )
        cosines["int8"] = _cosine(scratch / "int8", scratch, config, about, expected)
    for precision, cosine in cosines.items():
        if cosine < MIN_COSINE[precision]:
            raise ShelfwiseError(
                f"the {precision} graph of {config.model!r} differs from the original: cosine {cosine:.3f}",
                expected=f"at least {MIN_COSINE[precision]}",
                where="encode.text.model",
                hint=(
                    "this model does not survive 8-bit weights: set precision = 'fp32'"
                    if precision == "int8"
                    else "the exporter does not understand this model; choose another"
                ),
                code="bad_export",
            )
    for path in (scratch / config.precision).iterdir():
        shutil.move(path, scratch / path.name)
    return {**about, "min_cosine": {precision: round(cosine, 5) for precision, cosine in cosines.items()}}


def _write_graph(original: Any, longest: int, path: Path, *, weights_apart: bool) -> None:
    import torch

    # Two different tensors: the same one twice would be traced as one input that stands for both.
    tokens = torch.arange(16).reshape(2, 8) % (original.model.config.get_text_config().vocab_size - 1)
    example = (tokens, torch.ones(2, 8, dtype=torch.long))
    dynamic = {
        0: torch.export.Dim("batch", min=1, max=4_096),
        1: torch.export.Dim("tokens", min=MIN_TOKENS, max=longest),
    }
    with warnings.catch_warnings(), Quiet("torch.onnx", "root"), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            original,
            example,
            dynamo=True,
            dynamic_shapes={"input_ids": dynamic, "attention_mask": dict(dynamic)},
            input_names=["input_ids", "attention_mask"],
            output_names=["vectors"],
            verbose=False,
        )
        program.save(str(path), external_data=weights_apart)


def _cosine(
    graph: Path, tokenizer: Path, config: SentenceTransformer.Config, about: dict[str, Any], expected: Floats
) -> float:
    """The lowest cosine between a graph's vectors of the probes and the original's."""
    shutil.copyfile(tokenizer / TOKENIZER_FILE, graph / TOKENIZER_FILE)
    (graph / ABOUT_FILE).write_text(json.dumps(about), encoding="utf-8")
    exported = SentenceTransformer(config)
    exported.load(graph)
    found = exported.encode(PROBES)
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    return float(np.min(np.sum(found * expected, axis=1) / np.maximum(lengths, 1e-12)))


def _by_original(original: Any, tokenizer: Any, config: SentenceTransformer.Config, about: dict[str, Any]) -> Floats:
    """The probes' vectors by the original weights, tokenized by transformers, one at a time: nothing is padded."""
    import torch

    tokenizer.truncation_side = "right" if config.truncate == "end" else "left"
    prompt = about["prompt"] if config.prompt == FROM_MODEL else config.prompt
    vectors: list[Floats] = []
    with torch.no_grad():
        for text in PROBES:
            prompted = (prompt + text).lower() if about["lowercase"] else prompt + text
            ids = tokenizer(prompted, truncation=True, max_length=about["max_tokens"])["input_ids"]
            tokens = torch.tensor([ids or [about["empty_token"]]])
            vectors.append(original(tokens, torch.ones_like(tokens)).numpy()[0])
    return np.stack(vectors)


def _longest(config: Any, tokenizer: Any) -> int:
    """Tokens that a model takes: a tokenizer's limit counts too, since some models start counting at 2."""
    positions = getattr(config.get_text_config(), "max_position_embeddings", None) or MAX_TOKENS
    return int(min(positions, tokenizer.model_max_length, MAX_TOKENS))


def _empty_token(tokenizer: Any) -> int:
    """What an empty text is read as, where a tokenizer makes nothing of it."""
    known = (tokenizer.eos_token_id, tokenizer.sep_token_id, tokenizer.bos_token_id, tokenizer.pad_token_id)
    return next((int(token) for token in known if token is not None), 0)
