"""One tuning, from its inputs to its folder."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise.config.tune import TuneSpec
from shelfwise.datasets.searches import Searches, answered
from shelfwise.datasets.training_data import TrainingData
from shelfwise.encode.sentence_transformer import SentenceTransformer
from shelfwise.encode.weights import identity, locate
from shelfwise.encode.whitening import Whitening
from shelfwise.errors import MissingExtraError
from shelfwise.pipeline.fitted import Progress
from shelfwise.schemas.events import EventKind
from shelfwise.schemas.ids import Floats
from shelfwise.track.tracker import Curve, untracked
from shelfwise.train.sentence_modules import SentenceModules
from shelfwise.train.tuning.negatives import hard_negatives
from shelfwise.train.tuning.pairs import ItemTexts, make_pairs
from shelfwise.train.tuning.quality import Pool, questions
from shelfwise.train.tuning.split import Lessons, lessons

VERSION = 1
"""Part of every key: a change in how tuning works does it anew."""

ABOUT_FILE = "tuning.json"
MODEL_FOLDER, ADAPTER_FOLDER = "model", "adapter"

LEFT_OUT_OF_KEYS = frozenset({"use", "renew_d"})
"""Keys of `[encode.tune]` that do not change what is learned."""


@dataclass(frozen=True, slots=True)
class Material:
    """What an encoder is tuned on.

    Attributes:
        base: The encoder that is tuned.
        texts: Of the items, by row.
        data: Of the moment before everything that will be asked; its vectors are those of `base`, whitened.
        searches: All that the log holds; those whose answer `data` does not know are not used.
        target: The kind of event that is predicted.
        whiten_dim: Dimensions of whitened vectors.
        whiten_shrinkage: As in `[encode]`.
    """

    base: SentenceTransformer.Config
    texts: ItemTexts
    data: TrainingData
    searches: Searches
    target: EventKind
    whiten_dim: int
    whiten_shrinkage: float

    def whitening(self, vectors: Floats) -> Whitening:
        """Whitening as the shop's vectors get it."""
        dim = min(self.whiten_dim, vectors.shape[1])
        return Whitening.fit(vectors, dim=dim, shrinkage=self.whiten_shrinkage)

    def lessons(self, spec: TuneSpec) -> Lessons:
        """The parts of the past; the same for the same material and seed."""
        has_text = np.array([bool(text) for text in self.texts.passages], bool)
        return lessons(self.data, self.target, spec, has_text)


@dataclass(frozen=True, slots=True)
class TunedEncoder:
    """A finished tuning.

    Attributes:
        folder: Holds `tuning.json`, `adapter/` and `model/`.
        about: What `tuning.json` says.
    """

    folder: Path
    about: dict[str, Any]

    @property
    def model(self) -> Path:
        """The merged model, for `[encode.text] model`."""
        return self.folder / MODEL_FOLDER

    @property
    def is_better(self) -> bool:
        """Whether it named held-out choices better than the untuned encoder; otherwise there is no model."""
        return bool(self.about["is_better"])


def family(material: Material, spec: TuneSpec) -> str:
    """Equal for tunings that differ in nothing but how much of the log they knew."""
    stated = [
        VERSION,
        identity(material.base.model),
        spec.model_dump(mode="json", exclude=set(LEFT_OUT_OF_KEYS)),
        material.target.value,
        material.whiten_dim,
        material.whiten_shrinkage,
    ]
    return hashlib.sha256(json.dumps(stated).encode()).hexdigest()[:16]


def key(material: Material, spec: TuneSpec) -> str:
    """Equal for tunings that would have the same outcome: weights, configuration, texts and behaviour are the same."""
    digest = hashlib.sha256(family(material, spec).encode())
    for text in (*material.texts.passages, *material.texts.titles):
        digest.update(text.encode() + b"\x00")
    interactions = material.data.interactions
    for column in (interactions.user_rows, interactions.item_rows, interactions.kinds, interactions.times_ms):
        digest.update(column.tobytes())
    for one in answered(material.searches, interactions):
        digest.update(f"{one.item_row}\x00{one.query}\x00".encode())
    return digest.hexdigest()[:16]


