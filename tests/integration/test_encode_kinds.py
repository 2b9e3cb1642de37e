"""Every kind of text encoder, exported, says what transformers or sentence-transformers says of the same weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.encode.encoder import TextEncoder
from shelfwise.encode.sentence_transformer import ABOUT_FILE, WEIGHTS_FILE, SentenceTransformer
from shelfwise.errors import ConfigError, ShelfwiseError
from shelfwise.schemas.ids import Floats
from shelfwise.testing.encoders import TEXTS, TextEncoderContract

WORDS = [*TEXTS, "soft wool against winter wind", "smooth ink for notes and letters", "warm light for desk and bed"]

Ready = tuple[dict[str, Any], Path]
"""Options of an encoder, and the folder that was made for them."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one tiny model of each kind."""
    from shelfwise.testing.tiny_models import tiny_bert, tiny_decoder, tiny_t5

    folder = tmp_path_factory.mktemp("models")
    tiny_bert(folder / "bert", WORDS)
    tiny_t5(folder / "t5", WORDS)
    tiny_decoder(folder / "decoder", WORDS, padding_side="left")
    tiny_decoder(folder / "endless", WORDS, padding_side="right", marks_end=False)
    return folder


@pytest.fixture(scope="module")
def made(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ready]:
    """Exports a model with options; each combination once."""
    from shelfwise.train.encoder_export import export_here

    kept: dict[str, Ready] = {}

    def make(model: str, **options: Any) -> Ready:
        stated = {"model": str(models / model), "threads": 1, "batch_size": 3, **options}
        name = json.dumps(stated, sort_keys=True)
        if name not in kept:
            folder = tmp_path_factory.mktemp(model)
            export_here(SentenceTransformer.Config.model_validate(stated), folder)
            kept[name] = stated, folder
        return kept[name]

    return make


def loaded(ready: Ready) -> SentenceTransformer:
    encoder = SentenceTransformer(SentenceTransformer.Config.model_validate(ready[0]))
    encoder.load(ready[1])
    return encoder


def states(folder: Path, text: str, max_tokens: int, side: str = "right", *, encoder: str = "AutoModel") -> Any:
    """A text's token states by transformers alone."""
    import torch
    import transformers

    model = getattr(transformers, encoder).from_pretrained(folder, local_files_only=True).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, truncation_side=side, local_files_only=True)
    ids = tokenizer(text, truncation=True, max_length=max_tokens)["input_ids"] or [tokenizer.eos_token_id]
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).last_hidden_state[0].numpy()


def unit(vector: Floats) -> Floats:
    return vector / np.linalg.norm(vector)


class KindContract(TextEncoderContract):
    """The contract, on an exported model."""

    model = ""
    options: dict[str, Any] = {}  # noqa: RUF012

    @pytest.fixture(autouse=True)
    def _ready(self, made: Callable[..., Ready]) -> None:
        self.stated, self.folder = made(self.model, **self.options)

    def make(self) -> TextEncoder:
        return SentenceTransformer(SentenceTransformer.Config.model_validate(self.stated))

    def ready_folder(self) -> Path:
        return self.folder


class TestBert(KindContract):
    model = "bert"
    options = {"precision": "fp32", "pooling": "cls", "max_tokens": 64}  # noqa: RUF012

    def test_agrees_with_transformers(self, models: Path) -> None:
        expected = np.stack([unit(states(models / "bert", text, 64)[0]) for text in TEXTS])
        self.assert_same(self.loaded().encode(TEXTS), expected)


class TestT5(KindContract):
    model = "t5"
    tolerance = 0.02

    def test_agrees_with_the_encoder_of_the_whole_model(self, models: Path) -> None:
        expected = np.stack(
            [unit(states(models / "t5", text, 128, encoder="T5EncoderModel").mean(axis=0)) for text in TEXTS]
        )
        self.assert_same(self.loaded().encode(TEXTS), expected)

    def test_both_cosines_are_told(self) -> None:
        about = json.loads((self.folder / ABOUT_FILE).read_text())
        assert about["min_cosine"]["fp32"] > 0.9999
        assert 0.97 < about["min_cosine"]["int8"] <= about["min_cosine"]["fp32"]


class TestDecoder(KindContract):
    model = "decoder"
    options = {"precision": "fp32", "pooling": "last"}  # noqa: RUF012

    def test_agrees_with_transformers_last_state(self, models: Path) -> None:
        expected = np.stack([unit(states(models / "decoder", text, 128)[-1]) for text in TEXTS])
        self.assert_same(self.loaded().encode(TEXTS), expected)


