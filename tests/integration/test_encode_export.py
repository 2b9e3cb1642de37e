"""The graph that is made of a model says what the model says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.encode.sentence_transformer import ABOUT_FILE, GRAPH_FILE, TOKENIZER_FILE, SentenceTransformer
from shelfwise.errors import ConfigError
from shelfwise.schemas.ids import Floats

TEXTS = ["Red mug. Kitchen, Mugs", "Blue lamp", "kite", "", "waterproof leather boot for hiking trails " * 8]


def original(folder: Path, texts: list[str], max_tokens: int) -> Floats:
    """Mean-pooled vectors by the original weights, one text at a time."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    vectors: list[Any] = []
    with torch.no_grad():
        for text in texts:
            batch = tokenizer(text, truncation=True, max_length=max_tokens, return_tensors="pt")
            pooled = model(**batch).last_hidden_state[0].mean(0).numpy()
            vectors.append(pooled / np.linalg.norm(pooled))
    return np.stack(vectors)


@pytest.fixture
def exported(tiny_shop_template: Path) -> tuple[SentenceTransformer, Path]:
    """The tiny shop's encoder, and its folder."""
    [folder] = (tiny_shop_template / "vectors").iterdir()
    model = json.loads((folder / ABOUT_FILE).read_text())["model"]
    encoder = SentenceTransformer(SentenceTransformer.Config(model=model, max_tokens=32, threads=1, batch_size=2))
    assert encoder.key() == folder.name
    encoder.load(folder)
    return encoder, folder


def test_the_int8_graph_agrees_with_the_model(exported: tuple[SentenceTransformer, Path]) -> None:
    encoder, _ = exported
    found = encoder.encode(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-3)
    cosines = np.sum(found * original(Path(encoder.config.model), TEXTS, 32), axis=1)
    assert (cosines > 0.97).all(), cosines
    # Not just any vectors: a text is nearer to itself than to the others.
    cross = found @ original(Path(encoder.config.model), TEXTS, 32).T
    assert (cross.argmax(axis=1) == np.arange(len(TEXTS))).all()


def test_batches_and_their_order_change_next_to_nothing(exported: tuple[SentenceTransformer, Path]) -> None:
    encoder, folder = exported
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    # int8 activations are scaled per batch.
    assert (np.sum(alone * encoder.encode(TEXTS), axis=1) > 0.99).all()
    larger = SentenceTransformer(encoder.config.model_copy(update={"batch_size": 64}))
    larger.load(folder)
    assert (np.sum(alone[::-1] * larger.encode(TEXTS[::-1]), axis=1) > 0.99).all()
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_what_is_known_of_the_graph_stands_beside_it(exported: tuple[SentenceTransformer, Path]) -> None:
    encoder, folder = exported
    about = json.loads((folder / ABOUT_FILE).read_text())
    assert about["dim"] == encoder.dim == 32
    assert about["precision"] == "int8"
    assert about["min_cosine"].keys() == {"fp32", "int8"}
    assert 0.97 <= about["min_cosine"]["int8"] <= about["min_cosine"]["fp32"] <= 1.00001
    assert {path.name for path in folder.iterdir()} >= {*encoder.runtime_files()}


def test_a_folder_without_its_last_file_is_not_ready(
    exported: tuple[SentenceTransformer, Path], tmp_path: Path
) -> None:
    encoder, folder = exported
    for name in (GRAPH_FILE, TOKENIZER_FILE):
        shutil.copy(folder / name, tmp_path / name)
    assert not encoder.is_ready(tmp_path)
    shutil.copy(folder / ABOUT_FILE, tmp_path / ABOUT_FILE)
    assert encoder.is_ready(tmp_path)


def test_weights_that_cannot_be_found_leave_the_process_apart_with_their_message(tmp_path: Path) -> None:
    from shelfwise.train.encoder_export import export

    encoder = SentenceTransformer(SentenceTransformer.Config(model=str(tmp_path / "nowhere")))
    with pytest.raises(ConfigError, match="neither a folder nor a pinned model"):
        export(encoder, tmp_path / "out")
    assert not encoder.is_ready(tmp_path / "out")


def test_the_packaged_model_knows_what_things_are(tmp_path: Path) -> None:
    """The real MiniLM, by the real export: half a minute, once."""
    from shelfwise.train.encoder_export import export

    encoder = SentenceTransformer(SentenceTransformer.Config(max_tokens=32))
    export(encoder, tmp_path / "encoder")
    encoder.load(tmp_path / "encoder")
    shoes, sneakers, pan, mug = encoder.encode(
        ["red running shoes for men", "mens sneakers red", "frying pan", "coffee mug"]
    )
    assert shoes @ sneakers > 0.6
    assert shoes @ sneakers > shoes @ pan + 0.3
    assert pan @ mug > pan @ shoes
    assert encoder.dim == 384