def finished(folder: Path) -> TunedEncoder | None:
    """The tuning in a folder; None where it was not finished."""
    if not (folder / ABOUT_FILE).is_file():
        return None
    return TunedEncoder(folder, json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8")))


def tune(
    material: Material,
    spec: TuneSpec,
    folder: Path,
    progress: Progress,
    on_check: Callable[[int, float], None] = lambda *_: None,
    track: Curve = untracked,
) -> TunedEncoder:
    """Tune an encoder, or go on with a tuning that was interrupted.

    Args:
        material: What may be learned from.
        spec: How.
        folder: Becomes the tuned encoder's; what is in it already is gone on from.
        progress: Told of every step.
        on_check: Told the step and the held-out figure of every check; what it raises ends the tuning.
        track: Told loss and learning rate of every step, and the figure of every check.

    Raises:
        StateError: there is too little behaviour to learn from.
        ConfigError: the method does not suit the model.
        MissingExtraError: torch, transformers or PEFT is not installed.
    """
    known = finished(folder)
    if known is not None:
        return known
    try:
        import torch
        from transformers.utils import logging as transformers_logging

        from shelfwise.train.pooled_encoder import fetch, load_pooled
        from shelfwise.train.tuning import checkpoint, saved
        from shelfwise.train.tuning.loop import Loop, Texts
        from shelfwise.train.tuning.methods import merged, prepare
    except ImportError as cause:
        raise MissingExtraError(
            f"{cause.name} is not installed", where="encode.tune", hint="pip install 'shelfwise[train]'"
        ) from cause
    transformers_logging.disable_progress_bar()
    started = time.perf_counter()
    progress("preparing training pairs", None, None)
    parts = material.lessons(spec)
    pairs = make_pairs(
        parts.train, material.texts, answered(material.searches, parts.train), spec, len(material.data.catalogue)
    )
    readable = np.array([bool(text) for text in material.texts.passages], bool)
    pool = Pool.of(questions(parts.stop, readable), readable, spec.pool, spec.seed)
    progress("loading the encoder", None, None)
    model_folder = fetch(locate(material.base.model))
    encoder, tokenizer = load_pooled(
        model_folder,
        SentenceModules.read(model_folder),
        pooling=material.base.pooling,
        cut=material.base.dim,
        normalise=material.base.normalise,
    )
    encoder.to("cuda" if torch.cuda.is_available() else "cpu")
    texts = Texts(pairs.texts, tokenizer, spec.max_tokens, bf16=spec.precision == "bf16")
    untuned = texts.vectors(encoder, pool.rows.astype(np.int64))
    whitening = material.whitening(untuned)
    before = pool.mrr(lambda _: untuned, whitening)
    prepared = prepare(encoder, spec)
    hard = None
    if spec.hard_negatives > 0 and material.data.vectors is not None:
        hard = hard_negatives(pairs, material.data.vectors)
    loop = Loop(prepared, texts, pairs, hard, whitening, spec)
    state = loop.run(
        before,
        lambda encode: pool.mrr(encode, lambda vectors: material.whitening(vectors)(vectors)),
        folder,
        progress,
        on_check,
        track,
    )
    progress("saving the encoder", None, None)
    if state.best_step:
        for part in (ADAPTER_FOLDER, MODEL_FOLDER):
            shutil.rmtree(folder / part, ignore_errors=True)
        saved.save_adapter(prepared, folder / ADAPTER_FOLDER)
        encoder = merged(prepared)
        saved.save_model(encoder.to("cpu"), tokenizer, folder / MODEL_FOLDER, material.base.max_tokens)
    about: dict[str, Any] = {
        "family": family(material, spec),
        "base": material.base.model,
        "method": spec.method,
        "spec": spec.model_dump(mode="json", exclude=set(LEFT_OUT_OF_KEYS)),
        "until_ms": material.data.now_ms if material.data.interactions.has_clock else None,
        "n_events": len(parts.train),
        "n_pairs": len(pairs),
        "n_cold_items": int(parts.cold.sum()),
        "n_trainable": prepared.n_trainable,
        "n_parameters": prepared.n_parameters,
        "is_better": bool(state.best_step),
        "mrr_in_pool": {"frozen": before, "tuned": state.best, "pool": len(pool.rows), "questions": len(pool.asked)},
        **{name: value for name, value in asdict(state).items() if name not in ("best", "n_worse", "seconds")},
        "seconds": round(time.perf_counter() - started, 1),
    }
    write_about(folder, about)
    checkpoint.clear(folder)
    return TunedEncoder(folder, about)


def write_about(folder: Path, about: dict[str, Any]) -> None:
    """Write `tuning.json`, whole or not at all."""
    scratch = folder / f".{ABOUT_FILE}"
    scratch.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    scratch.replace(folder / ABOUT_FILE)