class TestDecoderThatMarksNoEnd(KindContract):
    model = "endless"
    options = {"precision": "fp32", "pooling": "last", "truncate": "start", "max_tokens": 8}  # noqa: RUF012

    def test_the_end_of_long_texts_is_what_is_read(self, models: Path) -> None:
        expected = np.stack([unit(states(models / "endless", text, 8, "left")[-1]) for text in TEXTS])
        self.assert_same(self.loaded().encode(TEXTS), expected)
        long = "waterproof leather boot for hiking trails " * 30
        assert self.loaded().encode([long])[0] @ self.loaded().encode([long[500:]])[0] > 0.9999


@pytest.mark.parametrize("pooling", ["mean", "cls", "max", "last", "weightedmean", "mean_sqrt_len_tokens"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_pooling_is_that_of_sentence_transformers_wherever_padding_stands(pooling: str, side: str) -> None:
    import torch
    from sentence_transformers.sentence_transformer.modules import Pooling

    from shelfwise.train.pooled_encoder import _pool

    torch.manual_seed(1)
    token_states = torch.randn(4, 6, 5)
    mask = torch.tensor([[1] * n + [0] * (6 - n) for n in (6, 1, 3, 5)])
    if side == "left":
        mask = mask.flip(1)
    theirs = Pooling(5, "lasttoken" if pooling == "last" else pooling)
    expected = theirs({"token_embeddings": token_states, "attention_mask": mask})["sentence_embedding"]
    torch.testing.assert_close(_pool(pooling, token_states, mask), expected)


@pytest.mark.parametrize("kind", ["decoder", "bert"])
def test_padding_on_either_side_gives_the_same_vectors(models: Path, kind: str) -> None:
    import torch

    from shelfwise.train.pooled_encoder import load_pooled
    from shelfwise.train.sentence_modules import SentenceModules

    folder = models / kind
    encoder, tokenizer = load_pooled(
        folder, SentenceModules.read(folder), pooling="last" if kind == "decoder" else "cls"
    )
    found = {}
    for side in ("left", "right"):
        tokenizer.padding_side = side
        batch = tokenizer(
            ["red mug", "waterproof leather boot for hiking trails"], padding="longest", return_tensors="pt"
        )
        with torch.no_grad():
            found[side] = encoder(batch["input_ids"], batch["attention_mask"])
    if kind == "decoder":
        torch.testing.assert_close(found["left"], found["right"], atol=1e-5, rtol=1e-5)
    else:  # a BERT's positions are absolute: only the text that is not padded stays; we pad on the right
        torch.testing.assert_close(found["left"][1], found["right"][1], atol=1e-5, rtol=1e-5)


@pytest.fixture(scope="module")
def folder(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from sentence_transformers import SentenceTransformer as Theirs
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer

    torch.manual_seed(2)
    transformer = Transformer(str(models / "bert"))
    steps = [transformer, Pooling(32, ("cls", "mean")), Dense(64, 24, activation_function=torch.nn.Tanh()), Normalize()]
    theirs = Theirs(modules=steps, prompts={"query": "red ", "passage": "soft wool "}, device="cpu")
    folder = tmp_path_factory.mktemp("theirs") / "model"
    theirs.save(str(folder))
    return folder


@pytest.fixture(scope="module")
def exported(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Ready:
    from shelfwise.train.encoder_export import export_here

    options = {"model": str(folder), "precision": "fp32", "dim": 16, "max_tokens": 64, "threads": 1}
    place = tmp_path_factory.mktemp("exported")
    export_here(SentenceTransformer.Config.model_validate(options), place)
    return options, place


class TestASentenceTransformersFolder:
    """Pooling, a head, prompts and the cut of dimensions come from the folder as sentence-transformers wrote it."""

    def test_vectors_are_theirs(self, folder: Path, exported: Ready) -> None:
        from sentence_transformers import SentenceTransformer as Theirs

        theirs = Theirs(str(folder), device="cpu", truncate_dim=16)
        ours = loaded(exported)
        assert ours.dim == 16
        texts = list(TEXTS)
        for found, expected in (
            (ours.encode(texts), theirs.encode(texts, prompt_name="passage", normalize_embeddings=True)),
            (ours.encode_queries(texts), theirs.encode(texts, prompt_name="query", normalize_embeddings=True)),
        ):
            np.testing.assert_allclose(found, expected, atol=1e-4)

    def test_own_prompts_come_before_the_folders(self, exported: Ready) -> None:
        folders, own = loaded(exported), loaded(({**exported[0], "prompt": "", "query_prompt": "blue "}, exported[1]))
        np.testing.assert_allclose(own.encode(["soft wool kite"]), folders.encode(["kite"]), atol=1e-5)
        np.testing.assert_allclose(own.encode_queries(["kite"]), own.encode(["blue kite"]), atol=1e-5)

    def test_a_dim_beyond_the_model_is_refused(self, exported: Ready, tmp_path: Path) -> None:
        from shelfwise.train.encoder_export import export_here

        config = SentenceTransformer.Config.model_validate({**exported[0], "dim": 25})
        with pytest.raises(ConfigError, match="dim is 25, and the model's vectors have 24"):
            export_here(config, tmp_path)

    def test_another_pooling_must_fit_the_head(self, exported: Ready, tmp_path: Path) -> None:
        from shelfwise.train.encoder_export import export_here

        config = SentenceTransformer.Config.model_validate({**exported[0], "pooling": "max"})
        with pytest.raises(ConfigError, match="takes 64 numbers, and 32 come to it"):
            export_here(config, tmp_path)

    def test_a_change_in_a_folder_within_is_another_encoder(self, folder: Path, tmp_path: Path) -> None:
        shutil.copytree(folder, tmp_path / "model")

        def key() -> str:
            return SentenceTransformer(SentenceTransformer.Config(model=str(tmp_path / "model"))).key()

        before = key()
        path = tmp_path / "model" / "1_Pooling" / "config.json"
        path.write_text(path.read_text().replace("cls", "max"))
        assert key() != before

    def test_a_step_that_is_not_known_is_refused(self, folder: Path, tmp_path: Path) -> None:
        from shelfwise.train.encoder_export import export_here

        shutil.copytree(folder, tmp_path / "model")
        path = tmp_path / "model" / "modules.json"
        path.write_text(path.read_text().replace("Normalize", "LSTM"))
        with pytest.raises(ConfigError, match="a step of kind 'LSTM'"):
            export_here(SentenceTransformer.Config(model=str(tmp_path / "model")), tmp_path / "out")


def test_vectors_keep_their_lengths_where_they_shall(made: Callable[..., Ready], models: Path) -> None:
    ready = made("t5", precision="fp32", normalise=False)
    expected = np.stack([states(models / "t5", text, 128, encoder="T5EncoderModel").mean(axis=0) for text in TEXTS])
    np.testing.assert_allclose(loaded(ready).encode(TEXTS), expected, atol=1e-3)


def test_large_weights_stand_in_a_file_of_their_own(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shelfwise.train import encoder_export

    # Random weights are not made for 8 bits: which vocabulary was learned decides on which side of the bar they are.
    monkeypatch.setattr(encoder_export, "MIN_COSINE", {"int8": 0.9, "fp32": 0.9999})
    together = SentenceTransformer(SentenceTransformer.Config(model=str(models / "bert"), max_tokens=16, threads=1))
    encoder_export.export_here(together.config, tmp_path / "together")
    together.load(tmp_path / "together")
    monkeypatch.setattr(encoder_export, "MAX_GRAPH_BYTES", 1_000)
    apart = SentenceTransformer(together.config)
    encoder_export.export_here(apart.config, tmp_path / "apart")
    apart.load(tmp_path / "apart")
    assert WEIGHTS_FILE in apart.runtime_files()
    assert WEIGHTS_FILE not in together.runtime_files()
    for name in apart.runtime_files():
        (tmp_path / "elsewhere").mkdir(exist_ok=True)
        shutil.copyfile(tmp_path / "apart" / name, tmp_path / "elsewhere" / name)
    apart.load(tmp_path / "elsewhere")
    np.testing.assert_allclose(apart.encode(TEXTS), together.encode(TEXTS), atol=1e-6)


def test_a_graph_that_is_too_far_off_is_refused(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from shelfwise.train import encoder_export

    monkeypatch.setitem(encoder_export.MIN_COSINE, "int8", 1.1)
    config = SentenceTransformer.Config(model=str(models / "bert"), max_tokens=16)
    with pytest.raises(ShelfwiseError, match=r"(?s)the int8 graph of .* differs.*precision = 'fp32'") as caught:
        encoder_export.export_here(config, tmp_path / "out")
    assert caught.value.code == "bad_export"
    assert not SentenceTransformer(config).is_ready(tmp_path / "out")


def test_a_folder_without_a_text_encoder_is_refused(tmp_path: Path) -> None:
    from shelfwise.train.encoder_export import export_here

    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ConfigError, match="holds no text encoder"):
        export_here(SentenceTransformer.Config(model=str(tmp_path)), tmp_path / "out")
