"""Make the ONNX graph of a vision model, once: int8 or fp32, held against the original."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise.encode.pictures.clip import ABOUT_FILE, GRAPH_FILE, Clip, Preparation
from shelfwise.encode.pictures.encoder import Pixels
from shelfwise.encode.weights import locate
from shelfwise.errors import ConfigError, MissingExtraError, ShelfwiseError
from shelfwise.schemas.ids import Floats
from shelfwise.train.encoder_export import MAX_GRAPH_BYTES, MIN_COSINE
from shelfwise.train.quiet import Quiet

WHERE = "encode.image.model"
MAX_DIFFERENCE = 0.02
"""How far a prepared probe's mean level may lie from what transformers makes of it, in standard deviations."""


def export_pictures(encoder: Clip, folder: Path) -> None:
    """Make the graph in a process of its own, so that torch's gigabyte is gone when it is done.

    Raises:
        MissingExtraError: torch, transformers or Pillow is not installed.
        ConfigError: the weights cannot be found, or are those of no vision model.
        ShelfwiseError: the graph's vectors are too far from the original's.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        process.submit(export_pictures_here, encoder.config, folder).result()


def export_pictures_here(config: Clip.Config, folder: Path) -> None:
    """Write graph and `encoder.json` into `folder`; the latter last, so that a crash leaves it unready.

    Raises:
        MissingExtraError: torch, transformers or Pillow is not installed.
        ConfigError: the weights cannot be found, or are those of no vision model.
        ShelfwiseError: the graph's vectors are too far from the original's.
    """
    weights = locate(config.model, where=WHERE)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        try:
            from shelfwise.train.pooled_encoder import fetch

            model_folder = fetch(weights, where=WHERE)
            about = _export(config, model_folder, Path(scratch))
        except ImportError as cause:
            raise MissingExtraError(
                f"{cause.name} is not installed", where="encode.image", hint="pip install 'shelfwise[train]'"
            ) from cause
        about = {"model": config.model, "revision": weights.revision, **about}
        (Path(scratch) / ABOUT_FILE).write_text(json.dumps(about, indent=2), encoding="utf-8")
        exported = Clip(config)
        exported.load(Path(scratch))
        for name in exported.runtime_files():
            shutil.move(Path(scratch) / name, folder / name)


def probes() -> list[Pixels]:
    """Pictures that look nothing alike: a plain one, a gradient, a chequerboard, and noise, of several shapes."""
    plain = np.full((40, 60, 3), (200, 30, 40), np.uint8)
    slope = np.linspace(0, 255, 300, dtype=np.uint8)
    gradient = np.stack([np.tile(slope, (200, 1))] * 2 + [np.tile(slope[::-1], (200, 1))], axis=2)
    squares = np.kron(np.indices((8, 6)).sum(axis=0) % 2, np.ones((16, 16))).astype(np.uint8)[..., None] * [255, 255, 0]
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3))
    return [plain, gradient, squares.astype(np.uint8), noise.astype(np.uint8)]


def _export(config: Clip.Config, model_folder: Path, scratch: Path) -> dict[str, Any]:
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from transformers.utils import logging as transformers_logging

    from shelfwise.train.vision_model import load_vision

    transformers_logging.disable_progress_bar()
    with Quiet("transformers"):
        original, processor = load_vision(model_folder)
    preparation = preparation_of(processor)
    pixels = np.stack([preparation(one) for one in probes()])
    _check_preparation(processor, preparation, pixels)
    expected = original.vectors(pixels)
    is_large = original.n_bytes > MAX_GRAPH_BYTES
    (scratch / "fp32").mkdir()
    _write_graph(original, pixels, scratch / "fp32" / GRAPH_FILE, weights_apart=is_large)
    about = {
        "dim": int(expected.shape[1]),
        "precision": config.precision,
        "preparation": asdict(preparation),
        "weights_apart": is_large,
    }
    cosines = {"fp32": _cosine(config, scratch / "fp32", about, expected)}
    if config.precision == "int8":
        (scratch / "int8").mkdir()
        with Quiet("root"):
            quantize_dynamic(
                scratch / "fp32" / GRAPH_FILE,
                scratch / "int8" / GRAPH_FILE,
                per_channel=True,
                reduce_range=True,  # or sums of products overflow where a processor has AVX2 but no 8-bit products
                weight_type=QuantType.QInt8,
                op_types_to_quantize=["MatMul", "Gemm"],  # the runtime has no 8-bit form of the patches' convolution
                use_external_data_format=is_large,
            )
        cosines["int8"] = _cosine(config, scratch / "int8", about, expected)
    for precision, cosine in cosines.items():
        if not cosine >= MIN_COSINE[precision]:
            raise ShelfwiseError(
                f"the {precision} graph of {config.model!r} differs from the original: cosine {cosine:.3f}",
                expected=f"at least {MIN_COSINE[precision]}",
                where=WHERE,
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


def preparation_of(processor: Any) -> Preparation:
    """What a transformers image processor does, as numbers.

    Raises:
        ConfigError: it does something that is not known here.
    """
    size = dict(processor.size)
    crops = bool(getattr(processor, "do_center_crop", False))
    crop = dict(processor.crop_size) if crops and processor.crop_size is not None else None
    resize: int | tuple[int, int]
    if "shortest_edge" in size and not size.keys() - {"shortest_edge"}:
        resize = int(size["shortest_edge"])
    elif size.keys() >= {"height", "width"}:
        resize = (int(size["height"]), int(size["width"]))
    else:
        raise _unknown(f"size {size}")
    if not processor.do_resize or (isinstance(resize, int) and crop is None):
        raise _unknown("pictures are not brought to one size")
    resample = int(processor.resample)
    made = Preparation(
        resize,
        None if crop is None else (int(crop["height"]), int(crop["width"])),
        resample,
        float(processor.rescale_factor) if processor.do_rescale else 1.0,
        tuple(map(float, processor.image_mean)) if processor.do_normalize else (0.0,) * 3,
        tuple(map(float, processor.image_std)) if processor.do_normalize else (1.0,) * 3,
    )
    smallest = (resize, resize) if isinstance(resize, int) else resize
    if made.size[0] > smallest[0] or made.size[1] > smallest[1]:
        raise _unknown("more is cut out than there is")
    return made


def _unknown(what: str) -> ConfigError:
    return ConfigError(
        f"this model wants pictures prepared in a way that is not known ({what})",
        expected="resizing, a cut from the middle, rescaling and normalisation",
        where=WHERE,
        code="unsupported_model",
    )


def _check_preparation(processor: Any, preparation: Preparation, pixels: Floats) -> None:
    theirs = np.stack([np.asarray(processor(images=one, return_tensors="np")["pixel_values"][0]) for one in probes()])
    if theirs.shape != pixels.shape or float(np.abs(theirs - pixels).mean()) > MAX_DIFFERENCE:
        raise _unknown(f"{preparation} is not all of it")


def _write_graph(original: Any, pixels: Floats, path: Path, *, weights_apart: bool) -> None:
    import torch

    with warnings.catch_warnings(), Quiet("torch.onnx", "root"), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            original,
            (torch.from_numpy(pixels[:2]),),
            dynamo=True,
            dynamic_shapes={"pixel_values": {0: torch.export.Dim("batch", min=1, max=4_096)}},
            input_names=["pixel_values"],
            output_names=["vectors"],
            verbose=False,
        )
        program.save(str(path), external_data=weights_apart)


def _cosine(config: Clip.Config, graph: Path, about: dict[str, Any], expected: Floats) -> float:
    """The lowest cosine between a graph's vectors of the probes and the original's."""
    (graph / ABOUT_FILE).write_text(json.dumps(about), encoding="utf-8")
    exported = Clip(config)
    exported.load(graph)
    return float(np.min(np.sum(exported.encode(probes()) * expected, axis=1)))
